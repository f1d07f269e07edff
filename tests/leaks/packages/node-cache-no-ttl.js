'use strict';
// node-cache without a time to live and without a bound, keyed by request.
const NodeCache = require('node-cache');
const { run } = require('../harness');

class Report {
  constructor(key) {
    this.key = key;
    this.rows = Array.from({ length: 20 }, (_, i) => ({ key, i }));
  }
}

const reports = new NodeCache({ useClones: false }); // @mark holder
let requests = 0;

function report() {
  const key = `report-${requests++}`;
  if (!reports.get(key)) reports.set(key, new Report(key)); // @mark insert
}

const serve = (n) => { for (let i = 0; i < n; i++) report(); };

run(__filename, {
  size: 2500,
  warm: serve,
  load: serve,
  close: () => reports.close(),
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'Report', count: { baseline: warm, target: warm + size, final: warm + size } },
    holder: {
      variable: 'reports', constructor: 'NodeCache', expression: 'reports.data', collection: 'Object',
      scope: 'module', place: places.holder, package: 'node-cache',
    },
    insertedAt: places.insert,
    path: ['reports', 'NodeCache', 'data', 'Object', 'Report'],
    notLeaks: [],
    kind: 'collection',
  }),
});
