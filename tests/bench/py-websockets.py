# SPDX-License-Identifier: MIT
"""What scripts/bench measures of Python websockets. usage: py-websockets.py client-{send,receive,drop,echo,first} URL SIZE [CA]
                                                         py-websockets.py server-{sink,source,echo} PORT SIZE [CERT KEY]"""
import asyncio
import ssl
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

role, where, size, *files = sys.argv[1:]
message = "0123456789abcdef" * (int(size) // 16)
in_flight = max(4, 256 * 1024 // len(message))


async def send(ws):
    while True:
        await ws.send(message)


async def drop(ws):
    async for _ in ws:
        pass


async def receive(ws):
    async for m in ws:
        sys.stdout.write(m + "\n")


async def first(ws):
    async for m in ws:
        print(m, flush=True)


async def echo(ws):
    async for m in ws:
        await ws.send(m)


async def ask(ws):
    for _ in range(in_flight):
        await ws.send(message)
    async for m in ws:
        sys.stdout.write(m + "\n")
        await ws.send(message)


async def client():
    tls = ssl.create_default_context(cafile=files[0]) if files else None
    async with connect(where, ssl=tls, compression=None, proxy=None) as ws:
        await {"client-send": send, "client-receive": receive, "client-drop": drop, "client-echo": ask, "client-first": first}[role](ws)


async def server():
    tls = None
    if files:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*files)
    async with serve({"server-sink": drop, "server-source": send, "server-echo": echo}[role], "127.0.0.1", int(where), ssl=tls, compression=None):
        await asyncio.get_running_loop().create_future()


asyncio.run(client() if role.startswith("client") else server())
