# SPDX-License-Identifier: MIT
"""WSDIAG_THROUGH_PROXY=1: a `wsdiag proxy` without a plan stands before every server that connect is given, and before every `serve`. The tests of both must
not notice: the same events, the same bytes. Those that would are listed here with the reason. With WSDIAG_RECORDS as well, what the runs tell is compared
with what they tell without the proxy; see records.py.
"""
import os
import re

IS_ON = os.environ.get("WSDIAG_THROUGH_PROXY") == "1"

# Of a module's name the beginning: those of which nothing runs through a proxy, and why; of all others everything does but what LEFT_OUT has.
OTHERS = {
    **dict.fromkeys(("test_proxy", "test_like", "test_incident", "test_library", "test_through"), "they have proxies of their own"),
    "test_demo": "client, proxy and server are one process",
    "test_report": "report reads logs",
    **dict.fromkeys(("test_manual", "test_style"), "no connections"),
}

FAULT = os.environ.get("WSDIAG_THROUGH_FAULT")  # a line of a plan: what must be noticed

URL = re.compile(r"(wss?)://(127\.0\.0\.1|localhost|\[::1\]):(\d+)(.*)", re.S)

ADDRESS = "it compares addresses, ports or URLs, which are the proxy's here"
HOST = "the proxy writes Host anew: one, the upstream's"
TCP = "it rests on what one TCP connection does: its queues, the moment of its RST"
TLS = "it is about certificates, versions, keys or records, and each leg has its own"
REQUEST = "the proxy dials when it has a request: a server does not see who comes without"
DIAL = "it is about how an address is found and reached, and the proxy does that"
ANSWER = "the proxy answers in the server's place: 400, 502, 504"

# Of a test's name the beginning: why it is left out.
LEFT_OUT = {
    "test_host_replaces_the_host_header_only": HOST,
    "test_what_is_not_an_upgrade_gets_a_proper_answer[no_host]": ANSWER,
    "test_what_is_not_an_upgrade_gets_a_proper_answer[two_hosts]": ANSWER,
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
    "test_plain_to_a_tls_port": ANSWER,
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
    "test_a_malformed_head_fails": ANSWER,
    "test_status[case_28]": ANSWER,
    "test_status[case_35]": ANSWER,
    "test_status_60": TLS,
    "test_a_certificate_does_not_become_better": TLS,
    "test_an_unreachable_server_says_why": ANSWER,
    "test_ends_before_the_answer": ANSWER,
    "test_an_end_may_wait_too": ANSWER,
    "test_at_accept": ANSWER,
    "test_conn_counts_what_opened": ANSWER,
    "test_unlisten": "it is about who can connect, and the proxy listens on",
    "test_the_screen_says_which_line_struck": REQUEST,
    "test_delays_grow_from_min_to_max": ANSWER,
    "test_the_server_moves_to_another_address": DIAL,
    "test_dial::test_a_bare_host_and_port": ADDRESS,
    "test_open_tells_addresses_and_times": ADDRESS,
    "test_an_ipv6_literal": ADDRESS,
    "test_resolve_pins": DIAL,
    "test_4_and_6_choose_the_family": DIAL,
    "test_a_refusing_address": DIAL,
    "test_a_dead_address": DIAL,
    "test_when_every_address": DIAL,
    "test_a_refused_connect": DIAL,
    "test_a_name_that_does_not_exist": DIAL,
    "test_a_connect_that_is_never_answered": ANSWER,
    "test_silence_within": ANSWER,
    "test_a_bad_url": DIAL,
    "test_an_international_name": DIAL,
    "test_a_good_certificate": TLS,
    "test_an_ipv6_address_in_san": TLS,
    "test_a_bad_certificate": TLS,
    "test_a_port_without_tls": TLS,
    "test_the_systems_store": TLS,
    "test_insecure_accepts_any": TLS,
    "test_a_client_certificate": TLS,
    "test_a_missing_client_certificate": TLS,
    "test_files_that_cannot_be_used": TLS,
    "test_host_does_not_change_what_the_certificate": HOST,
    "test_tls_1_": TLS,
    "test_a_plain_server_on_a_wss_url": ANSWER,
    "test_a_tls_server_on_a_ws_url": ANSWER,
    "test_a_spoilt_byte": TLS,
    "test_an_alert_from_the_peer": TLS,
    "test_the_key_log": TLS,
    "test_wsdiag_talks_to_itself": ADDRESS,
    "test_a_reset_in_the_middle_of_a_hundred_thousand_lines": TCP,
}


TIME = "how far it comes until then is a matter of time"
RANDOM = "this peer's pings have random payload"

