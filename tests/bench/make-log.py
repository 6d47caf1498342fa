#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a log as wsdiag writes it, of one client that is lost and reconnects now and then, for the benchmark of report.

usage: make-log.py BYTES >FILE: nearly all lines are messages, a hundred a second; every 20,000 there is a loss, a dial and a reconnect.
"""
import sys
import time

RUN = "7f3a9c0000000001"
START = 1772662382.0
EVERY = 20000


def stamps(n):
    """The beginning of line n: 10 ms after the one before."""
    at = START + n / 100
    whole = int(at)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + ".%06dZ" % round((at - whole) * 1e6), "%.6f" % (1000 + n / 100)


class Log:
    def __init__(self):
        self.seq, self.conn = 0, 0

    def line(self, event, own, envelope=""):
        self.seq += 1
        at, mono = stamps(self.seq)
        return ('{"v":1,"event":"%s","time":"%s","mono":%s,"role":"client","run":"%s","seq":%d,"session":"%s-1"%s,%s}\n'
                % (event, at, mono, RUN, self.seq, RUN, envelope, own))

    def reconnect(self):
        self.conn += 1
        ids = ',"conn":%d,"dial":%d' % (self.conn, self.conn)
        lines = []
        if self.conn > 1:
            lines.append(self.line("lost", '"by":"peer","cause":"tcp.closed","text":"peer FIN, no Close frame","errno":null,"clean":false,"code":null,'
                                   '"synthesised":1006,"age":200.000000,"silent_rx":0.010000', ',"conn":%d' % (self.conn - 1)))
        lines.append(self.line("dial", '"url":"wss://example.org/ws"', ',"dial":%d' % self.conn))
        lines.append(self.line("reconnect" if self.conn > 1 else "open", '"url":"wss://example.org/ws","peer":"192.0.2.1:443","local":"192.0.2.9:%d",'
                               '"ws_key":"%022d==","status":101,"headers":[["Server","bench"]]' % (20000 + self.conn % 40000, self.conn), ids))
        return "".join(lines)

    def messages(self, n):
        ids = ',"conn":%d,"dial":%d' % (self.conn, self.conn)
        own = '"dir":"in","opcode":"text","length":64,"truncated":false'
        return "".join(self.line("message", own, ids) for _ in range(n))


def main():
    wanted, written, log = int(sys.argv[1]), 0, Log()
    text = log.line("start", '"version":"1.0","libraries":"","url":"wss://example.org/ws","args":[],"boot":"8d2c3f0e-1111-4222-8333-444455556666"')
    while written < wanted:
        text += log.reconnect() + log.messages(EVERY)
        written += len(text)
        sys.stdout.write(text)
        text = ""
    sys.stdout.write(log.line("end", '"exit":0'))


if __name__ == "__main__":
    main()
