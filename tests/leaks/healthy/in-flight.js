'use strict';
// 300 clients, each with one request of two seconds in flight at any time: a
// big population of constant size whose members are all new in each snapshot.
const { run } = require('../harness');

const CLIENTS = 300;
const TAKES_MS = 2000;

class InFlight {
  constructor(n) {
    this.n = n;
    this.rows = Array.from({ length: 40 }, (_, i) => ({ n, i }));
  }
}

const inFlight = new Set(); // @mark population
let begun = 0;
let finished = 0;
let open = true;

function begin(takes) {
  const request = new InFlight(begun++);
  inFlight.add(request);
  setTimeout(() => {
    inFlight.delete(request);
    finished++;
    if (open) begin(TAKES_MS);
  }, takes);
}

function warm() {
  for (let i = 0; i < CLIENTS; i++) begin(1 + (i * TAKES_MS) / CLIENTS);
}

const turn = () => new Promise((done) => { setTimeout(done, 20); });

async function load(n) {
  const wanted = finished + n;
  while (finished < wanted) await turn();
}

async function close() {
  open = false;
  while (inFlight.size > 0) await turn();
}

run(__filename, {
  size: 900,
  rate: 150,
  warm,
  load,
  close,
  truth: ({ places }) => ({
    leak: null,
    expect: 'no leak',
    alsoAccept: ['bounded', 'backlog'],
    bounded: [{ constructor: 'InFlight', max: CLIENTS, place: places.population }],
    notLeaks: ['InFlight'],
  }),
});
