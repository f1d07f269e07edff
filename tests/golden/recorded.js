// Two snapshots of one process while it records its allocations, asked for from another thread: asked for
// from its own, V8 writes stacks that refer past its table of functions.
//
// node recorded.js FIRST SECOND

'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');

if (!isMainThread) {
  const { Session } = require('inspector');
  const { closeSync, openSync, writeSync } = require('fs');
  const session = new Session();
  session.connectToMainThread();
  let file;
  session.on('HeapProfiler.addHeapSnapshotChunk', (message) => writeSync(file, message.params.chunk));
  const send = (method, params) => new Promise((done, fail) =>
    session.post(method, params, (error) => (error ? fail(error) : done())));
  const snapshot = async (path) => {
    file = openSync(path, 'w');
    await send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
    closeSync(file);
  };
  // Nothing else keeps this thread alive while it waits for an answer.
  setInterval(() => {}, 1000);
  const [first, second] = workerData;
  parentPort.on('message', async (step) => {
    await snapshot(step === 'one' ? first : second);
    parentPort.postMessage(step);
    if (step === 'two') process.exit();
  });
  send('HeapProfiler.startTrackingHeapObjects', { trackAllocations: true }).then(() => parentPort.postMessage('on'));
  return;
}

class Ticket { constructor(n) { this.n = { n }; this.text = `ticket ${n}`; } }
const kept = (globalThis.kept = []);
function sell(count) { for (let i = 0; i < count; i++) kept.push(new Ticket(i)); }
function nested(depth) { if (depth) nested(depth - 1); else sell(200); }

const worker = new Worker(__filename, { workerData: process.argv.slice(2) });
worker.on('message', (step) => {
  if (step === 'on') {
    sell(300);
    nested(5);
    setTimeout(() => { sell(50); setTimeout(() => worker.postMessage('one'), 120); }, 120);
  } else if (step === 'one') {
    kept.splice(0, 100);
    nested(9);
    setTimeout(() => worker.postMessage('two'), 120);
  }
});
