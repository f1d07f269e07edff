'use strict';
// The demo's load: keep-alive requests at a bounded rate.
//
//   node load.js PORT [SECONDS] [CONCURRENCY] [REQUESTS_PER_SECOND]
//
// Ends by itself after SECONDS, or when its stdin closes; prints what it did as a
// line of JSON.
const http = require('node:http');

const [port, seconds = 30, concurrency = 8, rate = 300] = process.argv.slice(2).map(Number);
if (!port || !(seconds > 0) || !(concurrency >= 1) || !(rate > 0)) {
  process.stderr.write('usage: node load.js PORT [SECONDS] [CONCURRENCY] [REQUESTS_PER_SECOND]\n');
  process.exit(2);
}

const agent = new http.Agent({ keepAlive: true, maxSockets: concurrency });
const started = performance.now();
const end = started + seconds * 1000;
const between = (1000 * concurrency) / rate; // of one client's requests
let requests = 0;
let failed = 0;

const until = (time) => new Promise((done) => { setTimeout(done, Math.max(0, time - performance.now())); });

function request(path) {
  return new Promise((done) => {
    const sent = http.get({ host: '127.0.0.1', port, path, agent, timeout: 10_000 }, (res) => {
      res.resume();
      res.on('close', done);
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => { failed++; done(); });
  });
}

async function client(n) {
  let next = started + (n * between) / concurrency;
  for (;;) {
    await until(next);
    if (performance.now() >= end) return;
    await request(`/orders/${requests++}`);
    // After a pause of the server the load goes on, it does not catch up.
    next = Math.max(next + between, performance.now() - between);
  }
}

function finish() {
  const ran = (performance.now() - started) / 1000;
  console.log(JSON.stringify({ requests, failed, seconds: Number(ran.toFixed(1)) }));
  process.exit(0);
}

process.stdin.on('end', finish).on('error', finish).resume();
Promise.all(Array.from({ length: concurrency }, (_, n) => client(n))).then(finish);
