# SPDX-License-Identifier: MIT
"""Django Channels: an echo consumer that says what it sees. Run by Daphne: python -m peers.channels_app [PING-INTERVAL PING-TIMEOUT].

Each connection of /echo?who=NAME is told with that name and its number among those of the name.
"""
import collections
import json
import sys
from urllib.parse import parse_qs

import django
from django.conf import settings

settings.configure(SECRET_KEY="tests", ALLOWED_HOSTS=["*"], INSTALLED_APPS=["channels"])
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.urls import path  # noqa: E402


def say(**fields):
    print(json.dumps(fields), flush=True)


counts = collections.Counter()


class Echo(AsyncWebsocketConsumer):
    who = {}

    async def connect(self):
        offered = self.scope["subprotocols"]
        await self.accept(subprotocol=offered[-1] if offered else None)
        for name in parse_qs(self.scope["query_string"].decode()).get("who", []):
            counts[name] += 1
            self.who = {"who": name, "conn": counts[name]}
        say(event="connect", path=self.scope["path"], **self.who)

    async def receive(self, text_data=None, bytes_data=None):
        if text_data == "close 4001":
            await self.close(code=4001, reason="as told")
        elif text_data is not None:
            await self.send(text_data=text_data)
        else:
            await self.send(bytes_data=bytes_data)

    async def disconnect(self, code):
        say(event="disconnect", code=code, **self.who)


class Closed(AsyncWebsocketConsumer):
    async def connect(self):
        await self.close()


application = ProtocolTypeRouter({
    "http": get_asgi_application(),
    "websocket": URLRouter([path("echo", Echo.as_asgi()), path("closed", Closed.as_asgi())]),
})


def main():
    from daphne.server import Server
    from twisted.internet import reactor

    interval, timeout = (float(a) for a in (sys.argv[1:3] or (20, 30)))
    server = Server(application, endpoints=["tcp:port=0:interface=127.0.0.1"], signal_handlers=True, ping_interval=interval,
                    ping_timeout=timeout, ready_callable=lambda: say(port=server.listening_addresses[0][1]))
    del reactor
    server.run()


if __name__ == "__main__":
    sys.modules["peers.channels_app"] = sys.modules["__main__"]
    main()
