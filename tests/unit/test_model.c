/* SPDX-License-Identifier: MIT */
#include "report_world.h"

#include "report/model_index.h"
#include "report/stats.h"
#include "report/pages.h"
#include "report/text.h"
#include "support/unit.h"

#define S US_PER_S

static const struct source client = { .run = 7, .role = ROLE_CLIENT }, text_client = { .role = ROLE_CLIENT }, text_server = { .role = ROLE_SERVER };
static const struct input_log wsdiag_log = {
	.name = "c.jsonl", .kind = "wsdiag", .has_date = true, .has_zone = true, .has_key = true, .has_mono = true, .resolution_us = 1 };
static const struct input_log text_log = { .name = "c.log", .kind = "text", .resolution_us = S };

static uint64_t line;

static void
tell(struct model *m, const struct source *src, enum event_type type, uint32_t conn, int64_t at)
{
	struct event ev = event_blank(type);
	struct place place = { .line = ++line };

	ev.src = src;
	ev.conn = conn;
	ev.wall_us = at;
	ev.mono_us = src->run != 0 ? at : INPUT_NO_MONO;
	model_input.event(m, &place, &ev);
}

static void
begin(struct model *m, const struct input_log *log)
{
	line = 0;
	model_init(m);
	model_input.begin(m, 0, log);
}

START_TEST(a_life_has_its_moments_and_lines)
{
	struct model m;

	begin(&m, &wsdiag_log);
	tell(&m, &client, EV_DIAL, 0, 1 * S);
	tell(&m, &client, EV_OPENED, 1, 2 * S);
	tell(&m, &client, EV_LOST, 1, 9 * S);
	ck_assert_uint_eq(m.n_lives, 1);
	ck_assert_uint_eq(m.lives[0].opened.place.line, 2);
	ck_assert_uint_eq(m.lives[0].ended.place.line, 3);
	ck_assert_int_eq(life_age(&m.lives[0]), 7 * S);
	ck_assert(!m.lives[0].is_how_known);
	model_deinit(&m);
}
END_TEST

/* Local time in the hour that comes twice in autumn. */
START_TEST(an_end_that_its_clock_has_before_its_open_tells_no_age)
{
	struct model m;

	begin(&m, &text_log);
	tell(&m, &text_client, EV_OPENED, 0, 7200 * S);
	tell(&m, &text_client, EV_CLOSE, 0, 4000 * S);
	ck_assert_int_eq(life_age(&m.lives[0]), US_UNKNOWN);
	model_deinit(&m);
}
END_TEST

START_TEST(a_sum_of_times_that_no_clock_had_has_a_limit)
{
	int64_t sum = 0;

	for (int i = 0; i < 5000; i++)
		sum = stats_sum(sum, INT64_C(1) << 53);
	ck_assert_int_eq(sum, INT64_C(1) << 52);
	ck_assert_int_eq(stats_sum(2 * S, 3 * S), 5 * S);
}
END_TEST

/* Two in one deep folder are not called the same. */
START_TEST(a_log_is_called_as_it_was_given)
{
	struct input_log log = wsdiag_log;
	char name[2 * MODEL_TEXT_MAX];
	struct model m;

	snprintf(name, sizeof(name), "/%0*d/c.jsonl", MODEL_TEXT_MAX + 9, 0);
	log.name = name;
	begin(&m, &log);
	ck_assert_str_eq(m.logs[0].name, name);
	model_deinit(&m);
}
END_TEST

/* A password that is longer than what is kept of a text is not taken for the rest of one. */
START_TEST(secrets_are_hidden_before_a_text_is_cut)
{
	char text[3 * MODEL_TEXT_MAX];
	struct model m;

	model_init(&m);
	snprintf(text, sizeof(text), "lost ws://u:%0*d@e.org/?token=abc", 2 * MODEL_TEXT_MAX, 7);
	ck_assert_str_eq(model_text(&m, span_of(text)), "lost ws://u:***@e.org/?token=***");
	ck_assert_str_eq(model_text(&m, SPAN_LIT("403 {'set-cookie': 'a=b; Path=/'}")), "403 {'set-cookie': 'a=***; Path=/'}");
	ck_assert_str_eq(model_header(&m, SPAN_LIT("Sec-WebSocket-Protocol"), SPAN_LIT("bearer.abc")), "bearer.***");
	ck_assert_ptr_null(model_text(&m, SPAN_NONE));
	memset(text, 'a', sizeof(text));
	ck_assert_uint_eq(strlen(model_text(&m, (struct span){ text, sizeof(text) })), MODEL_TEXT_MAX);
	model_deinit(&m);
}
END_TEST

