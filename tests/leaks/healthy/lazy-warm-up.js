'use strict';
// Modules loaded on first use, functions that get optimised late and a lot of
// garbage: the heap grows for a while, and nothing leaks.
const { run } = require('../harness');

const LAZY = ['zlib', 'crypto', 'http', 'https', 'http2', 'dns', 'tls', 'readline', 'stream/web', 'inspector', 'cluster', 'dgram'];

class Garbage {
  constructor(n) {
    this.rows = Array.from({ length: 200 }, (_, i) => ({ n, i, text: `row ${n}/${i}` }));
  }
}

const loaded = new Map(); // @mark modules
let calls = 0;
let sum = 0;

const shapes = [
  (n) => ({ n }), (n) => ({ n, a: 1 }), (n) => ({ n, b: 2 }), (n) => ({ c: 3, n }), (n) => ({ n, d: 4, e: 5 }),
];

function handle() {
  const n = calls++;
  const name = LAZY[Math.floor(n / 150) % LAZY.length];
  if (!loaded.has(name)) loaded.set(name, require(`node:${name}`));
  const garbage = new Garbage(n);
  for (const row of garbage.rows) sum += shapes[(n + row.i) % shapes.length](row.n).n;
}

const serve = (n) => { for (let i = 0; i < n; i++) handle(); };

run(__filename, {
  size: 2000,
  warm: serve,
  load: serve,
  truth: ({ places }) => ({
    leak: null,
    expect: 'no leak',
    alsoAccept: ['bounded'],
    bounded: [{ constructor: 'Garbage', max: 5, place: places.modules }],
    notLeaks: ['Garbage'],
    sum,
  }),
});
