'use strict';
// Every job waits for a configuration that never arrives: the gate's promise
// keeps one reaction, and so one job, for each call.
const { run } = require('../harness');

class QueuedJob {
  constructor(n) {
    this.name = `job ${n}`;
    this.payload = Buffer.from(`payload of job ${n} `.repeat(20)).toString();
  }
}

class SettledJob {
  constructor(n) { this.name = `settled ${n}`; }
}

const configLoaded = new Promise(() => {}); // @mark holder
const started = Promise.resolve();
let submitted = 0;

function submit() {
  const job = new QueuedJob(submitted++);
  configLoaded.then(function runJob() { return job.payload.length; }); // @mark insert
}

function submitSettled() {
  const settled = new SettledJob(submitted);
  started.then(function settle() { return settled.name; }); // runs at once: not a leak
}

async function serve(n) {
  for (let i = 0; i < n; i++) { submit(); submitSettled(); }
  await started;
}

run(__filename, {
  size: 2000,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'QueuedJob', count: { baseline: warm, target: warm + size, final: warm + size } },
    alsoGrows: [{ constructor: 'runJob', type: 'closure' }, { constructor: 'Promise' }],
    holder: { variable: 'configLoaded', constructor: 'Promise', scope: 'module', place: places.holder },
    insertedAt: places.insert,
    path: ['configLoaded', 'Promise', 'runJob', 'job', 'QueuedJob'],
    notLeaks: ['SettledJob', 'settle'],
    kind: 'promise',
  }),
});
