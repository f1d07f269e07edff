'use strict';
// A counter labelled with the request's id: prom-client keeps one series for
// every value a label ever had.
const { Counter, Registry } = require('prom-client');
const { run } = require('../harness');

const registry = new Registry();
const requestsTotal = new Counter({ // @mark holder
  name: 'http_requests_total',
  help: 'Requests by route, status and, by mistake, request id',
  labelNames: ['route', 'status', 'request_id'],
  registers: [registry],
});
const errorsTotal = new Counter({ // ten series: not a leak
  name: 'http_errors_total',
  help: 'Errors by status',
  labelNames: ['status'],
  registers: [registry],
});
let requests = 0;

function handle() {
  const id = `req-${(requests++).toString(36).padStart(10, '0')}`;
  requestsTotal.inc({ route: '/orders', status: 200, request_id: id }); // @mark insert
  errorsTotal.inc({ status: 500 + (requests % 10) });
}

const serve = (n) => { for (let i = 0; i < n; i++) handle(); };

run(__filename, {
  size: 4000,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    // At least: prom-client's series are plain objects, of which there are others.
    leak: {
      constructor: 'Object',
      atLeast: true,
      count: { baseline: warm, target: warm + size, final: warm + size },
    },
    holder: {
      variable: 'requestsTotal', constructor: 'Counter', expression: 'requestsTotal.hashMap', collection: 'Object',
      scope: 'module', place: places.holder, package: 'prom-client',
    },
    cut: 'hashMap',
    insertedAt: places.insert,
    path: ['requestsTotal', 'Counter', 'hashMap', 'Object', 'labels', 'Object'],
    notLeaks: ['Counter'],
    kind: 'collection',
  }),
});
