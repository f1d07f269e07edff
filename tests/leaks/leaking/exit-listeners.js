'use strict';
// Every job registers its clean-up for the end of the process.
const { run } = require('../harness');

class ScratchFolder {
  constructor(n) {
    this.name = `scratch-${n}`;
    this.files = Array.from({ length: 25 }, (_, i) => `${n}/${i}`);
  }
}

class Job {
  constructor(n) { this.n = n; }
}

process.setMaxListeners(0);
let jobs = 0;
let removed = 0;
let job;

function start() {
  const scratch = new ScratchFolder(jobs++);
  process.on('exit', function cleanUp() { removed += scratch.files.length; }); // @mark insert
  job = new Job(jobs);
}

const serve = (n) => { for (let i = 0; i < n; i++) start(); };

run(__filename, {
  size: 800,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'ScratchFolder', count: { baseline: warm, target: warm + size, final: warm + size } },
    alsoGrows: [{ constructor: 'cleanUp', type: 'closure' }],
    holder: {
      variable: 'process', constructor: 'process', scope: 'global', place: places.insert,
      aliases: ['_events', 'exit'],
    },
    cut: 'exit',
    insertedAt: places.insert,
    path: ['_events', 'exit', 'cleanUp', 'scratch', 'ScratchFolder'],
    notLeaks: ['Job'],
    kind: 'listener',
    job: job.n,
  }),
});
