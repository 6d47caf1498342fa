/* SPDX-License-Identifier: MIT */
#include "report_world.h"

#include "support/unit.h"

enum { CLIENT, PROXY, SERVER };

#define MS US_PER_MS
#define S US_PER_S

/* What the logs leave out of a connection's names. */
enum { NO_KEY = 1, NO_TAG = 2, NO_ADDRESS = 4 };

static void
open_at(struct world *w, uint32_t log, int64_t at, uint32_t conn, int lacks)
{
	struct world_event *e = world_put(w, log, at, EV_OPENED, conn);

	e->ev.u.opened.timing.upgrade = log == CLIENT ? 20 * MS : US_UNKNOWN;
	if ((lacks & NO_KEY) == 0)
		snprintf(e->key, sizeof(e->key), "key-%u", conn);
	if (log == CLIENT || (lacks & NO_TAG) == 0) {
		snprintf(e->session, sizeof(e->session), "s-1");
		e->ev.dial = conn;
	}
	if ((lacks & NO_ADDRESS) == 0)
		snprintf(log == CLIENT ? e->local : e->peer, sizeof(e->local), "10.0.0.1:%u", 40000 + conn);
}

static struct ev_ended *
end_at(struct world *w, uint32_t log, int64_t at, uint32_t conn, enum event_type type)
{
	struct world_event *e = world_put(w, log, at, type, conn);

	e->ev.u.ended.cause = type == EV_LOST ? CAUSE_TCP_CLOSED : CAUSE_WS_CLOSE;
	e->ev.u.ended.by = BY_PEER;
	e->ev.u.ended.clean = type == EV_CLOSE;
	return &e->ev.u.ended;
}

/* Connection conn from at for as long, at both ends. */
static void
live(struct world *w, uint32_t conn, int64_t at, int64_t lasted, int lacks)
{
	open_at(w, SERVER, at + 10 * MS, conn, lacks);
	open_at(w, CLIENT, at + 20 * MS, conn, lacks);
	end_at(w, SERVER, at + lasted, conn, EV_CLOSE);
	end_at(w, CLIENT, at + lasted + 10 * MS, conn, EV_CLOSE);
}

/* A log becomes one of a time to the second and words. */
static void
make_text(struct world *w, uint32_t log)
{
	w->logs[log].about = (struct input_log){ .name = "text.log", .kind = "text", .resolution_us = S };
	w->logs[log].source.run = 0;
	w->logs[log].source.boot = NULL;
	for (uint32_t i = 0; i < w->n; i++) {
		struct world_event *e = &w->events[i];

		if (e->log != log)
			continue;
		e->key[0] = e->session[0] = e->local[0] = e->peer[0] = '\0';
		e->ev.conn = e->ev.dial = 0;
		if (e->ev.type == EV_OPENED)
			e->ev.u.opened.timing.upgrade = US_UNKNOWN;
		else
			e->ev.u.ended = (struct ev_ended){ .age = US_UNKNOWN, .silent_rx = US_UNKNOWN, .silent_tx = US_UNKNOWN };
	}
}

static void
take(struct world *w, struct model *m)
{
	model_init(m);
	world_feed(w, m);
	join_model(m);
}

static void
drop(struct world *w, struct model *m)
{
	model_deinit(m);
	world_deinit(w);
}

/* Every connection was found at both ends, and under one number. */
static void
check_pairs(const struct model *m, uint32_t n)
{
	ck_assert_uint_eq(m->n_circuits, n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t client = circuit_life(m, &m->circuits[i], ROLE_CLIENT, LEG_NONE, NO_INDEX);
		uint32_t server = circuit_life(m, &m->circuits[i], ROLE_SERVER, LEG_NONE, NO_INDEX);

		ck_assert_uint_ne(client, NO_INDEX);
		ck_assert_uint_ne(server, NO_INDEX);
		ck_assert_uint_eq(m->lives[client].id, m->lives[server].id);
	}
}

static const int64_t opens[] = { 5 * S, 60 * S, 200 * S, 230 * S, 700 * S, 1000 * S };

static void
make_session(struct world *w, int lacks)
{
	for (uint32_t i = 0; i < ARRAY_LEN(opens); i++)
		live(w, i + 1, opens[i], 15 * S, lacks);
}

START_TEST(the_first_name_that_is_there_joins)
{
	static const struct {
		int lacks;
		enum join_by by;
	} rows[] = { { 0, JOIN_KEY }, { NO_KEY, JOIN_TAG }, { NO_KEY | NO_TAG, JOIN_ADDRESS } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		struct model m;

		world_init(&w, 1);
		w.logs[SERVER].wall_skew_us = 2 * 3600 * S;
		make_session(&w, rows[i].lacks);
		take(&w, &m);
		check_pairs(&m, ARRAY_LEN(opens));
		ck_assert_uint_eq(m.joining.by[rows[i].by], ARRAY_LEN(opens));
		ck_assert_uint_eq(m.n_stories, 1);
		drop(&w, &m);
	}
}
END_TEST

