'use strict';
// Each request runs in its own AsyncLocalStorage store. A resource created in
// it waits for an event that never comes, and so keeps the store.
const { AsyncLocalStorage, AsyncResource } = require('node:async_hooks');
const { run } = require('../harness');

class RequestStore {
  constructor(n) {
    this.requestId = `request-${n}`;
    this.baggage = Array.from({ length: 24 }, (_, i) => ({ key: `k${i}`, value: n }));
  }
}

class BriefStore {
  constructor(n) { this.requestId = `brief-${n}`; }
}

const requests = new AsyncLocalStorage();
const waiters = []; // @mark holder
let served = 0;

function handle() {
  requests.run(new RequestStore(served++), () => {
    waiters.push(new AsyncResource('LicenceCheck')); // @mark insert
  });
  requests.run(new BriefStore(served), () => new AsyncResource('Brief').runInAsyncScope(() => {}));
}

async function serve(n) {
  for (let i = 0; i < n; i++) handle();
  await null;
}

run(__filename, {
  size: 1500,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'RequestStore', count: { baseline: warm, target: warm + size, final: warm + size } },
    alsoGrows: [{ constructor: 'AsyncResource' }],
    holder: { variable: 'waiters', constructor: 'Array', scope: 'module', place: places.holder },
    insertedAt: places.insert,
    path: ['waiters', 'Array', 'AsyncResource', 'RequestStore'],
    notLeaks: ['BriefStore'],
    kind: 'async-context',
  }),
});
