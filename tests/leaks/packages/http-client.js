'use strict';
// Requests over one kept-alive connection to a server of the same process.
const http = require('node:http');

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function request(port, path, headers = {}) {
  return new Promise((done, fail) => {
    http.get({ host: '127.0.0.1', port, path, headers, agent }, (res) => {
      res.resume();
      res.on('end', () => done(res.statusCode));
    }).on('error', fail);
  });
}

module.exports = { request, close: () => agent.destroy() };
