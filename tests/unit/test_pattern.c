/* SPDX-License-Identifier: MIT */
/*
 * Chance is no pattern: crowds of connections whose ages, silences and ends are random raise no finding that takes several of them together, however many they
 * are; and the same crowds with a real pattern in their midst raise just that.
 */
#include "report_world.h"

#include "support/unit.h"

enum { CLIENT, PROXY, SERVER };

#define MS US_PER_MS
#define S US_PER_S

struct crowd {
	struct world w;
	struct model m;
	struct findings f;
	uint32_t n;
};

static void
crowd_init(struct crowd *c, uint64_t seed, uint32_t log)
{
	memset(c, 0, sizeof(*c));
	world_init(&c->w, seed);
	for (uint32_t i = 0; i < WORLD_LOGS; i++)
		c->w.logs[i].is_missing = i != log;
}

static void
crowd_deinit(struct crowd *c)
{
	findings_deinit(&c->f);
	model_deinit(&c->m);
	world_deinit(&c->w);
}

/* One more, of one end's log, each a session of its own. */
static struct ev_ended *
add(struct crowd *c, uint32_t log, int64_t opened, int64_t age, int64_t silence, bool is_lost)
{
	struct world_event *o = world_put(&c->w, log, opened, EV_OPENED, ++c->n), *e;

	snprintf(o->key, sizeof(o->key), "key-%u", c->n);
	snprintf(o->session, sizeof(o->session), "run-%u", c->n);
	e = world_put(&c->w, log, opened + age, is_lost ? EV_LOST : EV_CLOSE, c->n);
	e->ev.u.ended = (struct ev_ended){ .by = BY_PEER, .cause = is_lost ? CAUSE_TCP_CLOSED : CAUSE_WS_CLOSE, .code = is_lost ? 0 : 1000,
		.close_sent = is_lost ? 0 : 1000, .clean = !is_lost, .age = age, .silent_rx = MIN(silence, age), .silent_tx = MIN(silence, age) };
	return &e->ev.u.ended;
}

static const struct finding *
find(const struct crowd *c, enum finding_kind kind)
{
	for (uint32_t i = 0; i < c->f.n; i++)
		if (c->f.items[i].kind == kind)
			return &c->f.items[i];
	return NULL;
}

static void
judge(struct crowd *c)
{
	model_init(&c->m);
	world_feed(&c->w, &c->m);
	join_model(&c->m);
	findings_look(&c->m, &c->f);
}

/* --- silences that are no timer's --- */

typedef int64_t silence_fn(struct world *w);

static int64_t
evenly(struct world *w)
{
	return world_random(w, 2 * S, 60 * S);
}

/* A heartbeat of the application: never quiet for longer. */
static int64_t
by_heartbeat(struct world *w)
{
	return world_random(w, 0, 5 * S);
}

/* Most are short, few are long. */
static int64_t
mostly_short(struct world *w)
{
	return world_random(w, 1, 1000) * world_random(w, 1, 1000) * world_random(w, 0, 300);
}

/* About five minutes, more or less, as people are. */
static int64_t
about_alike(struct world *w)
{
	int64_t sum = 0;

	for (int i = 0; i < 8; i++)
		sum += world_random(w, 25 * S, 50 * S);
	return sum;
}

static silence_fn *const silences[] = { evenly, by_heartbeat, mostly_short, about_alike };

/* Ends over four hours; one in lost_of is lost, the others are closed. */
static void
add_others(struct crowd *c, uint32_t log, uint32_t n, int64_t lost_of, silence_fn *silence)
{
	for (uint32_t i = 0; i < n; i++) {
		int64_t opened = world_random(&c->w, 0, 4 * 3600 * S), age = world_random(&c->w, 10 * S, 600 * S), quiet = silence(&c->w);

		(void)add(c, log, opened, age, quiet, world_random(&c->w, 1, lost_of) == 1);
	}
}

static const uint32_t sizes[] = { 12, 13, 20, 50, 120, 300, 500 };

