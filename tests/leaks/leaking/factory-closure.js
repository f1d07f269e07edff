'use strict';
// A factory hides its Map in a closure: no object has it as a property.
const { run } = require('../harness');

class Rendering {
  constructor(key) {
    this.key = key;
    this.html = Buffer.from(`<li>${key}</li>`.repeat(12)).toString();
  }
}

function createStore() {
  const cache = new Map(); // @mark holder
  return {
    get: (key) => cache.get(key),
    put(key, value) {
      cache.set(key, value); // @mark insert
    },
  };
}

const pages = createStore(); // @mark store
let rendered = 0;

function render() {
  const key = `page?visitor=${rendered++}`;
  if (!pages.get(key)) pages.put(key, new Rendering(key));
}

const serve = (n) => { for (let i = 0; i < n; i++) render(); };

run(__filename, {
  size: 4000,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'Rendering', count: { baseline: warm, target: warm + size, final: warm + size } },
    holder: {
      variable: 'cache', constructor: 'Map', scope: 'closure', place: places.holder,
      aliases: ['pages'], alsoPlaces: [places.store],
    },
    insertedAt: places.insert,
    path: ['pages', 'context', 'cache', 'Map', 'table', 'Rendering'],
    notLeaks: [],
    kind: 'collection',
  }),
});
