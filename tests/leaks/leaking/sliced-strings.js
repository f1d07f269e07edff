'use strict';
// One token of each 8 kB log line is kept. V8 cuts it as a slice that points
// into the line, so every line stays.
const { run } = require('../harness');

const LINE_LENGTH = 8192;
const seenTokens = new Map(); // @mark holder
let lines = 0;

function readLine() {
  const start = `trace-${String(lines++).padStart(12, '0')} level=info `;
  return Buffer.alloc(LINE_LENGTH, start).toString('latin1');
}

function ingest() {
  const line = readLine();
  seenTokens.set(lines, line.slice(0, 18)); // @mark insert
}

const serve = (n) => { for (let i = 0; i < n; i++) ingest(); };

run(__filename, {
  size: 800,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: {
      constructor: '(sliced string)',
      type: 'sliced string',
      count: { baseline: warm, target: warm + size, final: warm + size },
    },
    alsoGrows: [{ constructor: '(string)', bytes: (warm + size) * LINE_LENGTH }],
    holder: { variable: 'seenTokens', constructor: 'Map', scope: 'module', place: places.holder },
    insertedAt: places.insert,
    path: ['seenTokens', 'Map', 'table'],
    notLeaks: [],
    kind: 'string-slice',
  }),
});