START_TEST(without_names_it_is_time_and_order_whatever_the_clocks_say)
{
	static const int64_t skews[] = { 0, 7 * S, -11227 * S, 3600 * S };

	for (size_t i = 0; i < ARRAY_LEN(skews); i++) {
		struct world w;
		struct model m;

		world_init(&w, 1);
		w.logs[SERVER].wall_skew_us = skews[i];
		make_session(&w, NO_KEY | NO_TAG | NO_ADDRESS);
		take(&w, &m);
		check_pairs(&m, ARRAY_LEN(opens));
		ck_assert_uint_eq(m.joining.by[JOIN_TIME], ARRAY_LEN(opens));
		ck_assert_int_le(llabs(m.participants[1].shift_us + skews[i]), S);
		drop(&w, &m);
	}
}
END_TEST

START_TEST(two_text_logs_are_joined_and_so_is_one_with_a_date)
{
	for (int n = 0; n < 2; n++) {
		struct world w;
		struct model m;

		world_init(&w, 1);
		make_session(&w, 0);
		make_text(&w, CLIENT);
		if (n == 0)
			make_text(&w, SERVER);
		take(&w, &m);
		check_pairs(&m, ARRAY_LEN(opens));
		drop(&w, &m);
	}
}
END_TEST

START_TEST(what_fits_in_several_ways_is_left_alone_and_counted)
{
	struct world w;
	struct model m;

	world_init(&w, 1);
	make_session(&w, NO_KEY | NO_TAG | NO_ADDRESS);
	/* Another client of the server's, at the same time as ours. */
	open_at(&w, SERVER, opens[2] + 300 * MS, 77, NO_KEY | NO_TAG | NO_ADDRESS);
	take(&w, &m);
	ck_assert_uint_eq(m.joining.by[JOIN_TIME], ARRAY_LEN(opens) - 1);
	ck_assert_uint_eq(m.joining.ambiguous, 1);
	drop(&w, &m);
}
END_TEST

START_TEST(a_steady_rhythm_does_not_tell_clocks_apart)
{
	struct world w;
	struct model m;

	world_init(&w, 1);
	w.logs[SERVER].wall_skew_us = 1800 * S;
	for (uint32_t i = 0; i < 8; i++)
		live(&w, i + 1, (i + 1) * 60 * S, 15 * S, NO_KEY | NO_TAG | NO_ADDRESS);
	take(&w, &m);
	ck_assert_uint_eq(m.joining.by[JOIN_TIME], 0);
	ck_assert_uint_gt(m.joining.ambiguous, 0);
	drop(&w, &m);
}
END_TEST

START_TEST(one_boot_is_one_clock_exactly)
{
	struct world w;
	struct model m;

	world_init(&w, 1);
	w.logs[SERVER].source.boot = w.logs[CLIENT].source.boot;
	w.logs[SERVER].mono_skew_us = w.logs[CLIENT].mono_skew_us;
	w.logs[SERVER].wall_skew_us = -17 * S;
	make_session(&w, 0);
	take(&w, &m);
	ck_assert_int_eq(m.participants[1].basis, CLOCK_SAME_BOOT);
	ck_assert_int_eq(m.participants[1].uncertainty_us, 0);
	ck_assert_int_eq(m.participants[1].shift_us, 17 * S);
	drop(&w, &m);
}
END_TEST

START_TEST(one_pair_that_is_wrong_does_not_move_the_clock)
{
	struct world w;
	struct model m;

	world_init(&w, 1);
	w.logs[SERVER].wall_skew_us = 100 * S;
	make_session(&w, 0);
	/* A hop that answers first and asks the server later. */
	open_at(&w, CLIENT, 2000 * S, 50, 0);
	open_at(&w, SERVER, 2030 * S, 50, 0);
	take(&w, &m);
	ck_assert_int_le(llabs(m.participants[1].shift_us + 100 * S), m.participants[1].uncertainty_us);
	ck_assert_int_le(m.participants[1].uncertainty_us, 11 * MS);
	ck_assert_uint_eq(m.participants[1].pairs, ARRAY_LEN(opens));
	drop(&w, &m);
}
END_TEST

