/* SPDX-License-Identifier: MIT */
#include "lifecycle/ledger.h"

#include "base/buf.h"
#include "base/rng.h"

#include "support/unit.h"

#include <stdio.h>
#include <string.h>

static const struct source server = { .role = ROLE_SERVER }, client = { .role = ROLE_CLIENT };

/*
 * A row is a story in one line: "o1" connection 1 opens, "l1" is lost and seen to have ended, "d1" is declared lost and held, "h1" the same held open,
 * "c1" closes, "g1" its ghost ends, "G1" we let go of the ghost, "x1" its descriptor is closed; "o2/3" opens for dial 3. Expected: the verdicts in order,
 * "2+1" overlap of 2 with 1, "2=1" because of our holding alone, "2<3" an orphan whose successor was dial 3.
 */
static const struct {
	const char *story, *verdicts;
} rows[] = {
	{ "o1 c1 x1", "" },
	{ "o1 l1 x1 o2", "" },
	{ "o1 c1 o2 x1", "" },
	{ "o1 d1 o2 g1 x1", "2+1" },
	{ "o1 d1 g1 x1 o2", "" },
	{ "o1 d1 G1 o2", "2+1" },
	{ "o1 d1 G1 x1 o2", "" },
	{ "o1 h1 o2", "2=1" },
	{ "o1 o2", "2+1" },
	{ "o1 o2 o3", "2+1 3+1 3+2" },
	{ "o1 d1 o2 d2 o3 g1 g2", "2+1 3+1 3+2" },
	{ "o1 l1 o2 l2 o3 c3", "" },
	{ "o1/1 l1 o2/3 l2 o3/2", "3<3" },
	{ "o1/2 o2/1", "2<2 2+1" },
	{ "l7 g7 x7 o1", "" },
	{ "o1 d1 l1 o2", "" },
};

static void
note_verdict(void *arg, struct event *v)
{
	struct buf *out = arg;

	if (out->len > 0)
		buf_putc(out, ' ');
	if (v->type == EV_OVERLAP)
		buf_printf(out, "%u%c%u", v->conn, v->u.overlap.held ? '=' : '+', v->u.overlap.with);
	else if (v->type == EV_ORPHAN)
		buf_printf(out, "%u<%u", v->conn, v->u.orphan.successor);
	else if (v->type == EV_REPLAY)
		buf_printf(out, "%u~%u", v->conn, v->u.replay.with);
}

static struct event
fact_of(const char *word)
{
	struct event ev = { .src = &client, .session = SPAN_LIT("s") };

	if (sscanf(word + 1, "%u/%u", &ev.conn, &ev.dial) < 2)
		ev.dial = ev.conn;
	switch (*word) {
	case 'o': ev.type = EV_OPENED; break;
	case 'c': ev.type = EV_CLOSE; break;
	case 'x': ev.type = EV_GONE; break;
	case 'g':
	case 'G':
		ev.type = EV_GHOST;
		ev.u.ghost.ended = *word == 'g';
		break;
	default:
		ev.type = EV_LOST;
		ev.u.ended.held = *word != 'l';
		ev.u.ended.held_open = *word == 'h';
		break;
	}
	return ev;
}

static void
check_story(const char *told, const char *verdicts)
{
	struct ledger *l = ledger_new(&LEDGER_LIMITS);
	struct buf got = { 0 };
	char story[64], *save, *word;
	int64_t at = 0;

	snprintf(story, sizeof(story), "%s", told);
	for (word = strtok_r(story, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
		struct event ev = fact_of(word);

		ledger_feed(l, &ev, at += 1000, note_verdict, &got);
	}
	ck_assert_msg(span_eq(buf_span(&got), verdicts), "%s: got %s", told, buf_cstr(&got));
	buf_deinit(&got);
	ledger_free(l);
}

START_TEST(each_story_gets_its_verdicts)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_story(rows[i].story, rows[i].verdicts);
}
END_TEST

START_TEST(only_the_first_open_of_a_session_is_an_open)
{
	struct ledger *l = ledger_new(&LEDGER_LIMITS);
	struct event ev = fact_of("o1");
	struct buf none = { 0 };

	ck_assert(ledger_first(l, SPAN_LIT("s")));
	ledger_feed(l, &ev, 1, note_verdict, &none);
	ck_assert(!ledger_first(l, SPAN_LIT("s")));
	ck_assert(ledger_first(l, SPAN_LIT("other")));
	ev = fact_of("c1");
	ledger_feed(l, &ev, 2, note_verdict, &none);
	ck_assert(!ledger_first(l, SPAN_LIT("s")));
	ledger_free(l);
}
END_TEST