START_TEST(what_is_read_twice_counts_once)
{
	struct model m;

	begin(&m, &wsdiag_log);
	for (int i = 0; i < 2; i++) {
		tell(&m, &client, EV_OPENED, 1, 2 * S);
		tell(&m, &client, EV_CLOSE, 1, 9 * S);
	}
	ck_assert_uint_eq(m.n_participants, 1);
	ck_assert_uint_eq(m.n_lives, 1);
	model_deinit(&m);
}
END_TEST

/* A copy of a log, or rotated logs that overlap; a dial of the same number in the same log is another. */
START_TEST(a_dial_that_failed_counts_once_however_often_it_is_read)
{
	struct event ev = event_blank(EV_FAILED);
	struct model m;

	begin(&m, &wsdiag_log);
	ev.src = &client;
	ev.dial = 1;
	ev.wall_us = ev.mono_us = 3 * S;
	for (uint32_t log = 0; log < 3; log++)
		model_input.event(&m, &(struct place){ .log = log, .line = 1 }, &ev);
	ck_assert_uint_eq(m.n_failed, 1);
	ev.dial = 2;
	ev.mono_us = 4 * S;
	model_input.event(&m, &(struct place){ .log = 2, .line = 2 }, &ev);
	ck_assert_uint_eq(m.n_failed, 2);
	model_deinit(&m);
}
END_TEST

START_TEST(an_end_without_a_number_is_a_clients_newest_and_a_servers_oldest)
{
	struct model m;

	for (int n = 0; n < 2; n++) {
		const struct source *src = n == 0 ? &text_client : &text_server;

		begin(&m, &text_log);
		tell(&m, src, EV_OPENED, 0, 10 * S);
		tell(&m, src, EV_OPENED, 0, 20 * S);
		tell(&m, src, EV_LOST, 0, 30 * S);
		/* on_close behind on_error: the same end again. */
		if (n == 0)
			tell(&m, src, EV_CLOSE, 0, 30 * S);
		ck_assert_uint_eq(m.n_lives, 2);
		ck_assert_int_eq(moment_is_known(&m.lives[0].ended), n == 1);
		ck_assert_int_eq(moment_is_known(&m.lives[1].ended), n == 0);
		ck_assert_int_eq(m.lives[0].is_end_implied, n == 0);
		model_deinit(&m);
	}
}
END_TEST

START_TEST(a_clock_without_a_date_goes_on_past_midnight)
{
	struct model m;

	begin(&m, &text_log);
	tell(&m, &text_client, EV_OPENED, 0, 86399 * S);
	tell(&m, &text_client, EV_CLOSE, 0, 1 * S);
	ck_assert_int_eq(life_age(&m.lives[0]), 2 * S);
	model_deinit(&m);
}
END_TEST

START_TEST(an_end_whose_open_came_before_the_log_has_its_age)
{
	struct event ev = event_blank(EV_CLOSE);
	struct model m;

	begin(&m, &wsdiag_log);
	ev.src = &client;
	ev.conn = 5;
	ev.wall_us = ev.mono_us = 100 * S;
	ev.u.ended.age = 40 * S;
	model_input.event(&m, &(struct place){ .line = 1 }, &ev);
	ck_assert_int_eq(m.lives[0].opened.own_us, 60 * S);
	ck_assert_uint_eq(m.lives[0].opened.place.line, 0);
	model_deinit(&m);
}
END_TEST

