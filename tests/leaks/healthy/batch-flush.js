'use strict';
// Records pile up to a thousand, are written and dropped: at any one moment the
// batch may look as if it grew.
const { run } = require('../harness');

const BATCH = 1000;

class PendingRecord {
  constructor(n) {
    this.n = n;
    this.fields = { at: n, text: Buffer.from(`record ${n} `.repeat(8)).toString() };
  }
}

let batch = []; // @mark batch
let records = 0;
let written = 0;

function record() {
  batch.push(new PendingRecord(records++));
  if (batch.length >= BATCH) {
    written += batch.length;
    batch = [];
  }
}

const serve = (n) => { for (let i = 0; i < n; i++) record(); };

run(__filename, {
  size: 2500,
  warm: serve,
  load: serve,
  truth: ({ places }) => ({
    leak: null,
    expect: 'bounded',
    alsoAccept: ['no leak', 'backlog'],
    bounded: [{ constructor: 'PendingRecord', max: BATCH, place: places.batch }],
    notLeaks: [],
    written,
  }),
});