START_TEST(one_key_opened_twice_is_a_replay_to_who_receives_it)
{
	struct ledger *l = ledger_new(&LEDGER_LIMITS);
	struct buf got = { 0 };
	struct event a = { .type = EV_OPENED, .src = &server, .conn = 1, .u.opened.ws_key = SPAN_LIT("k1") }, b = a, c = a;

	b.conn = 2;
	c.conn = 3;
	c.u.opened.ws_key = SPAN_LIT("k2");
	ledger_feed(l, &a, 1, note_verdict, &got);
	ledger_feed(l, &c, 2, note_verdict, &got);
	ledger_feed(l, &b, 3, note_verdict, &got);
	ck_assert_str_eq(buf_cstr(&got), "2~1");
	buf_clear(&got);
	b.src = &client;
	ledger_feed(l, &b, 4, note_verdict, &got);
	ck_assert_str_eq(buf_cstr(&got), "");
	buf_deinit(&got);
	ledger_free(l);
}
END_TEST

/* A replay comes while the first is open, or soon after a loss; a client that uses a key again is none. */
START_TEST(a_key_that_is_used_again_is_no_replay)
{
	static const struct {
		enum event_type end;
		int64_t after_us;
		const char *verdicts;
	} again[] = {
		{ EV_OPENED, 2 * LEDGER_REPLAY_US, "2~1" }, /* no end */
		{ EV_LOST, 1000, "2~1" },
		{ EV_LOST, LEDGER_REPLAY_US + 1, "" },
		{ EV_GONE, LEDGER_REPLAY_US + 1, "" },
		{ EV_CLOSE, 1000, "" },
	};

	for (size_t i = 0; i < sizeof(again) / sizeof(again[0]); i++) {
		struct ledger *l = ledger_new(&LEDGER_LIMITS);
		struct buf got = { 0 };
		struct event a = { .type = EV_OPENED, .src = &server, .conn = 1, .u.opened.ws_key = SPAN_LIT("k1") }, b = a, c = a;
		struct event end = { .type = again[i].end, .src = &server, .conn = 1 }, other = { .type = EV_CLOSE, .src = &server, .conn = 7 };

		b.conn = 2;
		c.conn = 3;
		ledger_feed(l, &a, 0, note_verdict, &got);
		ledger_feed(l, &other, 1, note_verdict, &got);
		if (end.type != EV_OPENED)
			ledger_feed(l, &end, 1, note_verdict, &got);
		ledger_feed(l, &b, again[i].after_us, note_verdict, &got);
		ck_assert_msg(span_eq(buf_span(&got), again[i].verdicts), "row %zu: %s", i, buf_cstr(&got));
		/* From then on the newer use is the one that counts. */
		buf_clear(&got);
		ledger_feed(l, &c, again[i].after_us + 1, note_verdict, &got);
		ck_assert_str_eq(buf_cstr(&got), *again[i].verdicts != '\0' ? "3~1" : "3~2");
		buf_deinit(&got);
		ledger_free(l);
	}
}
END_TEST

START_TEST(keys_are_forgotten_after_so_many)
{
	const struct ledger_limits limits = { .sessions = 4, .conns = 4, .keys = 8 };
	struct ledger *l = ledger_new(&limits);
	struct buf got = { 0 };
	char key[16];

	for (unsigned i = 0; i < 1000; i++) {
		struct event ev = { .type = EV_OPENED, .src = &server, .conn = i + 1 };

		/* The same ten keys over and over: each is forgotten just before it comes again; of seven, none is. */
		snprintf(key, sizeof(key), "key%u", i < 500 ? i % 10 : 1000 + i % 7);
		ev.u.opened.ws_key = span_of(key);
		buf_clear(&got);
		ledger_feed(l, &ev, i, note_verdict, &got);
		ck_assert_msg((got.len > 0) == (i >= 507), "key number %u", i);
	}
	buf_deinit(&got);
	ledger_free(l);
}
END_TEST

START_TEST(sessions_and_connections_that_peers_choose_are_bounded)
{
	const struct ledger_limits limits = { .sessions = 16, .conns = 4, .keys = 16 };
	struct ledger *l = ledger_new(&limits);
	struct buf got = { 0 };
	char name[16];

	for (unsigned i = 0; i < 500; i++) {
		struct event ev = { .type = EV_OPENED, .src = &server, .conn = i + 1 };

		snprintf(name, sizeof(name), "s%u", i);
		ev.session = span_of(name);
		ledger_feed(l, &ev, i, note_verdict, &got);
	}
	ck_assert(ledger_first(l, SPAN_LIT("s0")));
	ck_assert(ledger_first(l, SPAN_LIT("s483")));
	ck_assert(!ledger_first(l, SPAN_LIT("s484")));
	ck_assert_uint_eq(got.len, 0);
	for (unsigned i = 0; i < 100; i++) {
		struct event ev = { .type = EV_OPENED, .src = &server, .conn = 1000 + i, .session = SPAN_LIT("s499") };

		buf_clear(&got);
		ledger_feed(l, &ev, i, note_verdict, &got);
	}
	/* Four are remembered of the hundred that are alive. */
	ck_assert_str_eq(buf_cstr(&got), "1099+1095 1099+1096 1099+1097 1099+1098");
	buf_deinit(&got);
	ledger_free(l);
}
END_TEST