START_TEST(more_connections_than_fit_are_counted)
{
	struct model m;

	begin(&m, &wsdiag_log);
	for (uint32_t i = 1; i <= MODEL_LIVES_MAX + 10; i++)
		tell(&m, &client, EV_OPENED, i, i);
	ck_assert_uint_eq(m.n_lives, MODEL_LIVES_MAX);
	ck_assert_uint_eq(m.excess.lives, 10);
	model_deinit(&m);
}
END_TEST

START_TEST(round_trips_are_kept_within_seven_percent)
{
	struct participant *p;
	struct model m;

	begin(&m, &wsdiag_log);
	tell(&m, &client, EV_OPENED, 1, 0);
	for (int i = 1; i <= 1000; i++) {
		struct event ev = event_blank(EV_PONG);

		ev.src = &client;
		ev.conn = 1;
		ev.u.pong.dir = DIR_IN;
		ev.u.pong.rtt = i * 100;
		model_input.event(&m, &(struct place){ .line = 2 }, &ev);
	}
	p = &m.participants[0];
	for (int share = 10; share <= 100; share += 10)
		ck_assert_int_le(llabs(participant_rtt(p, share / 100.0) - share * 1000), share * 72);
	model_deinit(&m);
}
END_TEST

START_TEST(numbers_are_those_of_the_lives)
{
	struct stats stats;
	struct model m;

	begin(&m, &text_log);
	tell(&m, &text_client, EV_OPENED, 0, 0 * S);
	tell(&m, &text_client, EV_LOST, 0, 10 * S);
	tell(&m, &text_client, EV_OPENED, 0, 15 * S);
	tell(&m, &text_client, EV_CLOSE, 0, 35 * S);
	join_model(&m);
	stats_of(&m, 0, &stats);
	ck_assert_uint_eq(stats.opened, 2);
	ck_assert_uint_eq(stats.lost, 1);
	ck_assert_int_eq(stats.down_total, 5 * S);
	ck_assert_int_eq(stats.lifetime.least, 10 * S);
	ck_assert_int_eq(stats.lifetime.most, 20 * S);
	ck_assert_int_eq(stats.rtt_median, US_UNKNOWN);
	model_deinit(&m);
}
END_TEST

/* --- whatever it is told --- */

/* Mostly small, so that things meet; sometimes all that fits. */
static int64_t
any(struct rng *r)
{
	uint64_t v = rng_u64(r);

	switch (v % 8) {
	case 0: return INT64_MAX - (int64_t)(v >> 60);
	case 1: return -INT64_MAX + (int64_t)(v >> 60);
	case 2: return (int64_t)rng_u64(r);
	case 3: return -1;
	default: return (int64_t)(v >> 8) % (100 * S);
	}
}

static struct span
any_text(struct rng *r)
{
	static const char *const texts[] = { "", "a", "\033[2J", "10.0.0.1:80", "half-close both", "\xff\xfe", "acked", "Tue, 15 Nov 1994 08:12:31 GMT" };

	return span_of(texts[rng_u64(r) % ARRAY_LEN(texts)]);
}

static void
fill(struct rng *r, struct event *ev, const struct header_list *headers)
{
	const struct field *f = event_spec(ev->type)->fields;

	for (; f->name != NULL; f++) {
		void *at = (char *)&ev->u + f->offset;

		switch (f->kind) {
		case FIELD_BOOL: *(bool *)at = rng_u64(r) % 2; break;
		case FIELD_INT:
		case FIELD_INT_OR_NULL: *(int *)at = rng_u64(r) % 2 ? 1000 + (int)(rng_u64(r) % 20) : (int)rng_u64(r); break;
		case FIELD_U32: *(uint32_t *)at = (uint32_t)any(r); break;
		case FIELD_U64: *(uint64_t *)at = (uint64_t)any(r); break;
		case FIELD_I64_OR_NULL:
		case FIELD_SECONDS:
		case FIELD_SIGNED_SECONDS: *(int64_t *)at = any(r); break;
		case FIELD_TEXT:
		case FIELD_DATA: *(struct span *)at = any_text(r); break;
		case FIELD_HEADERS: *(struct header_list *)at = *headers; break;
		case FIELD_CAUSE: *(enum cause *)at = (enum cause)(rng_u64(r) % CAUSE_COUNT); break;
		case FIELD_STAGE: *(enum stage *)at = (enum stage)(rng_u64(r) % (STAGE_OPEN + 1)); break;
		case FIELD_PARTY: *(enum party *)at = (enum party)(rng_u64(r) % 3); break;
		case FIELD_DIRECTION: *(enum direction *)at = (enum direction)(rng_u64(r) % 2); break;
		default: break;
		}
	}
	if (ev->type == EV_OPENED)
		ev->u.opened.timing.upgrade = any(r);
}

