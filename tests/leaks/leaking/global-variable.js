'use strict';
// A global array collects every login.
const { run } = require('../harness');

class Login {
  constructor(n) {
    this.user = `user-${n}`;
    this.roles = ['reader', `team-${n % 40}`];
    this.at = Date.now() + n;
  }
}

class Attempt {
  constructor(n) { this.n = n; }
}

globalThis.sessions = []; // @mark holder
let attempts = 0;
let failed = 0;

function login() {
  const attempt = new Attempt(attempts++);
  sessions.push(new Login(attempt.n)); // @mark insert
  if (attempt.n % 3 === 0) failed++;
}

const serve = (n) => { for (let i = 0; i < n; i++) login(); };

run(__filename, {
  size: 5000,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'Login', count: { baseline: warm, target: warm + size, final: warm + size } },
    holder: { variable: 'sessions', constructor: 'Array', scope: 'global', place: places.holder },
    insertedAt: places.insert,
    path: ['sessions', 'Array', 'Login'],
    notLeaks: ['Attempt'],
    kind: 'collection',
    failed,
  }),
});
