'use strict';
// Every download listens to the process' one abort signal and never stops.
const { run } = require('../harness');

class Download {
  constructor(n) {
    this.url = `/files/${n}`;
    this.parts = Array.from({ length: 30 }, (_, i) => ({ n, i }));
  }
}

class Probe {
  constructor(n) { this.n = n; }
}

const shutdown = new AbortController(); // @mark holder
require('node:events').setMaxListeners(0, shutdown.signal);
let downloads = 0;

function download() {
  const current = new Download(downloads++);
  shutdown.signal.addEventListener('abort', function onAbort() { current.parts.length = 0; }); // @mark insert
}

function probeOnce() {
  const probe = new Probe(downloads);
  const onStop = function onStop() { return probe.n; };
  shutdown.signal.addEventListener('abort', onStop);
  shutdown.signal.removeEventListener('abort', onStop); // removed: not a leak
}

const serve = (n) => { for (let i = 0; i < n; i++) { download(); probeOnce(); } };

run(__filename, {
  size: 600,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'Download', count: { baseline: warm, target: warm + size, final: warm + size } },
    alsoGrows: [{ constructor: 'onAbort', type: 'closure' }],
    holder: { variable: 'shutdown', constructor: 'AbortController', scope: 'module', place: places.holder },
    insertedAt: places.insert,
    path: ['shutdown', 'AbortController', 'onAbort', 'current', 'Download'],
    notLeaks: ['Probe', 'onStop'],
    kind: 'listener',
  }),
});