static void
tell_anything(struct rng *r, struct model *m, uint32_t log, uint64_t n)
{
	struct header date = { SPAN_LIT("Date"), any_text(r) };
	struct header_list headers = { &date, 1 };
	struct source src = { .run = rng_u64(r) % 3, .role = (enum role)(rng_u64(r) % 3), .boot = rng_u64(r) % 2 ? "boot" : NULL };
	struct event ev = event_blank((enum event_type)(rng_u64(r) % EV_TYPE_COUNT));

	ev.src = &src;
	ev.conn = (uint32_t)(rng_u64(r) % 6);
	ev.dial = (uint32_t)(rng_u64(r) % 6);
	ev.leg = (enum leg)(rng_u64(r) % 3);
	ev.session = any_text(r);
	ev.wall_us = any(r);
	ev.mono_us = rng_u64(r) % 4 ? any(r) : INPUT_NO_MONO;
	fill(r, &ev, &headers);
	model_input.event(m, &(struct place){ .log = log, .line = n }, &ev);
}

START_TEST(whatever_logs_say_is_survived_and_what_is_shown_is_safe)
{
	struct buf out CLEANUP(buf_deinit) = { 0 };
	struct library library;
	struct findings f;
	struct view view;
	struct model m;
	struct rng r;

	rng_init_seed(&r, (uint64_t)_i);
	model_init(&m);
	for (uint32_t log = 0; log < 3; log++) {
		struct input_log about = rng_u64(&r) % 2 ? wsdiag_log : text_log;

		about.resolution_us = (int64_t)(rng_u64(&r) % 3) * S;
		model_input.begin(&m, log, &about);
		for (uint64_t n = 1; n <= 60; n++)
			tell_anything(&r, &m, log, n);
		model_input.end(&m, log, &(struct input_counts){ .lines = 60 }, &(struct input_trouble){ .unreadable = 7, .first_unreadable = { 1, 2, 3 } });
	}
	join_model(&m);
	findings_look(&m, &f);
	ck_assert_int_eq(library_parse("websocket-client:1.7", &library, &out), 0);
	view = (struct view){ .m = &m, .f = &f, .as = &library, .as_name = "websocket-client:1.7", .made_us = NO_TIME };
	text_report(&out, &m, &f, &(struct text_options){ .columns = (unsigned)(rng_u64(&r) % 100) });
	page_json(&out, &view);
	page_markdown(&out, &view);
	page_html(&out, &view);
	for (size_t i = 0; i < out.len; i++)
		ck_assert(buf_head(&out)[i] == '\n' || (buf_head(&out)[i] >= ' ' && buf_head(&out)[i] != 0x7f));
	findings_deinit(&f);
	model_deinit(&m);
}
END_TEST

UNIT_LOOP_MAIN("model", 30, a_life_has_its_moments_and_lines, secrets_are_hidden_before_a_text_is_cut, what_is_read_twice_counts_once,
    a_dial_that_failed_counts_once_however_often_it_is_read, a_log_is_called_as_it_was_given,
    an_end_that_its_clock_has_before_its_open_tells_no_age, a_sum_of_times_that_no_clock_had_has_a_limit,
    an_end_without_a_number_is_a_clients_newest_and_a_servers_oldest, a_clock_without_a_date_goes_on_past_midnight,
    an_end_whose_open_came_before_the_log_has_its_age, more_connections_than_fit_are_counted, round_trips_are_kept_within_seven_percent,
    numbers_are_those_of_the_lives, whatever_logs_say_is_survived_and_what_is_shown_is_safe)
