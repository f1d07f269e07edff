'use strict';
// Runs programs offline and checks their truth.
//
//   node verify.js [--node BINARY] [--keep DIR] [--packages NODE_MODULES] [NAME...]
//
// Without names: all of them. Programs of packages/ are skipped, and counted,
// unless --packages or LEAKHOUND_TEST_PACKAGES says where their packages are.
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { check } = require('./check');

const FOLDERS = ['given', 'leaking', 'healthy', 'packages'];
const NOT_PROGRAMS = new Set(['harness.js', 'http-client.js']);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { node: { type: 'string' }, keep: { type: 'string' }, packages: { type: 'string' } },
});
const node = values.node ?? process.execPath;
const packages = values.packages ?? process.env.LEAKHOUND_TEST_PACKAGES;
const out = values.keep ?? fs.mkdtempSync(path.join(os.tmpdir(), 'leakhound-corpus-'));

const programs = FOLDERS.flatMap((folder) => fs.readdirSync(path.join(__dirname, folder))
  .filter((name) => /\.m?js$/.test(name) && !NOT_PROGRAMS.has(name))
  .map((name) => ({ folder, name: path.parse(name).name, file: path.join(__dirname, folder, name) })))
  .filter(({ name }) => positionals.length === 0 || positionals.includes(name));

let failed = 0;
let skipped = 0;
for (const { folder, name, file } of programs) {
  if (folder === 'packages' && !packages) { skipped++; continue; }
  const dir = path.join(out, name);
  const env = packages ? { ...process.env, NODE_PATH: packages } : process.env;
  const ran = spawnSync(node, [file, '--out', dir], { encoding: 'utf8', env, timeout: 120_000, stdio: ['ignore', 'pipe', 'pipe'] });
  if (ran.status !== 0) {
    console.log(`WRONG ${name}\n      did not run: ${ran.error ?? ran.stderr}`);
    failed++;
  } else if (!check(dir)) failed++;
  if (!values.keep) fs.rmSync(dir, { recursive: true, force: true });
}
if (!values.keep) fs.rmSync(out, { recursive: true, force: true });
console.log(`${programs.length - failed - skipped} of ${programs.length} programs true on ${node}, ${failed} wrong, ${skipped} skipped (packages absent)`);
process.exitCode = failed || programs.length === 0 ? 1 : 0;
