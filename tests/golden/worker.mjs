// What Chrome DevTools' own heap snapshot worker says about a snapshot, as JSON on standard output.
//
// node worker.mjs BUNDLE SNAPSHOT [OLDER]: BUNDLE is the worker as an ES module (`entry.mjs`, bundled);
// with OLDER, also what came and went since then.

import { createReadStream } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [bundle, newer, older] = process.argv.slice(2);
const { Loader, HS } = await import(pathToFileURL(bundle).href);

async function load(path) {
  const channel = new MessageChannel();
  new HS.SecondaryInitManager(channel.port2);
  const loader = new Loader.HeapSnapshotLoader({ sendEvent() {} });
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 1 << 20 })) loader.write(chunk);
  loader.close();
  return loader.buildSnapshot(channel.port1);
}

const rows = (aggregates) =>
  Object.entries(aggregates).map(([key, { name, count, distance, self, maxRet }]) =>
    ({ key, name, count, distance, self, maxRet }));

const snapshot = await load(newer);
const fields = snapshot.nodes.getValue ? snapshot.nodeFieldCount : snapshot.nodeFieldCount;
const columns = { id: [], distance: [], self: [], retained: [], dominator: [], realm: [] };
for (let ordinal = 0; ordinal < snapshot.nodeCount; ordinal++) {
  const node = snapshot.createNode(ordinal * fields);
  columns.id.push(node.id());
  columns.distance.push(node.distance());
  columns.self.push(node.selfSize());
  columns.retained.push(node.retainedSize());
  columns.dominator.push(node.dominatorIndex() / fields);
  // The native context's ordinal, −1: nobody's, −2: of several.
  const realm = snapshot.nodeNativeContext(ordinal * fields);
  columns.realm.push(realm < 0 ? realm : realm / fields);
}
const filters = {};
for (const name of ['objectsRetainedByDetachedDomNodes', 'objectsRetainedByConsole', 'objectsRetainedByEventHandlers',
  'objectsRetainedByContexts', 'duplicatedStrings']) {
  const filter = snapshot.createNamedFilter(name);
  filters[name] = rows(snapshot.getAggregatesByClassKey(false, name, filter));
}
const answer = {
  total: snapshot.totalSize,
  statistics: snapshot.getStatistics(),
  classes: rows(snapshot.getAggregatesByClassKey(false, 'allObjects')),
  filters,
  columns,
};
const samples = snapshot.getSamples();
if (samples) answer.samples = { ids: samples.lastAssignedIds, sizes: samples.sizes };
try {
  answer.allocators = snapshot.allocationTracesTops().map(
    ({ name, scriptName, line, column, count, size, liveCount, liveSize }) =>
      ({ name, scriptName, line, column, count, size, liveCount, liveSize }));
} catch {
  // Without a recording there is no profile to ask.
}
if (older) {
  const base = await load(older);
  const difference = snapshot.calculateSnapshotDiff('base', base.aggregatesForDiff(snapshot.interfaceDefinitions()));
  answer.difference = Object.entries(difference).map(([key, row]) => ({
    key, added: row.addedCount, removed: row.removedCount, addedSize: row.addedSize, removedSize: row.removedSize,
  }));
}
process.stdout.write(JSON.stringify(answer), () => process.exit(0));
