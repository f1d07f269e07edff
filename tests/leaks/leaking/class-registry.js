'use strict';
// A registry object keeps every device that ever reported in a Map of its own.
const { run } = require('../harness');

class Device {
  constructor(n) {
    this.serial = `SN-${n}`;
    this.readings = Array.from({ length: 20 }, (_, i) => n + i);
    this.firmware = { major: 1, minor: n % 10 };
  }
}

class Reading {
  constructor(n) { this.n = n; }
}

class Registry {
  constructor() {
    this.items = new Map(); // @mark collection
    this.latest = undefined;
  }

  report(device, reading) {
    this.items.set(device.serial, device); // @mark insert
    this.latest = reading;
  }
}

const registry = new Registry(); // @mark holder
let reports = 0;

function handle() {
  registry.report(new Device(reports), new Reading(reports));
  reports++;
}

const serve = (n) => { for (let i = 0; i < n; i++) handle(); };

run(__filename, {
  size: 4000,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'Device', count: { baseline: warm, target: warm + size, final: warm + size } },
    holder: {
      variable: 'registry', constructor: 'Registry', expression: 'registry.items', collection: 'Map',
      scope: 'module', place: places.holder, alsoPlaces: [places.collection],
    },
    insertedAt: places.insert,
    path: ['registry', 'Registry', 'items', 'Map', 'table', 'Device'],
    notLeaks: ['Reading'],
    kind: 'collection',
  }),
});
