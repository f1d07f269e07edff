'use strict';
// Requests await a connection that is never established: each suspended async
// function keeps its locals for ever.
const { run } = require('../harness');

class RequestState {
  constructor(n) {
    this.url = `/orders/${n}`;
    this.items = Array.from({ length: 32 }, (_, i) => ({ n, i }));
  }
}

const connected = new Promise(() => {}); // @mark holder
let accepted = 0;
let answered = 0;

async function accept() {
  const state = new RequestState(accepted++);
  await connected; // @mark insert
  answered += state.items.length;
}

const serve = (n) => { for (let i = 0; i < n; i++) accept(); };

run(__filename, {
  size: 2000,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'RequestState', count: { baseline: warm, target: warm + size, final: warm + size } },
    holder: { variable: 'connected', constructor: 'Promise', scope: 'module', place: places.holder },
    insertedAt: places.insert,
    path: ['connected', 'Promise', 'RequestState'],
    notLeaks: [],
    kind: 'promise',
    answered,
  }),
});
