/* SPDX-License-Identifier: MIT */
#include "cli/exit_status.h"

#include "support/unit.h"

/* A dial: the status at every stage of it: dns, tcp, tunnel, tls, upgrade before and after the answer began. */
static const struct {
	enum cause cause;
	int at_dns, at_tcp, at_tunnel, at_tls, unanswered, answered;
} dials[] = {
	{ CAUSE_NONE, 0, 0, 0, 0, 0, 0 },
	{ CAUSE_DNS_NOT_FOUND, 6, 6, 5, 6, 6, 6 },
	{ CAUSE_DNS_FAILED, 6, 6, 5, 6, 6, 6 },
	{ CAUSE_TCP_REFUSED, 7, 7, 97, 35, 52, 8 },
	{ CAUSE_TCP_UNREACHABLE, 7, 7, 97, 35, 52, 8 },
	{ CAUSE_TCP_FAILED, 7, 7, 97, 35, 52, 8 },
	{ CAUSE_TCP_CLOSED, 7, 7, 97, 35, 52, 8 },
	{ CAUSE_TCP_RESET, 7, 7, 97, 35, 52, 8 },
	{ CAUSE_TCP_TIMED_OUT, 28, 28, 28, 28, 28, 28 },
	{ CAUSE_DIAL_TIMEOUT, 28, 28, 28, 28, 28, 28 },
	{ CAUSE_TLS_CLOSED, 7, 7, 97, 35, 52, 8 },
	{ CAUSE_TLS_TRUNCATED, 7, 7, 97, 35, 52, 8 },
	{ CAUSE_TLS_ALERT, 35, 35, 35, 35, 52, 8 },
	{ CAUSE_TLS_CORRUPT, 35, 35, 35, 35, 52, 8 },
	{ CAUSE_TLS_HANDSHAKE, 35, 35, 35, 35, 52, 8 },
	{ CAUSE_TLS_VERSION, 35, 35, 35, 35, 52, 8 },
	{ CAUSE_TLS_NOT_TLS, 35, 35, 35, 35, 52, 8 },
	{ CAUSE_CERT_EXPIRED, 60, 60, 60, 60, 60, 60 },
	{ CAUSE_CERT_FUTURE, 60, 60, 60, 60, 60, 60 },
	{ CAUSE_CERT_NAME, 60, 60, 60, 60, 60, 60 },
	{ CAUSE_CERT_UNTRUSTED, 60, 60, 60, 60, 60, 60 },
	{ CAUSE_CERT_INVALID, 60, 60, 60, 60, 60, 60 },
	{ CAUSE_HTTP_REFUSED, 22, 22, 97, 22, 22, 22 },
	{ CAUSE_HTTP_INVALID, 8, 8, 97, 8, 8, 8 },
	{ CAUSE_HTTP_TOO_LARGE, 8, 8, 97, 8, 8, 8 },
	{ CAUSE_HTTP_NOT_HTTP, 8, 8, 97, 8, 8, 8 },
	{ CAUSE_HTTP_TIMEOUT, 28, 28, 28, 28, 28, 28 },
	{ CAUSE_WS_CLOSE, 111, 111, 111, 111, 111, 111 },
	{ CAUSE_WS_PROTOCOL, 111, 111, 111, 111, 111, 111 },
	{ CAUSE_WS_UTF8, 111, 111, 111, 111, 111, 111 },
	{ CAUSE_WS_TOO_BIG, 63, 63, 63, 63, 63, 63 },
	{ CAUSE_WS_PING_TIMEOUT, 110, 110, 110, 110, 110, 110 },
	{ CAUSE_WS_CLOSE_TIMEOUT, 114, 114, 114, 114, 114, 114 },
	{ CAUSE_LOCAL_DROP, 0, 0, 0, 0, 0, 0 },
	{ CAUSE_LOCAL_INTERRUPT, 0, 0, 0, 0, 0, 0 },
	{ CAUSE_LOCAL_FAULT, 0, 0, 0, 0, 0, 0 },
	{ CAUSE_LOCAL_RELAY, 0, 0, 0, 0, 0, 0 },
	{ CAUSE_LOCAL_LIMIT, 0, 0, 0, 0, 0, 0 },
};

