'use strict';
// The Map is a private field: no reflection shows it, only the heap does.
const { run } = require('../harness');

class Lookup {
  constructor(name) {
    this.name = name;
    this.addresses = Array.from({ length: 8 }, (_, i) => `10.0.${i}.${name.length}`);
  }
}

class Resolver {
  #cache = new Map(); // @mark collection

  resolve(name) {
    let found = this.#cache.get(name);
    if (!found) this.#cache.set(name, found = new Lookup(name)); // @mark insert
    return found.addresses[0];
  }
}

const resolver = new Resolver(); // @mark holder
let lookups = 0;
let last = '';

function resolve() { last = resolver.resolve(`host-${lookups++}.internal`); }

const serve = (n) => { for (let i = 0; i < n; i++) resolve(); };

run(__filename, {
  size: 3000,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'Lookup', count: { baseline: warm, target: warm + size, final: warm + size } },
    holder: {
      variable: 'resolver', constructor: 'Resolver', expression: 'resolver.#cache', collection: 'Map',
      scope: 'module', place: places.holder, alsoPlaces: [places.collection],
    },
    insertedAt: places.insert,
    path: ['resolver', 'Resolver', '#cache', 'Map', 'table', 'Lookup'],
    notLeaks: [],
    kind: 'collection',
    last,
  }),
});
