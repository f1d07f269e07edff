'use strict';
// Sixteen bytes of each packet are kept as a view: every view pins the whole
// 32 kB chunk that the packet came in.
const { run } = require('../harness');

const CHUNK = 32 * 1024;

class PacketHeader {
  constructor(bytes) { this.bytes = bytes; }
}

class Checksum {
  constructor(n) { this.n = n; }
}

const packetHeaders = []; // @mark holder
let packets = 0;
let checksum;

function receive() {
  const chunk = Buffer.alloc(CHUNK, packets & 255); // @mark alloc
  packetHeaders.push(new PacketHeader(chunk.subarray(0, 16))); // @mark insert
  checksum = new Checksum(chunk[packets++ % CHUNK]);
}

const serve = (n) => { for (let i = 0; i < n; i++) receive(); };

run(__filename, {
  size: 600,
  rate: 100,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'PacketHeader', count: { baseline: warm, target: warm + size, final: warm + size } },
    alsoGrows: [
      { constructor: 'Buffer' },
      { constructor: 'ArrayBuffer' },
      { constructor: 'system / JSArrayBufferData', type: 'native', bytes: (warm + size) * CHUNK },
    ],
    external: true,
    holder: { variable: 'packetHeaders', constructor: 'Array', scope: 'module', place: places.holder },
    insertedAt: places.insert,
    path: ['packetHeaders', 'Array', 'PacketHeader', 'bytes', 'Buffer'],
    notLeaks: ['Checksum'],
    kind: 'collection',
    alsoKinds: ['off-heap'],
    checksum: checksum.n,
  }),
});
