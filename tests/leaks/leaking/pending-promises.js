'use strict';
// Background writes are remembered so that a shutdown can wait for them. They
// race against a time-out that nobody arms, so none of them ever settles or leaves.
const { run } = require('../harness');

class WriteTask {
  constructor(n) {
    this.key = `row-${n}`;
    this.row = { n, text: Buffer.from(`row ${n} `.repeat(30)).toString() };
  }
}

const pendingWrites = []; // @mark holder
let begun = 0;

function writeBehind(task) {
  const stored = new Promise((resolve) => { task.done = resolve; }); // nobody calls done()
  const expired = new Promise((_, reject) => { task.expire = reject; });
  return Promise.race([stored, expired]).then(() => task.key);
}

function save() {
  pendingWrites.push({ promise: writeBehind(new WriteTask(begun)), task: new WriteTask(begun++) }); // @mark insert
}

const serve = (n) => { for (let i = 0; i < n; i++) save(); };

run(__filename, {
  size: 2000,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'WriteTask', count: { baseline: warm, target: warm + size, final: warm + size } },
    alsoGrows: [{ constructor: 'Promise' }],
    holder: { variable: 'pendingWrites', constructor: 'Array', scope: 'module', place: places.holder },
    insertedAt: places.insert,
    path: ['pendingWrites', 'Array', 'task', 'WriteTask'],
    notLeaks: [],
    kind: 'collection',
  }),
});
