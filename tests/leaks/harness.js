'use strict';
// Runs one program of the corpus.
//
//   node PROGRAM.js [--size N] [--out DIR] [--steps N] [--no-snapshots]
//     Offline: warm-up, load and cool-down, a heap snapshot after each, and the
//     ground truth beside them. `--steps N` adds N snapshots during the load.
//
//   node PROGRAM.js --serve [--rate N] [--load-for S] [--truth FILE] [--size N]
//     Live: warm-up, then `ready PID` on stdout, then a paced load until SIGTERM
//     or the end of stdin. After `--load-for` the load stops and the process stays.
//
// A source line with the comment `// @mark NAME` is a named place; the ground
// truth quotes these places as file:line.
//
// Nothing in here may grow: what a tool finds must be the program's.
const fs = require('node:fs');
const path = require('node:path');
const v8 = require('node:v8');

const TICK_MS = 20;

function option(name, fallback) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1];
}

const flag = (name) => process.argv.includes(`--${name}`);
const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

function placesIn(files) {
  const places = {};
  for (const file of files) {
    let line = 0;
    for (const text of fs.readFileSync(file, 'utf8').split('\n')) {
      line++;
      const mark = text.match(/\/\/ @mark (\w+)/);
      if (mark) places[mark[1]] = { file: path.basename(file), line };
    }
  }
  return places;
}

function describe(file, program, size, warm) {
  const files = [file, ...(program.files ?? [])];
  const places = placesIn(files);
  const truth = program.truth({ size, warm, places });
  return {
    case: path.parse(file).name,
    node: process.version,
    sources: files,
    size,
    warm,
    expect: truth.expect ?? (truth.external ? 'off-heap leak' : 'leak'),
    ...truth,
    places,
  };
}

function save(file, truth) {
  fs.mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
  fs.writeFileSync(file, JSON.stringify(truth, null, 2) + '\n');
}

// A live run ends when its reader likes, so how many there will be is not known.
function withoutCounts(truth) {
  const bare = (leak) => (leak ? { ...leak, count: undefined } : leak);
  return {
    ...truth,
    live: true,
    leak: bare(truth.leak),
    alsoLeaks: truth.alsoLeaks?.map((other) => ({ ...other, leak: bare(other.leak) })),
    alsoGrows: truth.alsoGrows?.map((also) => ({ ...also, bytes: undefined })),
    duplicateStrings: truth.duplicateStrings?.map((text) => ({ ...text, copies: undefined })),
  };
}

async function offline(file, program, size, warm) {
  const out = path.resolve(option('out', path.join('out', path.parse(file).name)));
  const steps = Number(option('steps', 0));
  const memory = {};
  fs.mkdirSync(out, { recursive: true });

  async function take(phase) {
    await pause(TICK_MS); // finished work has unwound, no caller is on the stack
    if (!flag('no-snapshots')) {
      v8.writeHeapSnapshot(path.join(out, `${phase}.heapsnapshot`));
      if (program.snapshot) await program.snapshot(phase, out);
    }
    const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
    memory[phase] = { heapUsed, external, arrayBuffers, rss };
  }

  await program.warm(warm);
  await take('baseline');
  let left = size;
  for (let step = 1; step <= steps; step++) {
    const share = Math.floor(size / (steps + 1));
    await program.load(share);
    left -= share;
    await take(`step-${step}`);
  }
  await program.load(left);
  await take('target');
  await program.cool?.();
  await take('final');

  const truth = describe(file, program, size, warm);
  save(path.join(out, 'truth.json'), { ...truth, memory });
  console.log(`${truth.case}: ${truth.leak ? `${truth.leak.constructor} in ${truth.holder.variable}` : truth.expect}`);
  await program.close?.();
}

// An orphan must not stay: whoever started this with a pipe ends it by closing
// the pipe. Without a pipe (terminal, /dev/null) only signals end it.
function endWithStdin() {
  const kind = fs.fstatSync(0);
  if (!kind.isFIFO() && !kind.isSocket()) return;
  process.stdin.on('end', () => process.exit(0));
  process.stdin.on('error', () => process.exit(0));
  process.stdin.resume();
}

async function live(file, program, size, warm) {
  const rate = Number(option('rate', program.rate ?? 200));
  const loadFor = Number(option('load-for', Infinity));
  endWithStdin();
  await program.warm(warm);
  if (option('truth')) save(option('truth'), withoutCounts(describe(file, program, size, warm)));
  process.stdout.write(`ready ${process.pid}\n`);

  setInterval(() => {}, 60_000); // stays alive when the load is over
  const start = performance.now();
  let last = start;
  let due = 0;
  for (;;) {
    await pause(TICK_MS);
    const now = performance.now();
    if (now - start > loadFor * 1000) break;
    // After a pause (a snapshot, a debugger) the load goes on, it does not catch up.
    due += Math.min((now - last) / 1000, 0.25) * rate;
    last = now;
    const calls = Math.floor(due);
    due -= calls;
    if (calls > 0) await program.load(calls);
  }
  await program.cool?.();
}

// `program` has: size (default), warm(n), load(n), truth({ size, warm, places }),
// and where it needs them: rate (calls per second when live), cool(), files (more
// sources with marks), snapshot(phase, dir), close().
async function run(file, program) {
  const size = Number(option('size', program.size));
  const warm = Math.max(1, Math.floor(size / 20));
  await (flag('serve') ? live : offline)(file, program, size, warm);
}

module.exports = { run, option };
