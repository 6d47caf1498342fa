// SPDX-License-Identifier: MIT
// Node ws: an echo server on a free port. Its argument is JSON: {subprotocol, close: [code, reason], greet: [...], deflate, key, cert}.
'use strict';
const fs = require('fs');
const http = require('http');
const https = require('https');
const { WebSocketServer } = require('ws');

const opt = JSON.parse(process.argv[2] || '{}');
const say = (o) => process.stdout.write(JSON.stringify(o) + '\n');
const server = opt.key
	? https.createServer({ key: fs.readFileSync(opt.key), cert: fs.readFileSync(opt.cert) })
	: http.createServer();
const wss = new WebSocketServer({
	server,
	maxPayload: 4 * 2 ** 30,
	perMessageDeflate: !!opt.deflate,
	handleProtocols: (offered) => (opt.subprotocol && offered.has(opt.subprotocol) ? opt.subprotocol : false),
});

wss.on('connection', (ws, req) => {
	say({ event: 'open', url: req.url, headers: req.rawHeaders });
	for (const m of opt.greet || []) ws.send(m);
	ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
	ws.on('ping', () => say({ event: 'ping' }));
	ws.on('pong', () => say({ event: 'pong' }));
	ws.on('error', (e) => say({ event: 'error', code: e.code, message: e.message }));
	ws.on('close', (code, reason) => say({ event: 'close', code, reason: reason.toString() }));
	if (opt.close) ws.close(...opt.close);
	if (opt.ping) ws.ping(opt.ping);
	if (opt.terminate) ws.terminate();
});
server.listen(0, '127.0.0.1', () => say({ port: server.address().port }));