/* The seed, with wsdiag's proxy in the middle and the client's own words. */
START_TEST(a_proxy_gives_a_text_log_its_session)
{
	struct findings f;
	struct world w;
	struct model m;
	static const struct {
		int64_t open, client_end, origin_end;
	} rows[] = { { 10 * S, 100 * S, 100 * S }, { 200 * S, 300 * S, 340 * S }, { 310 * S, 900 * S, 900 * S } };

	world_init(&w, 1);
	w.logs[PROXY].is_missing = false;
	w.logs[SERVER].is_missing = true;
	for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
		open_at(&w, CLIENT, rows[i].open + 50 * MS, i + 1, 0);
		for (enum leg leg = LEG_CLIENT; leg <= LEG_ORIGIN; leg++) {
			struct world_event *e = world_put(&w, PROXY, rows[i].open + (leg == LEG_CLIENT ? 40 : 20) * MS, EV_OPENED, i + 1);

			e->ev.leg = leg;
			end_at(&w, PROXY, leg == LEG_CLIENT ? rows[i].client_end : rows[i].origin_end, i + 1, EV_LOST)->cause = CAUSE_LOCAL_FAULT;
			w.events[w.n - 1].ev.leg = leg;
		}
	}
	/* It hears of the first loss and of the end; the second is silent. */
	end_at(&w, CLIENT, 100 * S, 1, EV_LOST);
	end_at(&w, CLIENT, 900 * S, 3, EV_CLOSE);
	make_text(&w, CLIENT);
	take(&w, &m);
	findings_look(&m, &f);
	ck_assert_uint_eq(m.n_circuits, 3);
	ck_assert_uint_eq(m.n_stories, 1);
	ck_assert_uint_eq(m.stories[0].n_circuits, 3);
	ck_assert_uint_ge(f.n, 2);
	ck_assert_int_eq(f.items[0].kind, FINDING_OVERLAP);
	ck_assert_int_eq(f.items[0].to_us - f.items[0].from_us, 30 * S - 20 * MS);
	ck_assert_int_eq(f.items[1].kind, FINDING_SILENT_LOSS);
	findings_deinit(&f);
	drop(&w, &m);
}
END_TEST

/* Within a second nobody can tell which came first: no overlap. */
START_TEST(an_end_and_an_open_in_one_second_are_no_overlap)
{
	for (int n = 0; n < 2; n++) {
		struct world w;
		struct model m;

		world_init(&w, 1);
		open_at(&w, CLIENT, 10 * S, 1, 0);
		open_at(&w, SERVER, 10 * S, 1, 0);
		end_at(&w, CLIENT, 40 * S, 1, EV_LOST);
		open_at(&w, CLIENT, 50 * S + 100 * MS, 2, 0);
		open_at(&w, SERVER, 50 * S + 100 * MS, 2, 0);
		end_at(&w, SERVER, 50 * S + (n == 0 ? 900 * MS : 1100 * MS), 1, EV_CLOSE);
		make_text(&w, SERVER);
		take(&w, &m);
		ck_assert_uint_eq(m.n_verdicts, (unsigned)n);
		drop(&w, &m);
	}
}
END_TEST

START_TEST(a_filter_hides_whole_connections)
{
	struct world w;
	struct model m;
	uint32_t shown = 0;

	world_init(&w, 1);
	make_session(&w, 0);
	take(&w, &m);
	join_filter(&m, &(struct join_filter){ .since_us = WORLD_START + 190 * S, .until_us = WORLD_START + 720 * S });
	for (uint32_t i = 0; i < m.n_lives; i++)
		shown += !m.lives[i].is_hidden;
	ck_assert_uint_eq(shown, 6);
	join_filter(&m, &(struct join_filter){ .since_us = NO_TIME, .until_us = NO_TIME, .conn = 2 });
	for (uint32_t i = 0; i < m.n_lives; i++)
		ck_assert_int_eq(m.lives[i].is_hidden, m.lives[i].id != 2);
	join_filter(&m, &(struct join_filter){ .since_us = NO_TIME, .until_us = NO_TIME, .session = "s-" });
	for (uint32_t i = 0; i < m.n_lives; i++)
		ck_assert(!m.lives[i].is_hidden);
	join_filter(&m, &(struct join_filter){ .since_us = NO_TIME, .until_us = NO_TIME, .session = "t" });
	for (uint32_t i = 0; i < m.n_lives; i++)
		ck_assert(m.lives[i].is_hidden);
	drop(&w, &m);
}
END_TEST

START_TEST(the_date_of_answers_tells_a_clients_clock)
{
	struct world w;
	struct model m;
	struct header date = { SPAN_LIT("Date"), SPAN_LIT("Mon, 02 Feb 2026 02:45:05 GMT") };

	world_init(&w, 1);
	w.logs[SERVER].is_missing = true;
	open_at(&w, CLIENT, 5 * S, 1, 0);
	w.events[0].ev.u.opened.headers = (struct header_list){ &date, 1 };
	take(&w, &m);
	/* 1770000000 is 02:40:00 of that day: the server's clock is five minutes ahead. */
	ck_assert_uint_eq(m.participants[0].dates, 1);
	ck_assert_int_eq(m.participants[0].date_lo_us, 300 * S);
	ck_assert_int_eq(m.participants[0].date_hi_us, 301 * S + 20 * MS);
	drop(&w, &m);
}
END_TEST

UNIT_MAIN("join", the_first_name_that_is_there_joins, without_names_it_is_time_and_order_whatever_the_clocks_say,
    two_text_logs_are_joined_and_so_is_one_with_a_date, what_fits_in_several_ways_is_left_alone_and_counted, a_steady_rhythm_does_not_tell_clocks_apart,
    one_boot_is_one_clock_exactly, one_pair_that_is_wrong_does_not_move_the_clock, a_proxy_gives_a_text_log_its_session,
    an_end_and_an_open_in_one_second_are_no_overlap, a_filter_hides_whole_connections, the_date_of_answers_tells_a_clients_clock)
