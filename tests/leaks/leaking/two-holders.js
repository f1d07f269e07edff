'use strict';
// Two leaks that have nothing to do with each other: about 70 % of the growth
// is held by one collection, 30 % by another.
const { run } = require('../harness');

class Session {
  constructor(n) {
    this.token = `session-${n}`;
    this.cart = Array.from({ length: 14 }, (_, i) => ({ n, i }));
  }
}

class AuditRecord {
  constructor(n) {
    this.actor = `actor-${n}`;
    this.fields = Array.from({ length: 6 }, (_, i) => ({ n, i }));
  }
}

const sessions = new Map(); // @mark holder
const auditTrail = []; // @mark second
let calls = 0;

function handle() {
  const session = new Session(calls);
  sessions.set(session.token, session); // @mark insert
  auditTrail.push(new AuditRecord(calls++)); // @mark append
}

const serve = (n) => { for (let i = 0; i < n; i++) handle(); };

run(__filename, {
  size: 2500,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'Session', count: { baseline: warm, target: warm + size, final: warm + size } },
    holder: { variable: 'sessions', constructor: 'Map', scope: 'module', place: places.holder },
    insertedAt: places.insert,
    path: ['sessions', 'Map', 'table', 'Session'],
    kind: 'collection',
    alsoLeaks: [{
      leak: { constructor: 'AuditRecord', count: { baseline: warm, target: warm + size, final: warm + size } },
      holder: { variable: 'auditTrail', constructor: 'Array', scope: 'module', place: places.second },
      insertedAt: places.append,
      path: ['auditTrail', 'Array', 'AuditRecord'],
      kind: 'collection',
    }],
    notLeaks: [],
  }),
});
