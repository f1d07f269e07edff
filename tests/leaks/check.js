'use strict';
// Checks a program's snapshots against its ground truth, with nothing of
// leakhound: so that a wrong verdict is leakhound's fault and not the truth's.
//
//   node check.js DIR...
//
//  - the counts of the leaked class in each phase
//  - what must grow grows, what must not does not, populations keep their bound
//  - one way from the root to a leaked object follows the names in `path`
//  - without what the holder's variable holds, no more than a tenth of them can be reached
//  - the marked lines exist and name the holder
const fs = require('node:fs');
const path = require('node:path');

const NOISE = 220; // instances of Node's own that may come and go

function readSnapshot(file) {
  const { snapshot: { meta }, nodes, edges, strings } = JSON.parse(fs.readFileSync(file, 'utf8'));
  const width = meta.node_fields.length;
  const edgeWidth = meta.edge_fields.length;
  const at = (field) => meta.node_fields.indexOf(field);
  const [nodeTypes] = meta.node_types;
  const [edgeTypes] = meta.edge_types;
  const count = nodes.length / width;
  const firstEdge = new Uint32Array(count + 1);
  for (let i = 0; i < count; i++) firstEdge[i + 1] = firstEdge[i] + nodes[i * width + at('edge_count')];

  const type = (i) => nodeTypes[nodes[i * width + at('type')]];
  const id = (i) => nodes[i * width + at('id')];
  const selfSize = (i) => nodes[i * width + at('self_size')];
  const name = (i) => {
    const kind = type(i);
    return kind.endsWith('string') ? `(${kind})` : strings[nodes[i * width + at('name')]];
  };

  // A WeakMap's table does not keep its values: only table and key together do.
  const ephemeron = /pair in WeakMap \(table @(\d+)\)/;
  function* strongEdges(node) {
    for (let e = firstEdge[node]; e < firstEdge[node + 1]; e++) {
      const kind = edgeTypes[edges[e * edgeWidth]];
      if (kind === 'weak') continue;
      const label = edges[e * edgeWidth + 1];
      const edge = kind === 'element' || kind === 'hidden' ? `[${label}]` : strings[label];
      if (kind === 'internal' && Number(ephemeron.exec(edge)?.[1]) === id(node)) continue;
      yield { edge, to: edges[e * edgeWidth + 2] / width };
    }
  }

  function matching({ constructor, type: kind }) {
    const found = [];
    for (let i = 0; i < count; i++) {
      if (name(i) !== constructor) continue;
      if (kind ? type(i) === kind : type(i) === 'object' || type(i).endsWith('string')) found.push(i);
    }
    return found;
  }

  // Breadth first over (node, how many names of the path have been passed).
  function followsPath(names, targets) {
    const wanted = new Set(targets);
    const states = names.length + 1;
    const seen = new Uint8Array(count * states);
    const queue = [0];
    seen[0] = 1;
    for (const state of queue) {
      const node = Math.floor(state / states);
      const passed = state % states;
      if (passed === names.length && wanted.has(node)) return true;
      for (const { edge, to } of strongEdges(node)) {
        let now = passed;
        if (names[now] === edge) now++;
        if (names[now] === name(to)) now++;
        const next = to * states + now;
        if (!seen[next]) { seen[next] = 1; queue.push(next); }
      }
    }
    return false;
  }

  // Without every object that an edge of this name leads to: a property may also
  // be reached through its object's backing store, where the edge has no name.
  function reachableWithout(cut, targets) {
    const seen = new Uint8Array(count);
    for (let node = 0; node < count; node++) {
      for (const { edge, to } of strongEdges(node)) if (edge === cut) seen[to] = 2;
    }
    const queue = [0];
    seen[0] = 1;
    for (const node of queue) {
      for (const { to } of strongEdges(node)) {
        if (seen[to]) continue;
        seen[to] = 1;
        queue.push(to);
      }
    }
    return targets.filter((i) => seen[i] === 1).length;
  }

  return { matching, followsPath, reachableWithout, bytes: (found) => found.reduce((sum, i) => sum + selfSize(i), 0) };
}

