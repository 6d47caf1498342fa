/* SPDX-License-Identifier: MIT */
#include "demo/rows.h"

#include "base/clock.h"

#include "support/unit.h"

static const struct source client = { .role = ROLE_CLIENT }, proxy = { .role = ROLE_PROXY }, server = { .role = ROLE_SERVER };

/* Rows as text: "time|client|proxy|server|app" a line. */
static void
on_row(void *arg, const struct row *row)
{
	struct buf *out = arg;

	buf_printf(out, "%.1f", (double)row->at_us / 1e6);
	for (int i = 0; i < WHO_COUNT; i++) {
		buf_putc(out, '|');
		buf_append(out, row->cells[i].p, row->cells[i].n);
	}
	buf_putc(out, '\n');
}

struct play {
	struct buf out;
	struct rows *rows;
	int64_t at_us;
};

static struct play
begin(bool folds)
{
	return (struct play){ .rows = NULL, .at_us = US_PER_S * (1 + folds) };
}

static void
put(struct play *p, struct event ev, const char *heard)
{
	if (p->rows == NULL)
		p->rows = rows_new(p->at_us > US_PER_S, on_row, &p->out);
	ev.mono_us = p->at_us;
	rows_feed(p->rows, &ev, span_of(heard));
	p->at_us += US_PER_S / 10;
}

#define EXPECT(p, text)                                                                                                \
	do {                                                                                                           \
		rows_end((p)->rows);                                                                                   \
		ck_assert_str_eq(buf_cstr(&(p)->out), text);                                                           \
		rows_free((p)->rows);                                                                                  \
		buf_deinit(&(p)->out);                                                                                 \
	} while (0)

static struct event
opened(const struct source *src, uint32_t conn, uint32_t dial)
{
	return (struct event){ .type = EV_OPENED, .src = src, .conn = conn, .dial = dial, .leg = src == &proxy ? LEG_CLIENT : LEG_NONE,
		.u.opened.is_reconnect = conn > 1 };
}

static struct event
lost(const struct source *src, uint32_t conn, uint32_t dial, enum cause cause, const char *text)
{
	return (struct event){ .type = EV_LOST, .src = src, .conn = conn, .dial = dial, .leg = src == &proxy ? LEG_ORIGIN : LEG_NONE,
		.u.ended = { .cause = cause, .text = span_of(text) } };
}

static struct event
inject(uint32_t conn, uint32_t dial, uint32_t line, const char *action)
{
	return (struct event){ .type = EV_INJECT, .src = &proxy, .conn = conn, .dial = dial,
		.u.inject = { .line = line, .action = span_of(action), .accept = 2 } };
}

static struct event
failed(uint32_t dial, enum cause cause, int status)
{
	return (struct event){ .type = EV_FAILED, .src = &client, .dial = dial,
		.u.failed = { .stage = STAGE_UPGRADE, .cause = cause, .status = status, .text = SPAN_LIT("HTTP 503 Service Unavailable") } };
}

START_TEST(what_belongs_to_one_dial_shares_a_row)
{
	struct play p = begin(true);
	struct event overlap = { .type = EV_OVERLAP, .src = &server, .conn = 2, .dial = 5, .u.overlap.with = 1 };

	put(&p, opened(&server, 2, 5), NULL);
	put(&p, overlap, NULL);
	put(&p, opened(&proxy, 2, 5), NULL);
	put(&p, opened(&client, 2, 5), "on_open again");
	EXPECT(&p, "0.0|reconnect c2 (d5)|pass|open c2 (d5), overlap with c1|on_open again\n");
}
END_TEST

START_TEST(another_dial_or_its_end_has_a_row_of_its_own)
{
	struct play p = begin(true);

	put(&p, opened(&server, 1, 1), NULL);
	put(&p, opened(&client, 1, 1), "on_open");
	put(&p, inject(1, 1, 3, "fin both"), NULL);
	put(&p, lost(&proxy, 1, 1, CAUSE_LOCAL_FAULT, "our FIN, by the plan"), NULL); /* said by the line above */
	put(&p, lost(&client, 1, 1, CAUSE_TCP_CLOSED, "peer FIN, no Close frame"), "on_error");
	put(&p, lost(&server, 1, 1, CAUSE_TCP_CLOSED, "peer FIN, no Close frame"), NULL);
	put(&p, opened(&client, 2, 2), "on_open again");
	EXPECT(&p, "0.0|open c1|fin both :3|open c1|on_open\n"
		   "0.4|lost c1: peer FIN||lost c1: peer FIN|on_error\n"
		   "0.6|reconnect c2|||on_open again\n");
}
END_TEST

