/* SPDX-License-Identifier: MIT */
#include "ws/ending.h"

#include "codec/close_code.h"

#include "support/unit.h"

#include <errno.h>
#include <string.h>

enum { MS = 1000, SECOND = 1000 * 1000 };

#define ENDS(...) .ends = (const struct transport_end[]){ __VA_ARGS__ }, .n_ends = sizeof((const struct transport_end[]){ __VA_ARGS__ }) / sizeof(struct transport_end)
#define FIN { LAYER_TCP, END_FIN, 0, "" }
#define FAILED_WITH(err) { LAYER_TCP, END_ERRNO, err, "" }
#define NOTIFY { LAYER_TLS, END_NOTIFY, 0, "" }
#define TRUNCATED { LAYER_TLS, END_TRUNCATED, 0, "" }
#define MID_RECORD { LAYER_TLS, END_MID_RECORD, 0, "" }
#define ALERT { LAYER_TLS, END_ALERT, 80, "internal_error" }
#define CORRUPT { LAYER_TLS, END_CORRUPT, 0, "bad MAC" }
/* The peer's Close, and ours. */
#define CAME(c) .close_received = true, .code_received = (c)
#define WENT(c) .close_sent = true, .code_sent = (c)

static const struct {
	const char *name;
	struct ending_facts facts;
	const char *text;
	enum event_type type;
	enum party by;
	enum cause cause;
	int error, code, close_sent, synthesised;
} rows[] = {
	/* A finished handshake. */
	{ "we close", { .reason = ENDING_BY_TRANSPORT, .we_closed_first = true, CAME(1000), WENT(1000), .answered_us = 41 * MS, ENDS(FIN) },
	    "ours 1000, answered 1000 in 41ms, peer FIN", EV_CLOSE, BY_LOCAL, CAUSE_WS_CLOSE, 0, 1000, 1000, 1000 },
	{ "we close, answered with a reason", { .reason = ENDING_BY_TRANSPORT, .we_closed_first = true, CAME(1001), WENT(1000), .answered_us = 0,
	    .reason_received = SPAN_LIT("deploy"), ENDS(FIN) },
	    "ours 1000, answered 1001 Going Away \"deploy\" in 0.0ms, peer FIN", EV_CLOSE, BY_LOCAL, CAUSE_WS_CLOSE, 0, 1001, 1000, 1001 },
	{ "we close without a code", { .reason = ENDING_BY_TRANSPORT, .we_closed_first = true, CAME(1005), WENT(1005), .answered_us = 2 * MS, ENDS(FIN) },
	    "ours Close without code, answered Close without code in 2ms, peer FIN", EV_CLOSE, BY_LOCAL, CAUSE_WS_CLOSE, 0, 1005, 1005, 1005 },
	{ "peer closes", { .reason = ENDING_BY_TRANSPORT, CAME(1000), WENT(1000), ENDS(FIN) },
	    "peer 1000, peer FIN", EV_CLOSE, BY_PEER, CAUSE_WS_CLOSE, 0, 1000, 1000, 1000 },
	{ "peer restarts", { .reason = ENDING_BY_TRANSPORT, CAME(1012), WENT(1012), .reason_received = SPAN_LIT("deploy\x1b"), ENDS(FIN) },
	    "peer 1012 Service Restart \"deploy\\e\", peer FIN", EV_CLOSE, BY_PEER, CAUSE_WS_CLOSE, 0, 1012, 1012, 1012 },
	{ "peer closes with a private code", { .reason = ENDING_BY_TRANSPORT, CAME(4321), WENT(4321), ENDS(FIN) },
	    "peer 4321 private, peer FIN", EV_CLOSE, BY_PEER, CAUSE_WS_CLOSE, 0, 4321, 4321, 4321 },
	{ "peer closes without a code", { .reason = ENDING_BY_TRANSPORT, CAME(1005), WENT(1005), ENDS(FIN) },
	    "peer Close without code, peer FIN", EV_CLOSE, BY_PEER, CAUSE_WS_CLOSE, 0, 1005, 1005, 1005 },
	{ "peer closes, then RST", { .reason = ENDING_BY_TRANSPORT, CAME(1000), WENT(1000), ENDS(FAILED_WITH(ECONNRESET)) },
	    "peer 1000, peer RST", EV_CLOSE, BY_PEER, CAUSE_WS_CLOSE, 0, 1000, 1000, 1000 },
	{ "peer closes, TLS too", { .reason = ENDING_BY_TRANSPORT, CAME(1000), WENT(1000), ENDS(NOTIFY) },
	    "peer 1000, TLS closed", EV_CLOSE, BY_PEER, CAUSE_WS_CLOSE, 0, 1000, 1000, 1000 },
	{ "peer closes, TLS is cut", { .reason = ENDING_BY_TRANSPORT, CAME(1000), WENT(1000), ENDS(TRUNCATED, FIN) },
	    "peer 1000, TLS cut", EV_CLOSE, BY_PEER, CAUSE_WS_CLOSE, 0, 1000, 1000, 1000 },
	{ "server: peer closes", { .reason = ENDING_FINISHED, .is_server = true, CAME(1000), WENT(1000), .waited_us = US_UNKNOWN },
	    "peer 1000, we closed TCP", EV_CLOSE, BY_PEER, CAUSE_WS_CLOSE, 0, 1000, 1000, 1000 },
	{ "server: we close", { .reason = ENDING_FINISHED, .is_server = true, .we_closed_first = true, CAME(1001), WENT(1001), .answered_us = 3 * MS,
	    .waited_us = US_UNKNOWN },
	    "ours 1001 Going Away, answered 1001 Going Away in 3ms, we closed TCP", EV_CLOSE, BY_LOCAL, CAUSE_WS_CLOSE, 0, 1001, 1001, 1001 },
	{ "peer holds TCP", { .reason = ENDING_FINISHED, .we_closed_first = true, CAME(1000), WENT(1000), .answered_us = MS, .waited_us = 5 * SECOND },
	    "ours 1000, answered 1000 in 1ms, no FIN for 5.0s", EV_CLOSE, BY_LOCAL, CAUSE_WS_CLOSE, 0, 1000, 1000, 1000 },
	{ "interrupted after both Closes", { .reason = ENDING_INTERRUPTED, CAME(1000), WENT(1000), .waited_us = US_UNKNOWN },
	    "peer 1000", EV_CLOSE, BY_PEER, CAUSE_WS_CLOSE, 0, 1000, 1000, 1000 },

	/* The transport ends without one. */
	{ "FIN", { .reason = ENDING_BY_TRANSPORT, ENDS(FIN) },
	    "peer FIN, no Close frame (1006)", EV_LOST, BY_PEER, CAUSE_TCP_CLOSED, 0, 0, 0, 1006 },
	{ "RST", { .reason = ENDING_BY_TRANSPORT, ENDS(FAILED_WITH(ECONNRESET)) },
	    "peer RST (1006)", EV_LOST, BY_PEER, CAUSE_TCP_RESET, ECONNRESET, 0, 0, 1006 },
	{ "FIN, then an error", { .reason = ENDING_BY_TRANSPORT, ENDS(FIN, FAILED_WITH(ECONNRESET)) },
	    "peer RST (1006)", EV_LOST, BY_PEER, CAUSE_TCP_RESET, ECONNRESET, 0, 0, 1006 },
	{ "TCP gave up", { .reason = ENDING_BY_TRANSPORT, ENDS(FAILED_WITH(ETIMEDOUT)) },
	    "TCP gave up: nothing acknowledged (1006)", EV_LOST, BY_PATH, CAUSE_TCP_TIMED_OUT, ETIMEDOUT, 0, 0, 1006 },
	{ "no route", { .reason = ENDING_BY_TRANSPORT, ENDS(FAILED_WITH(EHOSTUNREACH)) },
	    "No route to host (1006)", EV_LOST, BY_PATH, CAUSE_TCP_UNREACHABLE, EHOSTUNREACH, 0, 0, 1006 },
	{ "TLS closed", { .reason = ENDING_BY_TRANSPORT, ENDS(NOTIFY, FIN) },
	    "TLS closed, no Close frame (1006)", EV_LOST, BY_PEER, CAUSE_TLS_CLOSED, 0, 0, 0, 1006 },
	{ "TLS truncated", { .reason = ENDING_BY_TRANSPORT, ENDS(TRUNCATED, FIN) },
	    "TLS cut, no close_notify (1006)", EV_LOST, BY_PEER, CAUSE_TLS_TRUNCATED, 0, 0, 0, 1006 },
	{ "TLS cut in a record", { .reason = ENDING_BY_TRANSPORT, ENDS(MID_RECORD, FIN) },
	    "TLS cut inside a record (1006)", EV_LOST, BY_PEER, CAUSE_TLS_TRUNCATED, 0, 0, 0, 1006 },
	{ "a reset says more than the truncation above it", { .reason = ENDING_BY_TRANSPORT, ENDS(TRUNCATED, FAILED_WITH(ECONNRESET)) },
	    "peer RST (1006)", EV_LOST, BY_PEER, CAUSE_TCP_RESET, ECONNRESET, 0, 0, 1006 },
	{ "an alert", { .reason = ENDING_BY_TRANSPORT, ENDS(ALERT, FAILED_WITH(ECONNRESET)) },
	    "peer's TLS alert: internal_error (1006)", EV_LOST, BY_PEER, CAUSE_TLS_ALERT, 80, 0, 0, 1006 },
	{ "a damaged record", { .reason = ENDING_BY_TRANSPORT, ENDS(CORRUPT) },
	    "TLS record damaged: bad MAC (1006)", EV_LOST, BY_PEER, CAUSE_TLS_CORRUPT, 0, 0, 0, 1006 },
	{ "FIN instead of an answer", { .reason = ENDING_BY_TRANSPORT, .we_closed_first = true, WENT(1000), ENDS(FIN) },
	    "peer FIN, our Close 1000 unanswered (1006)", EV_LOST, BY_PEER, CAUSE_TCP_CLOSED, 0, 0, 1000, 1006 },
	{ "RST instead of an answer", { .reason = ENDING_BY_TRANSPORT, .we_closed_first = true, WENT(1001), ENDS(FAILED_WITH(ECONNRESET)) },
	    "peer RST, our Close 1001 Going Away unanswered (1006)", EV_LOST, BY_PEER, CAUSE_TCP_RESET, ECONNRESET, 0, 1001, 1006 },
	{ "the peer's Close could not be answered", { .reason = ENDING_BY_TRANSPORT, CAME(1011), .reason_received = SPAN_LIT("oops"),
	    ENDS(FAILED_WITH(ECONNRESET)) },
	    "peer 1011 Internal Error \"oops\", then before our answer peer RST", EV_LOST, BY_PEER, CAUSE_TCP_RESET, ECONNRESET, 1011, 0, 1011 },

	/* Violations. */
	{ "a rule", { .reason = ENDING_VIOLATION, .rule = RULE_RSV2, WENT(1002) },
	    "broke RFC 6455 5.2: reserved bit RSV2 set, answered 1002 (1006)", EV_LOST, BY_PEER, CAUSE_WS_PROTOCOL, 0, 0, 1002, 1006 },
	{ "a rule, and nothing more can be sent", { .reason = ENDING_VIOLATION, .rule = RULE_CONTINUATION_ALONE, ENDS(FAILED_WITH(EPIPE)) },
	    "broke RFC 6455 5.4: continuation frame without a message to continue (1006)", EV_LOST, BY_PEER, CAUSE_WS_PROTOCOL, 0, 0, 0, 1006 },
	{ "a rule, behind our Close", { .reason = ENDING_VIOLATION, .rule = RULE_RSV2, .we_closed_first = true, WENT(1000) },
	    "broke RFC 6455 5.2: reserved bit RSV2 set, after our Close 1000 (1006)", EV_LOST, BY_PEER, CAUSE_WS_PROTOCOL, 0, 0, 1000, 1006 },
	{ "text", { .reason = ENDING_VIOLATION, .rule = RULE_TEXT_UTF8, WENT(1007) },
	    "broke RFC 6455 8.1: text message is not UTF-8, answered 1007 (1006)", EV_LOST, BY_PEER, CAUSE_WS_UTF8, 0, 0, 1007, 1006 },
	{ "a reason", { .reason = ENDING_VIOLATION, .rule = RULE_CLOSE_REASON_UTF8, WENT(1007) },
	    "broke RFC 6455 5.5.1: close reason is not UTF-8, answered 1007 (1006)", EV_LOST, BY_PEER, CAUSE_WS_UTF8, 0, 0, 1007, 1006 },
	{ "too big", { .reason = ENDING_VIOLATION, .rule = RULE_MESSAGE_TOO_BIG, WENT(1009) },
	    "message larger than --max-message, answered 1009 (1006)", EV_LOST, BY_PEER, CAUSE_WS_TOO_BIG, 0, 0, 1009, 1006 },

	/* Time, and us. */
	{ "no answer", { .reason = ENDING_CLOSE_TIMEOUT, .we_closed_first = true, WENT(1000), .waited_us = 5 * SECOND },
	    "our Close 1000 unanswered for 5.0s (1006)", EV_LOST, BY_LOCAL, CAUSE_WS_CLOSE_TIMEOUT, 0, 0, 1000, 1006 },
	{ "our Close never left", { .reason = ENDING_CLOSE_TIMEOUT, .we_closed_first = true, .code_sent = 1000, .waited_us = 5 * SECOND },
	    "our Close 1000 could not be sent for 5.0s: peer does not read (1006)", EV_LOST, BY_LOCAL, CAUSE_WS_CLOSE_TIMEOUT, 0, 0, 0, 1006 },
	{ "our answer never left", { .reason = ENDING_CLOSE_TIMEOUT, CAME(1001), .code_sent = 1001, .waited_us = 5 * SECOND },
	    "peer 1001 Going Away, but our answer could not be sent for 5.0s: peer does not read", EV_LOST, BY_LOCAL, CAUSE_WS_CLOSE_TIMEOUT, 0, 1001, 0, 1001 },
	{ "silence", { .reason = ENDING_PING_TIMEOUT, .waited_us = 20 * SECOND },
	    "ping timeout 20.0s (1006)", EV_LOST, BY_LOCAL, CAUSE_WS_PING_TIMEOUT, 0, 0, 0, 1006 },
	{ "silence, TCP alive", { .reason = ENDING_PING_TIMEOUT, .waited_us = 20 * SECOND, .tcp_known = true, .tcp_all_acked = true },
	    "ping timeout 20.0s (1006); TCP acked: far side silent", EV_LOST, BY_LOCAL, CAUSE_WS_PING_TIMEOUT, 0, 0, 0, 1006 },
	{ "silence, TCP dead", { .reason = ENDING_PING_TIMEOUT, .waited_us = 20 * SECOND, .tcp_known = true },
	    "ping timeout 20.0s (1006); TCP not acked: path dead", EV_LOST, BY_LOCAL, CAUSE_WS_PING_TIMEOUT, 0, 0, 0, 1006 },
	{ "dropped", { .reason = ENDING_DROPPED },
	    "dropped by us, no Close frame (1006)", EV_LOST, BY_LOCAL, CAUSE_LOCAL_DROP, 0, 0, 0, 1006 },
	{ "stopped", { .reason = ENDING_INTERRUPTED },
	    "stopped by us at once (1006)", EV_LOST, BY_LOCAL, CAUSE_LOCAL_INTERRUPT, 0, 0, 0, 1006 },
	{ "stopped while our Close waits for its answer", { .reason = ENDING_INTERRUPTED, .we_closed_first = true, WENT(1000) },
	    "stopped by us at once (1006)", EV_LOST, BY_LOCAL, CAUSE_LOCAL_INTERRUPT, 0, 0, 1000, 1006 },
};

