'use strict';
// An express app with its own session store in memory: sessions never expire,
// and clients that send no cookie get a new one with every request.
const { once } = require('node:events');
const express = require('express');
const { run } = require('../harness');
const client = require('./http-client');

class UserSession {
  constructor(id) {
    this.id = id;
    this.cart = [];
    this.flash = Buffer.from(`welcome, ${id}! `.repeat(20)).toString();
  }
}

class MemoryStore {
  constructor() {
    this.sessions = new Map(); // @mark collection
  }

  load(id) {
    let session = this.sessions.get(id);
    if (!session) this.sessions.set(id, session = new UserSession(id)); // @mark insert
    return session;
  }
}

const store = new MemoryStore(); // @mark holder
let visitors = 0;

const app = express();
app.use((req, res, next) => {
  const id = /sid=(\w+)/.exec(req.headers.cookie ?? '')?.[1] ?? `visitor${visitors++}`;
  req.session = store.load(id);
  res.setHeader('set-cookie', `sid=${id}`);
  next();
});
app.get('/', (req, res) => { res.send(`hello ${req.session.id}`); });

let server;

async function serve(n) {
  if (!server) {
    server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  const { port } = server.address();
  for (let i = 0; i < n; i++) {
    await client.request(port, '/');
    await client.request(port, '/', { cookie: 'sid=regular' });
  }
}

run(__filename, {
  size: 1000,
  rate: 100,
  warm: serve,
  load: serve,
  close: () => { client.close(); server.close(); },
  truth: ({ size, warm, places }) => ({
    leak: {
      constructor: 'UserSession',
      count: { baseline: warm + 1, target: warm + size + 1, final: warm + size + 1 },
    },
    holder: {
      variable: 'store', constructor: 'MemoryStore', expression: 'store.sessions', collection: 'Map',
      scope: 'module', place: places.holder, alsoPlaces: [places.collection],
    },
    insertedAt: places.insert,
    path: ['store', 'MemoryStore', 'sessions', 'Map', 'table', 'UserSession'],
    notLeaks: ['IncomingMessage', 'ServerResponse'],
    kind: 'collection',
  }),
});
