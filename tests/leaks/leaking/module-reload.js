'use strict';
// Settings are reloaded by dropping the module from the cache and requiring it
// again. The parent's `children` keep every copy that was ever loaded.
const { run } = require('../harness');

const SETTINGS = require.resolve('./parts/settings.js');
let enabled = 0;

function reload() {
  delete require.cache[SETTINGS];
  const { settings } = require('./parts/settings.js'); // @mark insert
  enabled = settings.flags.filter((flag) => flag.on).length;
}

const serve = (n) => { for (let i = 0; i < n; i++) reload(); };

run(__filename, {
  size: 400,
  rate: 50,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'Settings', count: { baseline: warm, target: warm + size, final: warm + size } },
    alsoGrows: [{ constructor: 'Module' }],
    holder: {
      variable: 'module', constructor: 'Module', expression: 'module.children', collection: 'Array',
      scope: 'module', place: places.insert, aliases: ['children'],
    },
    cut: 'children',
    insertedAt: places.insert,
    path: ['children', 'Array', 'Module', 'exports', 'settings', 'Settings'],
    notLeaks: [],
    kind: 'module-duplicated',
    alsoKinds: ['collection'],
    enabled,
  }),
});
