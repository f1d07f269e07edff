'use strict';
// A never-ending async loop collects into a local array. No closure captures
// it: it lives only in the suspended function's registers.
const { run } = require('../harness');

class Message {
  constructor(n) {
    this.n = n;
    this.text = Buffer.from(`message ${n} `.repeat(16)).toString();
  }
}

let deliver; // @mark resume
let sent = 0;
let received = 0;

const nextMessage = () => new Promise((resolve) => { deliver = resolve; });

async function collect() {
  const batch = []; // @mark holder
  while (true) {
    const message = await nextMessage();
    batch.push(message); // @mark insert
    received = batch.length;
  }
}

async function serve(n) {
  for (let i = 0; i < n; i++) {
    deliver(new Message(sent++));
    while (received < sent) await null;
  }
}

collect();

run(__filename, {
  size: 3000,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'Message', count: { baseline: warm, target: warm + size, final: warm + size } },
    holder: {
      variable: 'batch', constructor: 'Array', scope: 'function', place: places.holder,
      aliases: ['deliver', 'collect'], alsoPlaces: [places.resume],
    },
    cut: 'deliver',
    insertedAt: places.insert,
    path: ['deliver', 'Promise', 'Array', 'Message'],
    notLeaks: [],
    kind: 'collection',
    alsoKinds: ['promise'],
  }),
});
