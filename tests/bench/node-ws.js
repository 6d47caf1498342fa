// SPDX-License-Identifier: MIT
// What scripts/bench measures of Node ws. usage: node node-ws.js client-{send,receive,drop,echo,first} URL SIZE [CA]
//                                                node node-ws.js server-{sink,source,echo} PORT SIZE [CERT KEY]
'use strict';
const fs = require('fs');
const { createRequire } = require('module');
const WebSocket = createRequire(process.env.BENCH_NODE + '/')('ws');

const [role, where, size, file, key] = process.argv.slice(2);
const message = '0123456789abcdef'.repeat(Number(size) / 16);
const HIGH = 1024 * 1024;
const IN_FLIGHT = Math.max(4, Math.floor((256 * 1024) / message.length));

// As many as there is room for, and on when that was written.
function sendForEver(ws) {
  while (ws.bufferedAmount < HIGH) ws.send(message);
  ws.send(message, () => sendForEver(ws));
}

// A line each, written together at the end of the turn: one write for every message would be several times as slow.
let lines = [];
function print(data) {
  if (lines.length === 0) setImmediate(() => { process.stdout.write(lines.join('\n') + '\n'); lines = []; });
  lines.push(data.toString());
}

function client() {
  const ws = new WebSocket(where, { perMessageDeflate: false, ca: file && fs.readFileSync(file) });
  ws.on('error', (e) => { console.error(e.message); process.exit(1); });
  if (role === 'client-send') ws.on('open', () => sendForEver(ws));
  if (role === 'client-receive') ws.on('message', print);
  if (role === 'client-drop') ws.on('message', () => {});
  if (role === 'client-first') ws.on('message', (data) => process.stdout.write(data + '\n'));
  if (role === 'client-echo') {
    ws.on('open', () => { for (let i = 0; i < IN_FLIGHT; i++) ws.send(message); });
    ws.on('message', (data) => { print(data); ws.send(message); });
  }
}

function serve(ws) {
  ws.on('error', () => {});
  if (role === 'server-source') sendForEver(ws);
  if (role === 'server-sink') ws.on('message', () => {});
  if (role === 'server-echo') ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
}

function server() {
  const options = { perMessageDeflate: false };
  if (file) {
    const https = require('https').createServer({ cert: fs.readFileSync(file), key: fs.readFileSync(key) });
    new WebSocket.Server({ server: https, ...options }).on('connection', serve);
    https.listen(Number(where), '127.0.0.1');
  } else {
    new WebSocket.Server({ host: '127.0.0.1', port: Number(where), ...options }).on('connection', serve);
  }
}

if (role.startsWith('client')) client();
else server();
