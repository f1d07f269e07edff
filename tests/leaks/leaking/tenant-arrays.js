'use strict';
// A Map of Maps: a fixed number of tenants and channels, each with an array of
// events that only grows. No single array is big.
const { run } = require('../harness');

class TenantEvent {
  constructor(n) {
    this.n = n;
    this.detail = { kind: n % 7, text: `event ${n}` };
  }
}

class Delivery {
  constructor(n) { this.n = n; }
}

const tenants = new Map(); // @mark holder
let events = 0;
let delivered;

function channelOf(tenant, channel) {
  let channels = tenants.get(tenant);
  if (!channels) tenants.set(tenant, channels = new Map());
  let list = channels.get(channel);
  if (!list) channels.set(channel, list = []);
  return list;
}

function publish() {
  const list = channelOf(`tenant-${events % 16}`, `channel-${events % 5}`);
  list.push(new TenantEvent(events++)); // @mark insert
  delivered = new Delivery(events);
}

const serve = (n) => { for (let i = 0; i < n; i++) publish(); };

run(__filename, {
  size: 6000,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'TenantEvent', count: { baseline: warm, target: warm + size, final: warm + size } },
    holder: { variable: 'tenants', constructor: 'Map', scope: 'module', place: places.holder, collection: 'Array' },
    insertedAt: places.insert,
    path: ['tenants', 'Map', 'table', 'Map', 'table', 'Array', 'TenantEvent'],
    notLeaks: ['Delivery'],
    kind: 'collection',
    delivered: delivered.n,
  }),
});
