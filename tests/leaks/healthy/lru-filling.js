'use strict';
// An LRU cache that starts empty, fills to its bound during the first third of
// the load and replaces its entries from then on.
const { run } = require('../harness');

const CAPACITY = 1000;

class CachedPage {
  constructor(key) {
    this.key = key;
    this.html = Buffer.from(`<p>${key}</p>`.repeat(20)).toString();
  }
}

const pageCache = new Map(); // @mark cache
let requests = 0;

function page(key) {
  const hit = pageCache.get(key);
  if (hit) pageCache.delete(key);
  pageCache.set(key, hit ?? new CachedPage(key));
  if (pageCache.size > CAPACITY) pageCache.delete(pageCache.keys().next().value);
}

const serve = (n) => { for (let i = 0; i < n; i++) page(`page-${requests++}`); };

run(__filename, {
  size: 3 * CAPACITY,
  warm: serve,
  load: serve,
  truth: ({ places }) => ({
    leak: null,
    expect: 'bounded',
    alsoAccept: ['no leak'],
    bounded: [{ constructor: 'CachedPage', max: CAPACITY, place: places.cache }],
    notLeaks: [],
  }),
});