START_TEST(every_end_has_its_sentence)
{
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct ev_ended e = { 0 };
		struct buf text = { 0 };
		bool is_close = ending_judge(&rows[r].facts, &e, &text);

		ck_assert_msg(strcmp(buf_cstr(&text), rows[r].text) == 0, "%s:\n  %s\n  %s", rows[r].name, buf_cstr(&text), rows[r].text);
		ck_assert_msg(is_close == (rows[r].type == EV_CLOSE) && e.clean == is_close, "%s", rows[r].name);
		ck_assert_msg(e.by == rows[r].by, "%s: by %s", rows[r].name, party_name(e.by));
		ck_assert_msg(e.cause == rows[r].cause, "%s: %s", rows[r].name, cause_name(e.cause));
		ck_assert_msg(e.error == rows[r].error, "%s: %d", rows[r].name, e.error);
		ck_assert_msg(e.code == rows[r].code && e.close_sent == rows[r].close_sent && e.synthesised == rows[r].synthesised, "%s: %d %d %d",
		    rows[r].name, e.code, e.close_sent, e.synthesised);
		buf_deinit(&text);
	}
}
END_TEST

/* What the record says does not depend on the order in which the layers noticed. */
START_TEST(the_order_of_ends_does_not_matter)
{
	static const struct transport_end all[] = { FIN, FAILED_WITH(ECONNRESET), TRUNCATED, ALERT };

	for (size_t first = 0; first < ARRAY_LEN(all); first++) {
		struct transport_end ends[ARRAY_LEN(all)];
		struct ending_facts f = { .reason = ENDING_BY_TRANSPORT, .ends = ends, .n_ends = ARRAY_LEN(all) };
		struct ev_ended e = { 0 };
		struct buf text = { 0 };

		for (size_t i = 0; i < ARRAY_LEN(all); i++)
			ends[i] = all[(first + i) % ARRAY_LEN(all)];
		ck_assert(!ending_judge(&f, &e, &text));
		ck_assert_int_eq(e.cause, CAUSE_TLS_ALERT);
		buf_deinit(&text);
	}
}
END_TEST

START_TEST(a_violation_after_both_closes_is_no_clean_end)
{
	const struct ending_facts f = { .reason = ENDING_VIOLATION, .rule = RULE_RSV1, CAME(1000), WENT(1002) };
	struct ev_ended e = { 0 };
	struct buf text = { 0 };

	ck_assert(!ending_judge(&f, &e, &text));
	ck_assert(!e.clean);
	ck_assert_int_eq(e.cause, CAUSE_WS_PROTOCOL);
	buf_deinit(&text);
}
END_TEST

UNIT_MAIN("ending", every_end_has_its_sentence, the_order_of_ends_does_not_matter, a_violation_after_both_closes_is_no_clean_end)
