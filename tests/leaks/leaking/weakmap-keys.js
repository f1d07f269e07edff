'use strict';
// Metadata is kept in a WeakMap, which would be fine, but a list keeps the keys.
const { run } = require('../harness');

class Handle {
  constructor(n) { this.fd = n; }
}

class Metadata {
  constructor(n) {
    this.path = `/var/spool/${n}`;
    this.blocks = Array.from({ length: 24 }, (_, i) => n + i);
  }
}

class LooseKey {
  constructor(n) { this.n = n; }
}

const metadata = new WeakMap();
const openHandles = []; // @mark holder
let opened = 0;

function open() {
  const handle = new Handle(opened++);
  metadata.set(handle, new Metadata(handle.fd));
  openHandles.push(handle); // @mark insert
  metadata.set(new LooseKey(opened), { opened }); // nobody keeps the key: not a leak
}

const serve = (n) => { for (let i = 0; i < n; i++) open(); };

run(__filename, {
  size: 4000,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'Handle', count: { baseline: warm, target: warm + size, final: warm + size } },
    alsoGrows: [{ constructor: 'Metadata' }],
    holder: { variable: 'openHandles', constructor: 'Array', scope: 'module', place: places.holder },
    insertedAt: places.insert,
    path: ['openHandles', 'Array', 'Handle'],
    notLeaks: ['LooseKey'],
    kind: 'collection',
  }),
});
