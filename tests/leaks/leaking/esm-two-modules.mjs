// ES modules: the Map is exported by one module and filled by another.
import { fileURLToPath } from 'node:url';
import harness from '../harness.js';
import { baskets } from './parts/basket-store.mjs';

class Basket {
  constructor(n) {
    this.customer = `customer-${n}`;
    this.items = Array.from({ length: 10 }, (_, i) => ({ sku: n * 10 + i }));
  }
}

class Offer {
  constructor(n) { this.n = n; }
}

const offers = []; // bounded: not a leak
let opened = 0;

function openBasket() {
  const basket = new Basket(opened++);
  baskets.set(basket.customer, basket); // @mark insert
  offers.push(new Offer(opened));
  if (offers.length > 100) offers.shift();
}

const serve = (n) => { for (let i = 0; i < n; i++) openBasket(); };

harness.run(fileURLToPath(import.meta.url), {
  size: 3000,
  warm: serve,
  load: serve,
  files: [fileURLToPath(new URL('./parts/basket-store.mjs', import.meta.url))],
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'Basket', count: { baseline: warm, target: warm + size, final: warm + size } },
    holder: { variable: 'baskets', constructor: 'Map', scope: 'module', place: places.holder },
    insertedAt: places.insert,
    // An exported binding lives in an unnamed cell of the module record.
    path: ['system / SourceTextModule', 'system / Cell', 'Map', 'table', 'Basket'],
    cut: false,
    notLeaks: ['Offer'],
    kind: 'collection',
  }),
});
