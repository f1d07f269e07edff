'use strict';
// Orders come in faster than they are handled: a queue builds up under load and
// drains when the load stops.
const { run } = require('../harness');

const DRAIN_EVERY_MS = 10;

class QueuedOrder {
  constructor(n) {
    this.n = n;
    this.lines = Array.from({ length: 20 }, (_, i) => ({ n, i }));
  }
}

const queue = []; // @mark queue
let received = 0;
let handled = 0;
let emptied;

// Two orders a turn, about 200 a second: the live load brings 300.
const drain = setInterval(() => {
  handled += queue.splice(0, 2).length;
  if (queue.length === 0) emptied?.();
}, DRAIN_EVERY_MS);

const serve = (n) => { for (let i = 0; i < n; i++) queue.push(new QueuedOrder(received++)); };

async function drained() {
  if (queue.length > 0) await new Promise((done) => { emptied = done; });
}

async function warm(n) {
  serve(n);
  await drained();
}

run(__filename, {
  size: 1000,
  rate: 300,
  warm,
  load: serve,
  cool: drained,
  close: () => clearInterval(drain),
  truth: ({ size, places }) => ({
    leak: null,
    expect: 'backlog',
    bounded: [{ constructor: 'QueuedOrder', max: size, place: places.queue }],
    notLeaks: ['QueuedOrder'],
    handled,
  }),
});
