'use strict';
// Runs in a worker thread: remembers every thumbnail it made.
const path = require('node:path');
const { parentPort } = require('node:worker_threads');
const v8 = require('node:v8');

class Thumbnail {
  constructor(n) {
    this.name = `image-${n}.png`;
    this.pixels = Array.from({ length: 40 }, (_, i) => n + i);
  }
}

const thumbnails = new Map(); // @mark holder
let made = 0;

function make() {
  const thumbnail = new Thumbnail(made++);
  thumbnails.set(thumbnail.name, thumbnail); // @mark insert
}

parentPort.on('message', ({ images, snapshot }) => {
  for (let i = 0; i < images; i++) make();
  if (!snapshot) parentPort.postMessage({ made });
  else {
    setTimeout(() => {
      v8.writeHeapSnapshot(path.resolve(snapshot));
      parentPort.postMessage({ made });
    }, 20);
  }
});
