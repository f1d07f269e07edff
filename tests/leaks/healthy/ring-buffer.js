'use strict';
// The last 512 measurements in a ring that is overwritten for ever.
const { run } = require('../harness');

class Measurement {
  constructor(n) {
    this.n = n;
    this.values = [n, n * 2, n * 3];
  }
}

const ring = new Array(512).fill(undefined); // @mark ring
let cursor = 0;

function measure() {
  ring[cursor % ring.length] = new Measurement(cursor);
  cursor++;
}

const serve = (n) => { for (let i = 0; i < n; i++) measure(); };

run(__filename, {
  size: 5000,
  warm: (n) => serve(n + ring.length),
  load: serve,
  truth: ({ places }) => ({
    leak: null,
    expect: 'no leak',
    alsoAccept: ['bounded'],
    bounded: [{ constructor: 'Measurement', max: ring.length, place: places.ring }],
    notLeaks: ['Measurement'],
  }),
});
