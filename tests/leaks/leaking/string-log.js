'use strict';
// A log grows by `+=`. V8 does not copy: each entry adds a node to a rope that
// keeps all of them.
const { run } = require('../harness');

class LogEntry {
  constructor(n) { this.n = n; }
}

const recent = []; // bounded: not a leak
let logText = ''; // @mark holder
let entries = 0;

function log() {
  const entry = new LogEntry(entries++);
  logText += `${entry.n} request served in ${entry.n % 90} ms by worker ${entry.n % 4}\n`; // @mark insert
  recent.push(entry);
  if (recent.length > 100) recent.shift();
}

const serve = (n) => { for (let i = 0; i < n; i++) log(); };

run(__filename, {
  size: 6000,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: {
      constructor: '(concatenated string)',
      type: 'concatenated string',
      count: { baseline: warm, target: warm + size, final: warm + size },
    },
    alsoGrows: [{ constructor: '(string)' }],
    holder: { variable: 'logText', constructor: 'String', scope: 'module', place: places.holder },
    insertedAt: places.insert,
    path: ['logText'],
    notLeaks: ['LogEntry'],
    kind: 'other',
    alsoKinds: ['linked-structure', 'collection', 'string-slice'],
  }),
});