START_TEST(what_comes_after_a_pause_has_a_row_of_its_own)
{
	struct play p = begin(true);

	put(&p, inject(2, 5, 3, "drop both"), NULL);
	rows_settle(p.rows);
	put(&p, lost(&client, 2, 5, CAUSE_WS_PING_TIMEOUT, "ping timeout 1.6s (1006); TCP acked: far side silent"), "(silence)");
	put(&p, lost(&proxy, 2, 5, CAUSE_TCP_CLOSED, "peer FIN, no Close frame"), NULL);
	EXPECT(&p, "0.0||drop both :3||\n0.1|lost c2: ping timeout 1.6s|FIN from server||(silence)\n");
}
END_TEST

START_TEST(dials_that_fail_alike_fold)
{
	struct play p = begin(true);

	for (uint32_t dial = 2; dial <= 5; dial++) {
		put(&p, failed(dial, CAUSE_TCP_RESET, 0), dial == 2 ? "on_error" : "(silence)");
		rows_settle(p.rows);
	}
	put(&p, failed(6, CAUSE_HTTP_REFUSED, 503), "(silence)");
	rows_settle(p.rows);
	put(&p, failed(7, CAUSE_HTTP_REFUSED, 503), "(silence)");
	put(&p, opened(&client, 2, 8), "on_open");
	EXPECT(&p, "0.0|failed d2: RST|||on_error\n"
		   "0.1|failed d3: RST|||(silence)\n"
		   "0.2|failed d4, d5: same|||(silence)\n"
		   "0.4|failed d6: HTTP 503 at upgrade|||(silence)\n"
		   "0.5|failed d7: same|||(silence)\n"
		   "0.6|reconnect c2 (d8)|||on_open\n");
}
END_TEST

START_TEST(many_fold_into_a_range_and_the_end_brings_them)
{
	struct play p = begin(true);

	for (uint32_t dial = 2; dial <= 9; dial++)
		put(&p, failed(dial, CAUSE_DIAL_TIMEOUT, 0), "(silence)");
	EXPECT(&p, "0.0|failed d2: timed out at upgrade|||(silence)\n0.1|failed d3 to d9: same|||(silence)\n");
}
END_TEST

START_TEST(without_folding_each_has_its_row)
{
	struct play p = begin(false);

	put(&p, failed(2, CAUSE_TCP_REFUSED, 0), "(silence)");
	put(&p, failed(3, CAUSE_TCP_REFUSED, 0), "(silence)");
	EXPECT(&p, "0.0|failed d2: refused at upgrade|||(silence)\n0.1|failed d3: refused at upgrade|||(silence)\n");
}
END_TEST

START_TEST(a_dial_that_is_reset_is_joined_to_its_accept)
{
	struct play p = begin(true);

	put(&p, inject(0, 0, 2, "rst"), NULL);
	put(&p, failed(2, CAUSE_TCP_RESET, 0), "(silence)");
	EXPECT(&p, "0.0|failed d2: RST|rst :2||(silence)\n");
}
END_TEST

START_TEST(what_a_peer_said_is_escaped)
{
	struct play p = begin(true);
	struct event ev = { .type = EV_CLOSE, .src = &client, .conn = 1, .dial = 1,
		.u.ended = { .cause = CAUSE_WS_CLOSE, .text = SPAN_LIT("peer 1001 Going Away \"\033[2J\", peer FIN") } };

	put(&p, ev, "on_close 1001");
	EXPECT(&p, "0.0|close c1: peer 1001 Going Away \"\\e[2J\"|||on_close 1001\n");
}
END_TEST

UNIT_MAIN("demo_rows", what_belongs_to_one_dial_shares_a_row, another_dial_or_its_end_has_a_row_of_its_own, what_comes_after_a_pause_has_a_row_of_its_own,
    dials_that_fail_alike_fold, many_fold_into_a_range_and_the_end_brings_them, without_folding_each_has_its_row,
    a_dial_that_is_reset_is_joined_to_its_accept, what_a_peer_said_is_escaped)