START_TEST(an_overlap_is_as_long_as_the_later_one_is_open)
{
	struct ledger *l = ledger_new(&LEDGER_LIMITS);
	struct event open1 = fact_of("o1"), lost1 = fact_of("d1"), open2 = fact_of("o2");
	struct buf got = { 0 };
	uint32_t with = 0;

	ledger_feed(l, &open1, 0, note_verdict, &got);
	ledger_feed(l, &lost1, 10, note_verdict, &got);
	ck_assert_int_eq(ledger_overlap_us(l, SPAN_LIT("s"), 1, 20, &with), US_UNKNOWN);
	ledger_feed(l, &open2, 30, note_verdict, &got);
	ck_assert_int_eq(ledger_overlap_us(l, SPAN_LIT("s"), 1, 53, &with), 23);
	ck_assert_uint_eq(with, 2);
	buf_deinit(&got);
	ledger_free(l);
}
END_TEST

/* --- any order of facts keeps the rules --- */

struct model {
	bool alive[40], declared[40];
	unsigned n_verdicts;
	const struct event *fact;
};

static void
check_verdict(void *arg, struct event *v)
{
	struct model *m = arg;

	ck_assert_int_eq(v->type, EV_OVERLAP);
	ck_assert_int_eq(m->fact->type, EV_OPENED);
	ck_assert_uint_eq(v->conn, m->fact->conn);
	ck_assert_uint_ne(v->u.overlap.with, v->conn);
	ck_assert(m->alive[v->u.overlap.with] || m->declared[v->u.overlap.with]);
	ck_assert((v->u.overlap.since == US_UNKNOWN) == m->alive[v->u.overlap.with]);
	m->n_verdicts++;
}

START_TEST(random_stories_keep_the_invariants)
{
	struct rng rng;

	rng_init_seed(&rng, 971);
	for (int story = 0; story < 300; story++) {
		struct ledger *l = ledger_new(&LEDGER_LIMITS);
		struct model m = { 0 };
		uint32_t next = 1;

		for (int step = 0; step < 60; step++) {
			static const char kinds[] = "oolcdgGx";
			char word[8], kind = kinds[rng_u64(&rng) % 8];
			uint32_t conn = kind == 'o' ? next : (uint32_t)(rng_u64(&rng) % next) + 1;
			unsigned expected = 0;

			if (next >= 39)
				break;
			if (kind == 'd' && !m.alive[conn])
				continue; /* only what is open is declared lost */
			snprintf(word, sizeof(word), "%c%u", kind, conn);
			struct event ev = fact_of(word);
			m.fact = &ev;
			m.n_verdicts = 0;
			for (uint32_t c = 1; kind == 'o' && c < next; c++)
				expected += m.alive[c] || m.declared[c];
			ck_assert(ledger_first(l, SPAN_LIT("s")) == (next == 1));
			ledger_feed(l, &ev, step, check_verdict, &m);
			ck_assert_uint_eq(m.n_verdicts, expected);
			m.declared[conn] = kind == 'd' || (kind == 'G' && m.declared[conn]);
			m.alive[conn] = kind == 'o' || (kind == 'G' && m.alive[conn]);
			next += kind == 'o';
		}
		ledger_free(l);
	}
}
END_TEST

START_TEST(the_two_legs_of_a_proxy_are_judged_apart)
{
	static const struct source proxy = { .role = ROLE_PROXY };
	static const struct {
		uint32_t conn;
		enum leg leg;
		enum event_type type;
	} facts[] = {
		{ 1, LEG_ORIGIN, EV_OPENED }, { 1, LEG_CLIENT, EV_OPENED }, { 1, LEG_CLIENT, EV_LOST }, { 2, LEG_ORIGIN, EV_OPENED }, { 2, LEG_CLIENT, EV_OPENED },
	};
	struct ledger *l = ledger_new(&LEDGER_LIMITS);
	struct buf told CLEANUP(buf_deinit) = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
		struct event ev = { .type = facts[i].type, .src = &proxy, .session = SPAN_LIT("s"), .conn = facts[i].conn, .leg = facts[i].leg };

		if (ev.type == EV_OPENED)
			ev.u.opened.ws_key = facts[i].conn == 1 ? SPAN_LIT("a") : SPAN_LIT("b");
		ledger_feed(l, &ev, (int64_t)i, note_verdict, &told);
	}
	ck_assert_str_eq(buf_cstr(&told), "2+1"); /* the origin still has both */
	ledger_free(l);
}
END_TEST

UNIT_MAIN("ledger", each_story_gets_its_verdicts, only_the_first_open_of_a_session_is_an_open, one_key_opened_twice_is_a_replay_to_who_receives_it, a_key_that_is_used_again_is_no_replay,
    keys_are_forgotten_after_so_many, sessions_and_connections_that_peers_choose_are_bounded, an_overlap_is_as_long_as_the_later_one_is_open,
    random_stories_keep_the_invariants, the_two_legs_of_a_proxy_are_judged_apart)
