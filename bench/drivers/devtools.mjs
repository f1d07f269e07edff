// Chrome DevTools' own heap snapshot worker, asked for its class table or, with OLDER, for a comparison.
//
// node devtools.mjs BUNDLE SNAPSHOT [OLDER]

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

const snapshot = await load(newer);
let answer;
if (older) {
  const base = await load(older);
  answer = snapshot.calculateSnapshotDiff('base', base.aggregatesForDiff(snapshot.interfaceDefinitions()));
} else {
  answer = Object.entries(snapshot.getAggregatesByClassKey(false, 'allObjects')).map(
    ([key, { name, count, distance, self, maxRet }]) => ({ key, name, count, distance, self, maxRet }));
}
process.stdout.write(JSON.stringify(answer), () => process.exit(0));
