# SPDX-License-Identifier: MIT
"""Many clients in one process, without a thread each: crowd.py PORT N. Prints {"event": "open", "n": N} when all have their 101, and
{"event": "over", "n": N, "closes": {code: how many}} when all have ended."""
import asyncio
import collections
import json
import resource
import sys

REQUEST = (b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
           b"Sec-WebSocket-Version: 13\r\n\r\n")


async def member(port, gate, opened, closes):
    async with gate:  # only so many at a time: the backlog is finite
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        await reader.readuntil(b"\r\n\r\n")
    opened.release()
    code = None
    try:
        head = await reader.readexactly(2)
        body = await reader.readexactly(head[1])
        code = int.from_bytes(body[:2], "big") if head[0] == 0x88 else None
        writer.write(b"\x88\x82\x00\x00\x00\x00" + body[:2])
        await reader.read()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    closes[str(code)] += 1
    writer.close()


async def crowd(port, n):
    gate, opened, closes = asyncio.Semaphore(64), asyncio.Semaphore(0), collections.Counter()
    tasks = [asyncio.create_task(member(port, gate, opened, closes)) for _ in range(n)]
    for _ in range(n):
        await opened.acquire()
    print(json.dumps({"event": "open", "n": n}), flush=True)
    await asyncio.gather(*tasks)
    print(json.dumps({"event": "over", "n": n, "closes": closes}), flush=True)


hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
asyncio.run(crowd(int(sys.argv[1]), int(sys.argv[2])))
