'use strict';
// Two closures of one call share one context. The small one is kept and keeps
// the big state that only the other one needed.
const { run } = require('../harness');

class ImportState {
  constructor(n) {
    this.rows = Array.from({ length: 48 }, (_, i) => ({ n, i }));
    this.title = `import ${n}`;
  }
}

const auditors = []; // @mark holder
let imports = 0;
let imported = 0;

function importFile() {
  const id = imports++;
  const state = new ImportState(id);
  const total = function total() { return state.rows.length; };
  imported += total();
  auditors.push(function audit() { return id; }); // @mark insert
}

const serve = (n) => { for (let i = 0; i < n; i++) importFile(); };

run(__filename, {
  size: 1200,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'ImportState', count: { baseline: warm, target: warm + size, final: warm + size } },
    alsoGrows: [{ constructor: 'audit', type: 'closure' }],
    holder: { variable: 'auditors', constructor: 'Array', scope: 'module', place: places.holder },
    insertedAt: places.insert,
    path: ['auditors', 'Array', 'audit', 'context', 'state', 'ImportState'],
    notLeaks: ['total'],
    kind: 'closure-context',
    alsoKinds: ['collection'],
    imported,
  }),
});
