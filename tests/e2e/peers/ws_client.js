// SPDX-License-Identifier: MIT
// Node ws: sends messages, waits for as many, closes. Its arguments: URL and JSON: {send, close: [code, reason], protocols, options, ping, listen}.
'use strict';
const WebSocket = require('ws');

const opt = JSON.parse(process.argv[3] || '{}');
const say = (o) => process.stdout.write(JSON.stringify(o) + '\n');
const ws = new WebSocket(process.argv[2], opt.protocols || [], { perMessageDeflate: false, ...opt.options });
let left = opt.listen !== undefined ? opt.listen : (opt.send || []).length;
const done = () => { if (opt.close !== null) ws.close(...(opt.close || [1000])); };

ws.on('upgrade', (res) => say({ event: 'upgrade', status: res.statusCode, headers: res.rawHeaders }));
ws.on('unexpected-response', (req, res) => {
	let body = '';
	res.on('data', (d) => { body += d; });
	res.on('end', () => { say({ event: 'refused', status: res.statusCode, headers: res.rawHeaders, body }); process.exit(0); });
});
ws.on('open', () => {
	say({ event: 'open', protocol: ws.protocol });
	if (opt.ping) ws.ping(opt.ping);
	for (const m of opt.send || []) ws.send(m);
	if (left === 0) done();
});
ws.on('message', (data, isBinary) => {
	say({ event: 'message', binary: isBinary, data: data.toString(isBinary ? 'base64' : 'utf8') });
	if (--left === 0) done();
});
ws.on('ping', (data) => say({ event: 'ping', data: data.toString() }));
ws.on('pong', (data) => say({ event: 'pong', data: data.toString() }));
ws.on('error', (e) => say({ event: 'error', code: e.code, message: e.message }));
ws.on('close', (code, reason) => say({ event: 'close', code, reason: reason.toString() }));
