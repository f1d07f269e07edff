'use strict';
// A fastify app decorated with an array: a hook pushes a record per request,
// nobody takes one out.
const fastify = require('fastify');
const { run } = require('../harness');

class AccessRecord {
  constructor(request) {
    this.id = request.id;
    this.url = request.url;
    this.headers = { ...request.headers };
    this.at = Date.now();
  }
}

const app = fastify();
app.decorate('accessLog', []); // @mark holder
app.addHook('onRequest', async (request) => {
  app.accessLog.push(new AccessRecord(request)); // @mark insert
});
app.get('/items/:id', async (request) => ({ id: request.params.id }));

let served = 0;

async function serve(n) {
  for (let i = 0; i < n; i++) await app.inject({ url: `/items/${served++}`, headers: { 'x-trace': `trace-${served}` } });
}

run(__filename, {
  size: 1500,
  rate: 100,
  warm: serve,
  load: serve,
  close: () => app.close(),
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'AccessRecord', count: { baseline: warm, target: warm + size, final: warm + size } },
    holder: {
      variable: 'app', constructor: 'Object', expression: 'app.accessLog', collection: 'Array', scope: 'module',
      place: places.holder, aliases: ['accessLog', 'fastify'],
    },
    cut: 'accessLog',
    insertedAt: places.insert,
    path: ['accessLog', 'Array', 'AccessRecord'],
    notLeaks: ['Request', 'Reply'],
    kind: 'collection',
  }),
});
