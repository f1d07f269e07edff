'use strict';
// Each exchange waits with once() for the close of one shared connection that
// stays open for the life of the process.
const { EventEmitter } = require('node:events');
const { run } = require('../harness');

class Connection extends EventEmitter {}

class Exchange {
  constructor(n) {
    this.n = n;
    this.frames = Array.from({ length: 30 }, (_, i) => ({ n, i }));
  }
}

class Ping {
  constructor(n) { this.n = n; }
}

const upstream = new Connection(); // @mark holder
upstream.setMaxListeners(0);
let exchanges = 0;

function exchange() {
  const current = new Exchange(exchanges++);
  upstream.once('close', function onClose() { current.frames.length = 0; }); // @mark insert
}

function pingOnce() {
  const ping = new Ping(exchanges);
  upstream.once('pong', function onPong() { return ping.n; }); // comes at once: not a leak
  upstream.emit('pong');
}

const serve = (n) => { for (let i = 0; i < n; i++) { exchange(); pingOnce(); } };

run(__filename, {
  size: 1200,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'Exchange', count: { baseline: warm, target: warm + size, final: warm + size } },
    alsoGrows: [{ constructor: 'onClose', type: 'closure' }],
    holder: { variable: 'upstream', constructor: 'Connection', scope: 'module', place: places.holder },
    insertedAt: places.insert,
    path: ['upstream', 'Connection', '_events', 'close', 'onClose', 'current', 'Exchange'],
    notLeaks: ['Ping', 'onPong'],
    kind: 'listener',
  }),
});
