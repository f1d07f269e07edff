'use strict';
// Runs any program that asks for `./harness` in live mode, with this corpus'
// harness in its place and the program's own file and lines.
//
//   node live.js PROGRAM.js [--rate N] [--load-for S] [--truth FILE]
const Module = require('node:module');
const path = require('node:path');

const [, , program, ...rest] = process.argv;
if (!program) {
  process.stderr.write('usage: node live.js PROGRAM.js [--rate N] [--load-for S] [--truth FILE]\n');
  process.exit(2);
}

const harness = path.join(__dirname, 'harness.js');
const resolve = Module._resolveFilename;
Module._resolveFilename = function resolveFilename(request, ...more) {
  return /^\.{1,2}\/harness(\.js)?$/.test(request) ? harness : resolve.call(this, request, ...more);
};

const file = path.resolve(program);
process.argv = [process.argv[0], file, '--serve', ...rest];
require(file);