function checkLeak({ leak, holder, path: names, cut = holder.variable }, snapshots, phases, say) {
  const found = snapshots.map((s) => s.matching(leak));
  const seen = found.map((list) => list.length);
  const wanted = phases.map((phase) => leak.count[phase]);
  const exact = !leak.atLeast && !leak.type;
  if (seen.some((n, i) => (exact ? n !== wanted[i] : n < wanted[i]))) {
    say(`${leak.constructor}: wanted ${wanted.join(', ')}, found ${seen.join(', ')}`);
  }
  const last = snapshots.at(-1);
  const targets = found.at(-1);
  // Some truths go on behind the leaked object, to what it drags along.
  const inside = names.lastIndexOf(leak.constructor);
  const way = inside < 0 ? names : names.slice(0, inside + 1);
  if (!last.followsPath(way, targets)) say(`no way to ${leak.constructor} follows ${names.join(' > ')}`);
  if (cut && !leak.type) {
    const left = last.reachableWithout(cut, targets);
    const allowed = leak.atLeast ? targets.length - 0.9 * wanted.at(-1) : 0.1 * targets.length;
    if (left > allowed) say(`${left} of ${targets.length} ${leak.constructor} do not need ${cut}`);
  }
}

function checkPlaces(truth, leak, say) {
  const text = ({ file, line }) => {
    const source = truth.sources?.find((name) => path.basename(name) === file);
    return source && fs.readFileSync(source, 'utf8').split('\n')[line - 1];
  };
  for (const [what, place] of [['holder', leak.holder.place], ['insertedAt', leak.insertedAt]]) {
    if (!place) say(`${what} has no place`);
    else if (truth.sources && !text(place)?.includes('// @mark')) say(`${what}: nothing marked at ${place.file}:${place.line}`);
  }
}

function check(dir) {
  const truth = JSON.parse(fs.readFileSync(path.join(dir, 'truth.json'), 'utf8'));
  const phases = ['baseline', 'target', 'final'];
  const prefix = truth.isolate ? `${truth.isolate}-` : '';
  const snapshots = phases.map((phase) => readSnapshot(path.join(dir, `${prefix}${phase}.heapsnapshot`)));
  const wrong = [];
  const say = (text) => wrong.push(text);
  const counts = (what) => snapshots.map((s) => s.matching(what).length);

  const leaks = truth.leak ? [truth, ...(truth.alsoLeaks ?? [])] : [];
  for (const leak of leaks) {
    checkLeak(leak, snapshots, phases, say);
    checkPlaces(truth, leak, say);
  }
  if (!truth.expect) say('no verdict is expected');
  for (const also of truth.alsoGrows ?? []) {
    const [before, , after] = counts(also);
    if (after <= before) say(`${also.constructor} should grow: ${before} to ${after}`);
    const last = snapshots.at(-1);
    const bytes = last.bytes(last.matching(also));
    if (also.bytes && bytes < also.bytes) say(`${also.constructor} should have ${also.bytes} bytes: ${bytes}`);
  }
  for (const { constructor, max } of truth.bounded ?? []) {
    const seen = counts({ constructor });
    if (seen.some((n) => n > max)) say(`${constructor} should stay within ${max}: ${seen.join(', ')}`);
  }
  for (const constructor of truth.notLeaks ?? []) {
    for (const type of ['object', 'closure']) {
      const [before, , after] = counts({ constructor, type });
      if (after > before + NOISE) say(`${constructor} should not grow: ${before} to ${after}`);
    }
  }
  console.log(`${wrong.length ? 'WRONG' : 'ok   '} ${path.basename(dir)}${wrong.map((text) => `\n      ${text}`).join('')}`);
  return wrong.length === 0;
}

module.exports = { check };

if (require.main === module) {
  let fine = true;
  for (const dir of process.argv.slice(2)) fine = check(dir) && fine;
  process.exitCode = fine ? 0 : 1;
}