START_TEST(what_ends_at_random_is_no_pattern)
{
	for (size_t i = 0; i < ARRAY_LEN(sizes) * ARRAY_LEN(silences) * 2 * 3; i++) {
		uint32_t log = i % 2 == 0 ? CLIENT : SERVER, n = sizes[i / 2 % ARRAY_LEN(sizes)];
		silence_fn *silence = silences[i / 2 / ARRAY_LEN(sizes) % ARRAY_LEN(silences)];
		struct crowd c;

		crowd_init(&c, (unsigned)_i * 1000 + i, log);
		add_others(&c, log, n, (int64_t[]){ 1, 3, 20 }[i % 3], silence);
		judge(&c);
		for (uint32_t k = 0; k < c.f.n; k++)
			ck_assert_msg(c.f.items[k].kind == FINDING_LOSS || c.f.items[k].kind == FINDING_SECOND_OPEN, "seed %d, row %zu, %u connections: %s: %s", _i, i,
			    n, finding_spec(c.f.items[k].kind)->name, c.f.items[k].text);
		crowd_deinit(&c);
	}
}
END_TEST

/* --- and those that are --- */

static void
expect(const struct crowd *c, enum finding_kind kind, uint32_t n, const char *beginning)
{
	const struct finding *f = find(c, kind);
	struct buf names CLEANUP(buf_deinit) = { 0 };

	world_findings(&c->f, &names);
	ck_assert_msg(f != NULL, "no %s among %u, but %s", finding_spec(kind)->name, c->n, buf_cstr(&names));
	ck_assert_uint_ge(f->n_samples, n);
	ck_assert_uint_le(f->n_samples, n + n / 2);
	ck_assert_msg(strstr(f->text, beginning) != NULL, "%s", f->text);
	ck_assert_int_eq(f->confidence, n >= 6 ? CONFIDENCE_CERTAIN : CONFIDENCE_LIKELY);
	for (uint32_t i = 0; i < c->f.n; i++)
		ck_assert_msg(c->f.items[i].kind == kind || c->f.items[i].kind == FINDING_LOSS || c->f.items[i].kind == FINDING_SECOND_OPEN, "%s", buf_cstr(&names));
}

/* look: n connections with the pattern among others, of which one in lost_of is lost by chance. */
static void
in_each_crowd(void (*look)(uint32_t log, uint32_t others, int64_t lost_of, uint32_t n))
{
	for (uint32_t log = CLIENT; log <= SERVER; log += SERVER) {
		look(log, 0, 1, 3);
		look(log, 12, 20, 4);
		look(log, 100, 10, 12);
		look(log, 300, 1, 60);
	}
}

static void
look_for_timeout(uint32_t log, uint32_t others, int64_t lost_of, uint32_t n)
{
	struct crowd c;

	crowd_init(&c, 5000 + others + n, log);
	add_others(&c, log, others, lost_of, evenly);
	for (uint32_t i = 0; i < n; i++)
		(void)add(&c, log, world_random(&c.w, 0, 4 * 3600 * S), 70 * S + i * 20 * S, 60 * S + world_random(&c.w, 0, 40 * MS), true);
	judge(&c);
	expect(&c, FINDING_IDLE_TIMEOUT, n, "connections ended after 60s without a message or ping");
	crowd_deinit(&c);
}

START_TEST(an_idle_timeout_is_found_among_others)
{
	in_each_crowd(look_for_timeout);
}
END_TEST

static void
look_for_cap(uint32_t log, uint32_t others, int64_t lost_of, uint32_t n)
{
	struct crowd c;

	crowd_init(&c, 6000 + others + n, log);
	add_others(&c, log, others, lost_of, by_heartbeat);
	for (uint32_t i = 0; i < n; i++)
		(void)add(&c, log, world_random(&c.w, 0, 4 * 3600 * S), 900 * S + world_random(&c.w, 0, 400 * MS), world_random(&c.w, 0, 5 * S), true);
	judge(&c);
	expect(&c, FINDING_LIFETIME_CAP, n, "connections ended at the age of 15m00s");
	crowd_deinit(&c);
}

