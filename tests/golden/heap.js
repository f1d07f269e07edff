// A heap with a bit of everything that the rules of a heap snapshot's reader are about, and its snapshots.
//
// node heap.js VARIANT FIRST SECOND: VARIANT is default, internals, numbers, everything or realms.

'use strict';
const v8 = require('v8');
const vm = require('vm');

const [variant, first, second] = process.argv.slice(2);
const keep = (globalThis.keep = []);

class Session {
  #secret = { hidden: true };
  constructor(id) {
    this.id = id;
    this.name = `session ${id}`;
    this.tags = ['a', 'b', `tag-${id % 7}`];
    this.owner = { userId: `u${id}`, profile: { nested: { deep: `value ${id}` } } };
  }
}
class Derived extends Session {}

// Maps, sets, weak maps whose keys live and die, weak references.
const map = new Map();
const weak = new WeakMap();
const registry = new WeakSet();
for (let i = 0; i < 600; i++) {
  const session = i % 3 ? new Session(i) : new Derived(i);
  map.set(i, session);
  weak.set(session, { held: new Array(4).fill(`held ${i}`) });
  registry.add(session);
}
weak.set({}, weak);
keep.push(map, weak, registry, new Set(['x', 'y', {}]), new WeakRef(map));

// Plain objects of many shapes: common ones, rare ones, names that look like punctuation, long ones.
for (let i = 0; i < 400; i++) {
  keep.push({ alpha: `a${i}`, beta: [i], gamma: null });
  if (i % 2) keep.push({ beta: {}, alpha: {} });
  if (i % 40 === 0) keep.push({ 'with, comma': {}, 'a{b}': 'text', "it's": [], '"': [] });
  if (i % 50 === 0) {
    const wide = {};
    for (let p = 0; p < 30; p++) wide[`propertyNumber${p}`] = { p };
    keep.push(wide);
  }
  if (i === 7) keep.push({ onlyOnce: {} }, {}, Object.create(null), { __proto__: null, alpha: {}, beta: {} });
}
const dictionary = {};
for (let i = 0; i < 3000; i++) dictionary[`key ${i}`] = { i: `${i}` };
keep.push(dictionary);

// Strings: ropes, slices, long ones, surrogates, duplicates.
let rope = '';
for (let i = 0; i < 300; i++) rope += `part ${i} `;
const long = 'long '.repeat(2000) + Math.sqrt(2);
keep.push(rope, long, long.slice(100, 5000), '\ud800 lone', '😀'.repeat(600) + keep.length, 'é\n"\\');
for (let i = 0; i < 50; i++) keep.push(JSON.parse('["duplicate text of some length"]')[0]);

// Closures and contexts, generators, promises, async functions.
function counter(start) {
  let count = start;
  const unused = new Array(100).fill(start);
  return { next: () => ++count, peek: () => [count, unused.length] };
}
for (let i = 0; i < 100; i++) keep.push(counter(i));
function* steps() { const local = { in: 'generator' }; yield local; yield 2; }
const generator = steps();
generator.next();
keep.push(generator, new Promise(() => {}), (async () => { await new Promise(() => {}); })());

// Buffers, dates, expressions, symbols, big integers, errors, proxies, bound functions, accessors.
keep.push(new ArrayBuffer(5000), Buffer.alloc(20000), new Float64Array(300), new DataView(new ArrayBuffer(16)),
  new Date(), /ex(press)ion/g, Symbol('mark'), 2n ** 200n, new Error('kept'), new Proxy({ target: {} }, {}),
  counter.bind({ bound: {} }), Object.defineProperty({}, 'lazy', { get() { return 1; } }));
/ex(press)ion/.exec('expression');

// A self-reference, a cycle, a long chain, a deep tree.
const itself = {};
itself.itself = itself;
let chain = null;
for (let i = 0; i < 5000; i++) chain = { next: chain };
keep.push(itself, chain);

if (variant === 'realms') {
  for (let i = 0; i < 3; i++) {
    const context = vm.createContext({ shared: map, own: [] });
    vm.runInContext('class Inner { constructor() { this.x = {}; } } for (let i = 0; i < 50; i++) own.push(new Inner())', context);
    keep.push(context);
  }
}

const options = {
  exposeInternals: variant === 'internals' || variant === 'everything',
  exposeNumericValues: variant === 'numbers' || variant === 'everything',
};
v8.writeHeapSnapshot(first, options);
// What comes, goes, grows and changes between the two.
for (let i = 0; i < 200; i++) map.delete(i);
for (let i = 1000; i < 1150; i++) map.set(i, new Session(i));
for (let i = 0; i < 90; i++) keep.push({ alpha: i, beta: {}, gamma: {}, delta: {} });
keep.splice(10, 30);
v8.writeHeapSnapshot(second, options);
