'use strict';
// A plain object is used as a dictionary with one property for each order.
const { run } = require('../harness');

class Order {
  constructor(id) {
    this.id = id;
    this.lines = [{ sku: `${id}-1`, n: 1 }, { sku: `${id}-2`, n: 2 }];
  }
}

class Total {
  constructor(n) { this.n = n; }
}

const byId = {}; // @mark holder
const totals = {}; // twelve keys: not a leak
let orders = 0;

function place() {
  const id = `order-${orders++}`;
  byId[id] = new Order(id); // @mark insert
  totals[`month-${orders % 12}`] = new Total(orders);
}

const serve = (n) => { for (let i = 0; i < n; i++) place(); };

run(__filename, {
  size: 4000,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'Order', count: { baseline: warm, target: warm + size, final: warm + size } },
    holder: { variable: 'byId', constructor: 'Object', scope: 'module', place: places.holder },
    insertedAt: places.insert,
    path: ['byId', 'Object', 'Order'],
    notLeaks: ['Total'],
    kind: 'collection',
  }),
});
