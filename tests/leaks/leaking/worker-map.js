'use strict';
// A worker thread keeps every result in a Map of its own isolate. The main
// thread's heap is clean; the process grows all the same.
const { once } = require('node:events');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { run } = require('../harness');

const workerFile = path.join(__dirname, 'parts', 'thumbnailer.js');
const worker = new Worker(workerFile);

async function ask(message) {
  worker.postMessage(message);
  await once(worker, 'message');
}

const serve = (n) => ask({ images: n });

run(__filename, {
  size: 4000,
  warm: serve,
  load: serve,
  files: [workerFile],
  snapshot: (phase, dir) => ask({ images: 0, snapshot: path.join(dir, `worker-${phase}.heapsnapshot`) }),
  close: () => worker.terminate(),
  // `isolate`: the counts and the path are those of the `worker-` snapshots.
  truth: ({ size, warm, places }) => ({
    isolate: 'worker',
    leak: { constructor: 'Thumbnail', count: { baseline: warm, target: warm + size, final: warm + size } },
    holder: { variable: 'thumbnails', constructor: 'Map', scope: 'module', place: places.holder },
    insertedAt: places.insert,
    path: ['thumbnails', 'Map', 'table', 'Thumbnail'],
    notLeaks: [],
    kind: 'collection',
  }),
});