START_TEST(a_failed_dial_exits_by_cause_and_stage)
{
	ck_assert_uint_eq(ARRAY_LEN(dials), CAUSE_COUNT);
	for (size_t i = 0; i < ARRAY_LEN(dials); i++) {
		const int expected[] = { dials[i].at_dns, dials[i].at_tcp, dials[i].at_tunnel, dials[i].at_tls, dials[i].unanswered };
		struct failure f = { .cause = dials[i].cause };

		for (int stage = STAGE_DNS; stage <= STAGE_UPGRADE; stage++) {
			f.stage = (enum stage)stage;
			ck_assert_msg(exit_of_failure(&f) == expected[stage], "%s at %s: %d", cause_name(f.cause), stage_name(f.stage),
			    exit_of_failure(&f));
		}
		f.answered = true;
		ck_assert_msg(exit_of_failure(&f) == dials[i].answered, "%s answered: %d", cause_name(f.cause), exit_of_failure(&f));
	}
}
END_TEST

/* The status of an end that is no close; 56 for what is not named. */
static int
expected_of_lost(enum cause c)
{
	switch (c) {
	case CAUSE_NONE:
	case CAUSE_LOCAL_DROP:
	case CAUSE_LOCAL_INTERRUPT:
	case CAUSE_LOCAL_FAULT:
	case CAUSE_LOCAL_RELAY:
	case CAUSE_LOCAL_LIMIT: return 0;
	case CAUSE_TCP_TIMED_OUT:
	case CAUSE_WS_PING_TIMEOUT: return 110;
	case CAUSE_WS_PROTOCOL:
	case CAUSE_WS_UTF8: return 111;
	case CAUSE_WS_TOO_BIG: return 63;
	case CAUSE_WS_CLOSE_TIMEOUT: return 114;
	default: return 56;
	}
}

START_TEST(a_lost_connection_exits_by_cause)
{
	for (int c = 0; c < CAUSE_COUNT; c++) {
		struct ev_ended e = { .cause = (enum cause)c };

		if (c != CAUSE_WS_CLOSE)
			ck_assert_msg(
			    exit_of_end(&e, false) == expected_of_lost(e.cause), "%s: %d", cause_name(e.cause), exit_of_end(&e, false));
	}
}
END_TEST

START_TEST(a_close_exits_by_who_and_code)
{
	static const struct {
		int code;
		bool we_closed;
		int status;
	} closes[] = { { 1000, false, 0 }, { 1005, false, 0 }, { 1001, false, 112 }, { 1012, false, 112 }, { 1013, false, 112 },
		{ 1014, false, 112 }, { 1002, false, 113 }, { 1003, false, 113 }, { 1007, false, 113 }, { 1008, false, 113 },
		{ 1009, false, 113 }, { 1011, false, 113 }, { 3000, false, 113 }, { 4999, false, 113 }, { 1000, true, 0 },
		{ 1001, true, 0 }, { 1008, true, 0 }, { 1005, true, 0 } };

	for (size_t i = 0; i < ARRAY_LEN(closes); i++) {
		struct ev_ended e = { .cause = CAUSE_WS_CLOSE, .code = closes[i].code, .clean = true };

		ck_assert_msg(
		    exit_of_end(&e, closes[i].we_closed) == closes[i].status, "%d: %d", e.code, exit_of_end(&e, closes[i].we_closed));
	}
}
END_TEST

START_TEST(the_table_for_help_is_in_order)
{
	int last = -1;

	for (const struct exit_row *row = exit_rows; row->meaning != NULL; row++) {
		ck_assert_int_gt(row->status, last);
		last = row->status;
	}
	ck_assert_int_eq(last, EXIT_SIGNAL);
}
END_TEST

UNIT_MAIN("exit_status", a_failed_dial_exits_by_cause_and_stage, a_lost_connection_exits_by_cause, a_close_exits_by_who_and_code,
    the_table_for_help_is_in_order)
