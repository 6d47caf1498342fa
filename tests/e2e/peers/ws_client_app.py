# SPDX-License-Identifier: MIT
"""The real websocket-client: WebSocketApp.run_forever, with every callback printed as a line.

usage: ws_client_app.py VERSION default|rel URL [options below]

"returned": run_forever came back, and with rel its loop; "raised": an exception that nobody caught came out.
"""
import argparse
import json
import sys
import time
from pathlib import Path

LIBRARIES = Path(__file__).resolve().parent.parent.parent.parent / ".deps" / "wsclient"


def say(event, **fields):
    print(json.dumps({"event": event, "time": time.time(), **fields}), flush=True)


def text_of(data):
    return data.decode(errors="replace") if isinstance(data, (bytes, bytearray)) else str(data)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("version")
    parser.add_argument("dispatcher", choices=("default", "rel"))
    parser.add_argument("url")
    parser.add_argument("--reconnect", type=float, default=0)
    parser.add_argument("--ping-interval", type=float, default=0)
    parser.add_argument("--ping-timeout", type=float)
    parser.add_argument("--timeout", type=float, help="of a dial")
    parser.add_argument("--no-on-reconnect", action="store_true")
    parser.add_argument("--say", help="sent when it has opened ...")
    parser.add_argument("--at", type=int, default=1, help="... for the Nth time")
    parser.add_argument("--close-on", help="a message that makes it call app.close()")
    args = parser.parse_args()

    sys.path.insert(0, str(LIBRARIES / args.version))
    import websocket
    assert websocket.__version__ == args.version and str(LIBRARIES) in websocket.__file__, websocket.__file__

    websocket.setdefaulttimeout(args.timeout)
    opens = []

    def opened(name):
        def callback(app):
            say(name)
            opens.append(name)
            if args.say is not None and len(opens) == args.at:
                app.send(args.say)
        return callback

    def on_message(app, message):
        say("on_message", data=text_of(message))
        if message == args.close_on:
            app.close()

    callbacks = dict(
        on_open=opened("on_open"),
        on_reconnect=opened("on_reconnect"),
        on_message=on_message,
        on_error=lambda app, error: say("on_error", type=type(error).__name__, text=str(error)),
        on_close=lambda app, code, reason: say("on_close", code=code, reason=reason),
        on_ping=lambda app, data: say("on_ping", data=text_of(data)),
        on_pong=lambda app, data: say("on_pong", data=text_of(data)))
    if args.no_on_reconnect or args.version < "1.8":  # 1.7 has none
        del callbacks["on_reconnect"]
    app = websocket.WebSocketApp(args.url, **callbacks)

    how = dict(reconnect=args.reconnect, ping_interval=args.ping_interval, ping_timeout=args.ping_timeout)
    say("started")
    try:
        if args.dispatcher == "rel":
            import rel
            rel.set_sleep(0.005)
            app.run_forever(dispatcher=rel, **how)
            rel.dispatch()
        else:
            app.run_forever(**how)
    except Exception as e:
        say("raised", type=type(e).__name__, text=str(e))
        sys.exit(1)
    say("returned")


if __name__ == "__main__":
    main()
