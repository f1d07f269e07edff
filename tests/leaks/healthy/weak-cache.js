'use strict';
// A cache of WeakRefs with a FinalizationRegistry that removes dead entries,
// and a WeakMap beside it: both let go of what nobody else uses.
const { run } = require('../harness');

class Avatar {
  constructor(key) {
    this.key = key;
    this.pixels = Array.from({ length: 64 }, (_, i) => key.length * i);
  }
}

class AvatarNote {
  constructor(key) { this.key = key; }
}

const avatars = new Map(); // @mark cache
const notes = new WeakMap();
const collected = new FinalizationRegistry((key) => {
  if (!avatars.get(key)?.deref()) avatars.delete(key);
});
let requests = 0;

function avatar(key) {
  let found = avatars.get(key)?.deref();
  if (!found) {
    found = new Avatar(key);
    avatars.set(key, new WeakRef(found));
    collected.register(found, key);
    notes.set(found, new AvatarNote(key));
  }
  return found;
}

function handle() { return avatar(`user-${requests++}`).pixels.length; }

// In batches with turns of the event loop between them: a WeakRef keeps its
// target until the end of the turn.
async function serve(n) {
  for (let i = 0; i < n; i++) {
    handle();
    if (i % 100 === 99) await new Promise((done) => { setImmediate(done); });
  }
}

const idle = () => new Promise((done) => { setTimeout(done, 200); });

run(__filename, {
  size: 4000,
  warm: serve,
  load: serve,
  cool: idle,
  truth: ({ places }) => ({
    leak: null,
    expect: 'no leak',
    alsoAccept: ['bounded', 'backlog'],
    bounded: [{ constructor: 'Avatar', max: 200, place: places.cache }],
    notLeaks: ['Avatar', 'AvatarNote', 'WeakRef'],
  }),
});
