/* SPDX-License-Identifier: MIT */
#include "log/journal.h"

#include "support/unit.h"

#include <stdio.h>
#include <string.h>

static int64_t
fixed_mono(const struct clock *c)
{
	(void)c;
	return 5000000;
}

static int64_t
fixed_wall(const struct clock *c)
{
	(void)c;
	return INT64_C(1772662382071042);
}

static const struct clock fixed = { fixed_mono, fixed_wall };

struct recorder {
	struct sink base;
	unsigned n, freed;
	struct event last;
	char text[256];
	unsigned *freed_total;
};

static void
record(struct sink *s, const struct event *ev)
{
	struct recorder *r = container_of(s, struct recorder, base);

	r->n++;
	r->last = *ev;
	if (ev->type == EV_NOTE)
		snprintf(r->text, sizeof(r->text), "%.*s", (int)ev->u.note.text.n, ev->u.note.text.p);
}

static void
count_free(struct sink *s)
{
	++*container_of(s, struct recorder, base)->freed_total;
}

START_TEST(events_go_to_the_sinks_that_want_them)
{
	unsigned freed = 0;
	struct recorder notes = { .base = { record, count_free, EVENT_BIT(EV_NOTE), { 0 } }, .freed_total = &freed };
	struct recorder all = { .base = { record, count_free, EVENT_ALL & ~EVENT_BIT(EV_FRAME), { 0 } }, .freed_total = &freed };
	struct journal j;

	journal_init(&j, ROLE_SERVER, 7, &fixed);
	ck_assert(!journal_wants(&j, EV_NOTE));
	journal_note(&j, "nobody listens");
	journal_add(&j, &notes.base);
	journal_add(&j, &all.base);
	ck_assert(journal_wants(&j, EV_NOTE));
	ck_assert(!journal_wants(&j, EV_FRAME));
	journal_note(&j, "%d of %s", 3, "them");
	journal_emit(&j, &(struct event){ .type = EV_DIAL });
	journal_emit(&j, &(struct event){ .type = EV_FRAME });
	ck_assert_uint_eq(notes.n, 1);
	ck_assert_uint_eq(all.n, 2);
	ck_assert_str_eq(notes.text, "3 of them");
	ck_assert_int_eq(all.last.src->role, ROLE_SERVER);
	ck_assert_uint_eq(all.last.src->run, 7);
	journal_deinit(&j);
	ck_assert_uint_eq(freed, 2);
}
END_TEST

START_TEST(an_event_timed_earlier_has_an_earlier_wall_time)
{
	unsigned freed = 0;
	struct recorder r = { .base = { record, count_free, EVENT_ALL, { 0 } }, .freed_total = &freed };
	struct journal j;

	journal_init(&j, ROLE_CLIENT, 7, &fixed);
	journal_add(&j, &r.base);
	journal_emit(&j, &(struct event){ .type = EV_DIAL });
	ck_assert_int_eq(r.last.mono_us, 5000000);
	ck_assert_int_eq(r.last.wall_us, INT64_C(1772662382071042));
	journal_emit(&j, &(struct event){ .type = EV_DIAL, .mono_us = 4000000 });
	ck_assert_int_eq(r.last.mono_us, 4000000);
	ck_assert_int_eq(r.last.wall_us, INT64_C(1772662381071042));
	journal_deinit(&j);
}
END_TEST

UNIT_MAIN("journal", events_go_to_the_sinks_that_want_them, an_event_timed_earlier_has_an_earlier_wall_time)
