'use strict';
// An LRU cache that is full before the first snapshot; all its members are
// replaced during the load.
const { run } = require('../harness');

const CAPACITY = 800;

class CachedQuote {
  constructor(key) {
    this.key = key;
    this.prices = Array.from({ length: 16 }, (_, i) => key.length * i);
  }
}

const quotes = new Map(); // @mark cache
let requests = 0;

function quote() {
  const key = `isin-${requests++}`;
  quotes.set(key, new CachedQuote(key));
  if (quotes.size > CAPACITY) quotes.delete(quotes.keys().next().value);
}

const serve = (n) => { for (let i = 0; i < n; i++) quote(); };

run(__filename, {
  size: 4000,
  warm: (n) => serve(n + CAPACITY),
  load: serve,
  truth: ({ places }) => ({
    leak: null,
    expect: 'bounded',
    alsoAccept: ['no leak'],
    bounded: [{ constructor: 'CachedQuote', max: CAPACITY, place: places.cache }],
    notLeaks: ['CachedQuote'],
  }),
});
