// memlab's library, asked for a class table: count, shallow and retained size by name.
//
// node memlab.cjs FOLDER SNAPSHOT: FOLDER has its node_modules.

const { createRequire } = require('node:module');
const { join, resolve } = require('node:path');

const [folder, snapshot] = process.argv.slice(2);
const library = createRequire(join(resolve(folder), 'package.json'))('@memlab/heap-analysis');
library.getFullHeapFromFile(resolve(snapshot)).then((heap) => {
  const classes = new Map();
  heap.nodes.forEach((node) => {
    const key = `${node.type} ${node.name.slice(0, 100)}`;
    const row = classes.get(key) ?? { count: 0, shallow: 0, retained: 0 };
    row.count++;
    row.shallow += node.self_size;
    row.retained += node.retainedSize;
    classes.set(key, row);
  });
  process.stdout.write(JSON.stringify([...classes]), () => process.exit(0));
});
