'use strict';
// Each reservation is released after a day by a time-out; long before that the
// reservations have been paid, and nobody clears the time-outs.
const { run } = require('../harness');

const DAY = 86_400_000;

class Reservation {
  constructor(n) {
    this.seat = `row ${n % 60}, seat ${n}`;
    this.guests = Array.from({ length: 16 }, (_, i) => ({ n, i }));
    this.paid = false;
  }
}

class Quote {
  constructor(n) { this.n = n; }
}

let reserved = 0;

function reserve() {
  const reservation = new Reservation(reserved++);
  setTimeout(function release() { if (!reservation.paid) reservation.guests = []; }, DAY); // @mark insert
  reservation.paid = true;
}

function quoteBriefly() {
  const quote = new Quote(reserved);
  clearTimeout(setTimeout(function expire() { return quote.n; }, DAY)); // cleared: not a leak
}

const serve = (n) => { for (let i = 0; i < n; i++) { reserve(); quoteBriefly(); } };

run(__filename, {
  size: 2000,
  warm: serve,
  load: serve,
  close: () => process.exit(0),
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'Reservation', count: { baseline: warm, target: warm + size, final: warm + size } },
    alsoGrows: [{ constructor: 'Timeout' }, { constructor: 'release', type: 'closure' }],
    holder: { variable: 'reservation', constructor: 'Timeout', scope: 'closure', place: places.insert },
    insertedAt: places.insert,
    path: ['TimersList', 'Timeout', '_onTimeout', 'release', 'reservation', 'Reservation'],
    notLeaks: ['Quote', 'expire'],
    kind: 'timer',
  }),
});
