'use strict';
// The demo's victim: a small HTTP server that renders order pages and leaks.
// Prints its port as a line of JSON; ends when its stdin closes.
const http = require('node:http');

class RenderedPage {
  constructor(requestId, order) {
    this.requestId = requestId;
    this.order = { id: order.id, lines: order.lines.length };
    this.html = renderOrder(order);
  }
}

class AccessLogEntry {
  constructor(requestId, url) {
    this.requestId = requestId;
    this.url = url;
  }
}

// Meant to answer repeated requests. But every request has an id of its own, so
// nothing is ever found again, and nothing is ever taken out.
const responseCache = new Map(); // @mark holder
const recent = []; // the last 200 requests: bounded, not a leak
let requests = 0;

function renderOrder(order) {
  const rows = order.lines.map(({ sku, quantity, cents }) =>
    `<tr><td>${sku}</td><td>${quantity}</td><td>${(cents / 100).toFixed(2)}</td></tr>\n`).join('');
  const page = `<!doctype html>\n<title>Order ${order.id}</title>\n<table>\n${rows}</table>\n`;
  return Buffer.from(page).toString(); // one flat string
}

function findOrder(id) {
  const lines = [];
  for (let i = 0; i < 45 + (id % 10); i++) lines.push({ sku: `item-${id}-${i}`, quantity: 1 + (i % 3), cents: 199 * (i + 1) });
  return { id, lines };
}

function handle(requestId, url) {
  const cached = responseCache.get(requestId);
  if (cached) return cached;
  const page = new RenderedPage(requestId, findOrder(Number(url.split('/').pop()) || 0));
  responseCache.set(requestId, page); // @mark insert
  return page;
}

function remember(requestId, url) {
  recent.push(new AccessLogEntry(requestId, url));
  if (recent.length > 200) recent.shift();
}

const server = http.createServer((req, res) => {
  const requestId = req.headers['x-request-id'] ?? `req-${(requests++).toString(36).padStart(8, '0')}`;
  remember(requestId, req.url);
  res.setHeader('content-type', 'text/html; charset=utf-8');
  res.end(handle(requestId, req.url).html);
});

server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ pid: process.pid, port: server.address().port }));
});

process.stdin.on('end', () => process.exit(0)).on('error', () => process.exit(0)).resume();