START_TEST(a_lifetime_cap_is_found_among_others)
{
	in_each_crowd(look_for_cap);
}
END_TEST

/* All that were open, at once; as many as in the crowd are lost at other times. */
START_TEST(a_restart_without_a_word_is_found_among_others)
{
	for (uint32_t log = CLIENT; log <= SERVER; log += SERVER) {
		struct crowd c;

		crowd_init(&c, 7000 + log, log);
		add_others(&c, log, 100, 3, by_heartbeat);
		for (uint32_t i = 0; i < 20; i++) {
			int64_t age = 60 * S + i * 30 * S;

			(void)add(&c, log, 5 * 3600 * S - age, age + world_random(&c.w, 0, 300 * MS), world_random(&c.w, 0, 5 * S), true);
		}
		judge(&c);
		expect(&c, FINDING_RESTART, 20, "20 connections were ended together: the server or a hop was restarted");
		crowd_deinit(&c);
	}
}
END_TEST

/* Each for itself was sent a 1001: somebody is told so, but nothing was certainly restarted. */
START_TEST(scattered_farewells_are_no_certain_restart)
{
	struct crowd c;

	crowd_init(&c, 8000 + (unsigned)_i, CLIENT);
	for (uint32_t i = 0; i < 100; i++) {
		struct ev_ended *e = add(&c, CLIENT, world_random(&c.w, 0, 4 * 3600 * S), world_random(&c.w, 10 * S, 600 * S), evenly(&c.w), false);

		e->code = e->close_sent = 1001;
	}
	judge(&c);
	ck_assert_ptr_nonnull(find(&c, FINDING_RESTART));
	ck_assert_int_eq(find(&c, FINDING_RESTART)->confidence, CONFIDENCE_POSSIBLE);
	ck_assert_ptr_null(strstr(find(&c, FINDING_RESTART)->text, "together"));
	crowd_deinit(&c);
}
END_TEST

/* A silence that a broadcast made one, and an end that a crash made one: three at the same moment are one observation. */
START_TEST(what_ends_at_one_moment_is_no_limit)
{
	struct crowd c;

	crowd_init(&c, 9000 + (unsigned)_i, SERVER);
	for (uint32_t i = 0; i < 8; i++)
		(void)add(&c, SERVER, 3600 * S - i * 40 * S, 100 * S + i * 40 * S, 30 * S, true);
	judge(&c);
	ck_assert_ptr_null(find(&c, FINDING_IDLE_TIMEOUT));
	ck_assert_ptr_null(find(&c, FINDING_LIFETIME_CAP));
	crowd_deinit(&c);
}
END_TEST

/* One that is still open, or was quiet for longer, at the same end. */
START_TEST(one_that_outlived_it_refutes_a_limit)
{
	for (int is_open = 0; is_open < 2; is_open++) {
		struct crowd c;

		crowd_init(&c, 9500 + (unsigned)_i, SERVER);
		for (uint32_t i = 0; i < 8; i++)
			(void)add(&c, SERVER, i * 100 * S, 900 * S, 1 * S, true);
		if (is_open)
			(void)world_put(&c.w, SERVER, 0, EV_OPENED, 999);
		else
			(void)add(&c, SERVER, 0, 1400 * S, 1 * S, false);
		judge(&c);
		ck_assert_ptr_null(find(&c, FINDING_LIFETIME_CAP));
		crowd_deinit(&c);
	}
}
END_TEST

UNIT_LOOP_MAIN("pattern", 5, what_ends_at_random_is_no_pattern, an_idle_timeout_is_found_among_others, a_lifetime_cap_is_found_among_others,
    a_restart_without_a_word_is_found_among_others, scattered_farewells_are_no_certain_restart, what_ends_at_one_moment_is_no_limit,
    one_that_outlived_it_refutes_a_limit)
