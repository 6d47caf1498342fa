# SPDX-License-Identifier: MIT
"""WSDIAG_THROUGH_PROXY=1: a `wsdiag proxy` without a plan stands before every plain server that connect is given, and before every plain `serve`. The tests of
both must not notice: the same events, the same bytes. Those that would are listed here with the reason.
"""
import os
import re

IS_ON = os.environ.get("WSDIAG_THROUGH_PROXY") == "1"

# What is about what passes, and not about how a connection is made; scripts/test runs some of them a second time in this way.
MODULES = ("test_delivery", "test_deflate", "test_exit_status", "test_filter", "test_frames", "test_ghosts", "test_ghosts_details", "test_invariants",
           "test_output", "test_peers", "test_process", "test_reconnect", "test_script", "test_script_commands", "test_serve", "test_upgrade")

URL = re.compile(r"ws://(127\.0\.0\.1|localhost|\[::1\]):(\d+)(.*)", re.S)

ADDRESS = "it compares addresses, ports or URLs, which are the proxy's here"
HOST = "the proxy writes Host anew: one, the upstream's"
TCP = "it rests on what one TCP connection does: its queues, the moment of its RST"
ANSWER = "the proxy answers in the server's place: 400, 502, 504"

# Of a test's name the beginning: why it is left out.
LEFT_OUT = {
    "test_host_replaces_the_host_header_only": HOST,
    "test_what_is_not_an_upgrade_gets_a_proper_answer[no_host]": HOST,
    "test_what_is_not_an_upgrade_gets_a_proper_answer[two_hosts]": HOST,
    "test_open_tells_key_peer_and_forwarded_for": ADDRESS,
    "test_it_prints_the_url_to_paste": ADDRESS,
    "test_with_json_the_url_is_in_a_line_on_stdout": ADDRESS,
    "test_an_end_at_accept_is_told_with_its_stage": ANSWER,
    "test_an_end_behind_the_request_is_told_with_its_stage": ANSWER,
    "test_an_end_at_every_byte_of_the_answer_is_told_with_its_stage": ANSWER,
    "test_a_reset_within_the_answer_is_told_with_its_stage": ANSWER,
    "test_an_endless_head_is_cut_off": ANSWER,
    "test_what_is_not_http_is_shown_escaped": ANSWER,
    "test_what_is_not_an_upgrade_gets_a_proper_answer[garbage]": ANSWER,
    "test_what_is_not_an_upgrade_gets_a_proper_answer[no_such_line]": ANSWER,
    "test_a_head_over_the_limit_is_431": ANSWER,
    "test_a_head_that_does_not_come_times_out": ANSWER,
    "test_no_new_clients_during_the_shutdown": ANSWER,
    "test_serve::test_tls_to_a_plain_port_is_named": ANSWER,
    "test_status[case_7]": ANSWER,
    "test_status[case_52]": ANSWER,
    "test_control_characters_in_an_invalid_answer": ANSWER,
    "test_refused_until_the_tries_are_used_up": ANSWER,
    "test_the_last_cause_is_the_exit_status": ANSWER,
    "test_who_never_accepts": ANSWER,
    "test_giving_up_lets_the_ghosts_go": ANSWER,
    "test_too_few_and_too_many_operands[args0": ADDRESS,
    "test_through_a_reverse_proxy": ADDRESS,
    "test_wsdiag_talks_to_itself": ADDRESS,
    "test_a_flood_is_survived": TCP,
    "test_a_reset_in_the_middle_of_a_hundred_thousand_lines": TCP,
}


def reason(item):
    """Why a test does not run through a proxy; None: it does."""
    module = item.module.__name__
    if module not in MODULES:
        return "not about what passes through"
    for start, why in LEFT_OUT.items():
        if item.name.startswith(start) or f"{module}::{item.name}".startswith(start):
            return why
    return None


class Front:
    """The proxies of one test."""

    def __init__(self, begin):
        self.begin = begin
        self.ports = {}

    def before(self, host, port):
        """The port of the proxy before this one; of one that is a proxy itself the same."""
        port = int(port)
        if port in self.ports.values():
            return port
        if port not in self.ports:
            p = self.begin("proxy", "--close-timeout", "0.1", f"ws://{host}:{port}/", stdin=None)
            self.ports[port] = int(p.wait_event("listen")["address"].rpartition(":")[2])
        return self.ports[port]

    def arguments(self, args):
        """Those of connect, with the URL of a plain server replaced."""
        args = list(args)
        for i, a in enumerate(args):
            found = URL.fullmatch(a) if isinstance(a, str) else None
            if found:
                host, port, rest = found.groups()
                args[i] = f"ws://127.0.0.1:{self.before(host, port)}{rest}"
                break
        return args
