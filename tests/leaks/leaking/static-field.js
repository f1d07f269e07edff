'use strict';
// A static field of a class keeps every fingerprint that was ever seen.
const { run } = require('../harness');

class Fingerprint {
  constructor(n) {
    this.hash = `sha-${n.toString(16).padStart(16, '0')}`;
    this.parts = Array.from({ length: 12 }, (_, i) => n * i);
  }
}

class Visitor {
  static seen = new Set(); // @mark holder

  constructor(n) { this.fingerprint = new Fingerprint(n); }

  register() {
    Visitor.seen.add(this.fingerprint); // @mark insert
    return this.fingerprint.hash;
  }
}

let visits = 0;
let last = '';

function visit() { last = new Visitor(visits++).register(); }

const serve = (n) => { for (let i = 0; i < n; i++) visit(); };

run(__filename, {
  size: 4000,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'Fingerprint', count: { baseline: warm, target: warm + size, final: warm + size } },
    holder: {
      variable: 'Visitor', constructor: 'Set', expression: 'Visitor.seen', collection: 'Set', scope: 'module',
      place: places.holder, aliases: ['seen'],
    },
    cut: 'seen',
    insertedAt: places.insert,
    path: ['Visitor', 'seen', 'Set', 'table', 'Fingerprint'],
    notLeaks: ['Visitor'],
    kind: 'collection',
    last,
  }),
});
