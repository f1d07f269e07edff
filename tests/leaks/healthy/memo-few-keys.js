'use strict';
// A memo without a bound, but over a domain of 150 keys.
const { run } = require('../harness');

class Tariff {
  constructor(zone) {
    this.zone = zone;
    this.steps = Array.from({ length: 40 }, (_, i) => zone * i);
  }
}

const tariffs = new Map(); // @mark memo
let asked = 0;
let sum = 0;

function tariff(zone) {
  let found = tariffs.get(zone);
  if (!found) tariffs.set(zone, found = new Tariff(zone));
  return found;
}

const serve = (n) => { for (let i = 0; i < n; i++) sum += tariff((asked++ * 7919) % 150).steps[1]; };

run(__filename, {
  size: 5000,
  warm: serve,
  load: serve,
  truth: ({ places }) => ({
    leak: null,
    expect: 'no leak',
    alsoAccept: ['bounded'],
    bounded: [{ constructor: 'Tariff', max: 150, place: places.memo }],
    notLeaks: ['Tariff'],
    sum,
  }),
});
