'use strict';
// A pool of parsers: bursts take what they need and give it back.
const { run } = require('../harness');

const LARGEST_BURST = 60;

class Parser {
  constructor(n) {
    this.n = n;
    this.scratch = new Array(256).fill(0);
    this.uses = 0;
  }
}

const pool = []; // @mark pool
let created = 0;
let bursts = 0;

function burst() {
  const wanted = 1 + (bursts++ * 37) % LARGEST_BURST;
  const taken = Array.from({ length: wanted }, () => pool.pop() ?? new Parser(created++));
  for (const parser of taken) {
    parser.uses++;
    pool.push(parser);
  }
}

const serve = (n) => { for (let i = 0; i < n; i++) burst(); };

run(__filename, {
  size: 3000,
  warm: serve,
  load: serve,
  truth: ({ places }) => ({
    leak: null,
    expect: 'no leak',
    alsoAccept: ['bounded'],
    bounded: [{ constructor: 'Parser', max: LARGEST_BURST, place: places.pool }],
    notLeaks: ['Parser'],
  }),
});