# Of a test's name the beginning: why, and what is not compared of it (names of fields, events and lanes, see records.py). What it asserts holds.
NOT_COMPARED = {
    "test_a_pong_goes_between_the_fragments": (TIME, ("control",)),
    "test_a_flood_is_survived": (TIME, ("control",)),
    "test_an_endless_flood_does_not_keep_sigint_out": (TIME, ("control", "received", "partial_in", "stdout", "hash", "text", "close_sent")),
    "test_a_long_message_that_was_cut_is_skipped": (TIME, ("sent", "partial_out")),
    "test_tls_hands_over_whole_records": (TIME, ("sent", "partial_out", "messages")),
    "test_no_timeout_while_we_do_not_read": (TIME, ("received", "partial_in")),
    "test_a_signal_while_the_input_is_not_read": (TIME, ("sent", "partial_out")),
    "test_a_slow_stdout_pushes_back": (TIME, ("received", "partial_in")),
    "test_traffic_puts_idle_off": (TIME, ("messages", "control", "sent", "received")),
    "test_a_drop_that_ends": (TIME, ("messages", "sent", "received")),
    "test_a_stopped_server_is_lost": (TIME, ("ghost",)),
    "test_a_stopped_server_is_found": (TIME, ("ghost", "received")),
    **dict.fromkeys((f"test_in_a_script[{peer}-every]" for peer in ("websockets", "serve", "nginx")),
                    (TIME, ("messages", "sent", "received", "stdout", "hash"))),
    "test_every_command_does_something": (TIME, ("messages", "sent", "received")),
    "test_a_slow_reader_does_not": (TCP, ("sent", "received", "partial_in", "partial_out")),
    "test_ghosts_are_bounded": (TCP, ("text", "control")),
    "test_at_most_16_ghosts": (TCP, ("text", "control")),
    "test_a_client_that_reads_no_echoes": (TCP, ("sent", "received", "partial_in", "partial_out")),
    "test_a_message_without_end_streams": (TCP, ("received", "partial_in")),
    "test_pings_to_one_who_cannot_send_pongs": (TIME, ("control",)),
    "test_losses_to_an_idle_timeout": ("the fourth connection may open before the signal comes", ("c4 life", "d4 life", "run life")),
    "test_the_first_delay_is_random": ("the next dial may come before the signal", ("dial", "retry", "failed", "dials", "heads")),
    "test_random_lives": (ANSWER, ("failed", "heads")),
    "test_python_client_talks_to_serve": (RANDOM, ("control",)),
    "test_daphnes_pings_are_answered": (RANDOM, ("control",)),
    "test_in_a_script[websockets-pongs]": (RANDOM, ("control",)),
    "test_in_a_script[nginx-pongs]": (RANDOM, ("control",)),
    "test_a_good_client_is_served_among_300_silent_ones": (REQUEST, ("reject",)),
    "test_when_descriptors_run_out": (REQUEST, ("reject", "note")),
    "test_resets_within_tls_handshakes": (REQUEST, ("reject",)),
    "test_a_message_that_may_be_kept": (TIME, ("sent", "partial_out", "ghost")),
    "test_control_characters_in_a_refusal": ("its head is not UTF-8: base64, of which no header can be left out", ("heads",)),
    "test_fin_within_a_record": (TLS, ("text",)),
    "test_in_a_script[nginx-raw]": ("nginx resets when more waits to be read when it ends", ("text",)),
    "test_what_is_not_an_upgrade_gets_a_proper_answer[no_connection]": ("the proxy tells Connection: close to what is no upgrade", ("text",)),
    "test_resets_at_each_stage": (REQUEST, ("reject",)),
}


# Modules whose runs are compared in any case. In the others how far something comes often rests on timers, signals, keys or queues, so that of two runs one may
# have an event more; WSDIAG_RECORDS_ALL=1 (scripts/test --all) compares them, too. What they assert always holds.
STEADY = ("test_deflate", "test_dial", "test_exit_status", "test_frames", "test_tls", "test_upgrade")


def is_compared(item):
    if reason(item):
        return False
    return os.environ.get("WSDIAG_RECORDS_ALL") == "1" or item.module.__name__ in STEADY


def is_of(start, module, name):
    return name.startswith(start) or f"{module}::{name}".startswith(start)


def found(table, item):
    return next((what for start, what in table.items() if is_of(start, item.module.__name__, item.name)), None)


def not_compared(item):
    """Names of fields, events and lanes."""
    return (found(NOT_COMPARED, item) or ("", ()))[1]


def reason(item):
    """Why a test does not run through a proxy; None: it does."""
    module = item.module.__name__
    return next((why for start, why in OTHERS.items() if module.startswith(start)), None) or found(LEFT_OUT, item)


class Front:
    """The proxies of one test. certs(): the folder with certificates, for servers with TLS: the proxy has TLS on both legs then."""

    def __init__(self, begin, certs, fault=FAULT):
        self.begin, self.certs, self.fault = begin, certs, fault
        self.ports = {}

    def before(self, scheme, host, port, binary):
        """The port of the proxy before this one; of one that is a proxy itself the same."""
        port = int(port)
        if port in self.ports.values():
            return port
        if port not in self.ports:
            how = ["--fault", self.fault] if self.fault else []
            if scheme == "wss":
                how += ["--cert", self.certs() / "front.pem", "--key", self.certs() / "front.key", "--insecure"]
            at = "[::1]:0" if host == "[::1]" else "127.0.0.1:0"
            p = self.begin("proxy", "--listen", at, "--close-timeout", "0.1", *how, f"{scheme}://{host}:{port}/", stdin=None, log=False, binary=binary)
            p.wait_err("  to ws")
            self.ports[port] = int(re.search(rb" listen .*?:(\d+)/", p.err)[1])
        return self.ports[port]

    def url(self, url, binary):
        """That of the proxy before it, when it is one of a server on this machine."""
        found = URL.fullmatch(url) if isinstance(url, str) else None
        if not found:
            return url
        scheme, host, port, rest = found.groups()
        return f"{scheme}://{host}:{self.before(scheme, host, port, binary)}{rest}"

    def arguments(self, args, binary):
        """Those of connect, with the URL of a server replaced."""
        args = list(args)
        for i, a in enumerate(args):
            args[i] = self.url(a, binary)
            if args[i] != a:
                break
        return args
