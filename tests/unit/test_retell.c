/* SPDX-License-Identifier: MIT */
#include "report/retell.h"

#include "base/clock.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

struct listening {
	struct findings told;
	struct buf text;
};

static void
on_retold(void *arg, enum retold what, const struct finding *f)
{
	static const char *const words[] = { [RETOLD_NEW] = "new", [RETOLD_REVISED] = "revised", [RETOLD_WITHDRAWN] = "withdrawn" };
	struct listening *s = arg;

	buf_printf(&s->text, "%s %s %s; ", words[what], finding_spec(f->kind)->name, f->text);
}

static struct sample
sample_of(uint32_t life, uint32_t log, uint64_t line)
{
	return (struct sample){ .life = life, .other = NO_INDEX, .failed = NO_INDEX, .from_us = 0, .to_us = NO_TIME, .places = { { .log = log, .line = line } } };
}

/* Of a single sample, of a connection and a line. */
static struct finding *
add(struct findings *f, enum finding_kind kind, const char *text, struct sample sample)
{
	f->items = xrealloc(f->items, (f->n + 1) * sizeof(*f->items));
	f->items[f->n] = (struct finding){
		.kind = kind, .confidence = CONFIDENCE_LIKELY, .n_samples = 1, .n_kept = 1, .from_us = 100 * US_PER_S, .to_us = NO_TIME, .text = xstrdup(text) };
	f->items[f->n].samples = xcalloc(2, sizeof(sample));
	f->items[f->n].samples[0] = sample;
	return &f->items[f->n++];
}

static void
add_sample(struct finding *f, struct sample sample)
{
	f->samples[f->n_kept++] = sample;
	f->n_samples++;
}

static void
expect(struct listening *s, struct findings *now, const char *text)
{
	uint32_t n = now->n;

	buf_clear(&s->text);
	retell(&s->told, now, on_retold, s);
	ck_assert_str_eq(buf_cstr(&s->text), text);
	ck_assert_uint_eq(s->told.n, n);
	ck_assert_uint_eq(now->n, 0);
}

static void
listening_deinit(struct listening *s)
{
	findings_deinit(&s->told);
	buf_deinit(&s->text);
}

START_TEST(a_finding_is_told_once_and_its_end_too)
{
	struct listening s = { 0 };
	struct findings now = { 0 };

	expect(&s, &now, "");
	add(&now, FINDING_OVERLAP, "a", sample_of(1, 0, 5));
	expect(&s, &now, "new OVERLAP a; ");
	add(&now, FINDING_OVERLAP, "a", sample_of(1, 0, 5));
	expect(&s, &now, "");
	expect(&s, &now, "withdrawn OVERLAP a; ");
	expect(&s, &now, "");
	listening_deinit(&s);
}
END_TEST

START_TEST(findings_are_matched_by_subject_and_not_by_their_order)
{
	struct listening s = { 0 };
	struct findings now = { 0 };

	add(&now, FINDING_LOSS, "one", sample_of(1, 0, 5));
	add(&now, FINDING_LOSS, "two", sample_of(2, 0, 9));
	expect(&s, &now, "new LOSS one; new LOSS two; ");
	add(&now, FINDING_OVERLAP, "before", sample_of(1, 0, 5));
	add(&now, FINDING_LOSS, "two", sample_of(2, 0, 9));
	add(&now, FINDING_LOSS, "one", sample_of(1, 0, 5));
	expect(&s, &now, "new OVERLAP before; ");
	/* Another connection, and no line in common: another finding. */
	add(&now, FINDING_OVERLAP, "before", sample_of(3, 0, 5));
	add(&now, FINDING_LOSS, "three", sample_of(3, 0, 10));
	add(&now, FINDING_LOSS, "one", sample_of(1, 0, 5));
	expect(&s, &now, "withdrawn LOSS two; new LOSS three; ");
	listening_deinit(&s);
}
END_TEST

START_TEST(a_subject_is_a_connection_a_line_or_a_failed_dial)
{
	struct listening s = { 0 };
	struct findings now = { 0 };
	struct sample dial = sample_of(NO_INDEX, 0, 0);

	dial.failed = 4;
	add(&now, FINDING_LOSS, "a", sample_of(1, 0, 5));
	add(&now, FINDING_REFUSED, "b", dial);
	expect(&s, &now, "new LOSS a; new REFUSED b; ");
	/* The far end's log came, and says more of the same connection. */
	add(&now, FINDING_LOSS, "a", sample_of(1, 1, 7));
	add(&now, FINDING_REFUSED, "b", dial);
	expect(&s, &now, "revised LOSS a; ");
	/* The same line, by another end. */
	add(&now, FINDING_LOSS, "c", sample_of(8, 1, 7));
	dial.failed = 5;
	add(&now, FINDING_REFUSED, "b", dial);
	expect(&s, &now, "withdrawn REFUSED b; revised LOSS c; new REFUSED b; ");
	/* Line 7, but of another log. */
	add(&now, FINDING_LOSS, "c", sample_of(9, 0, 7));
	add(&now, FINDING_REFUSED, "b", dial);
	expect(&s, &now, "withdrawn LOSS c; new LOSS c; ");
	listening_deinit(&s);
}
END_TEST

START_TEST(of_several_the_one_with_most_in_common_is_the_same)
{
	struct listening s = { 0 };
	struct findings now = { 0 };

	add(&now, FINDING_LOSS, "few", sample_of(1, 0, 1));
	add_sample(add(&now, FINDING_LOSS, "many", sample_of(2, 0, 2)), sample_of(3, 0, 3));
	expect(&s, &now, "new LOSS few; new LOSS many; ");
	add_sample(add(&now, FINDING_LOSS, "many", sample_of(2, 0, 2)), sample_of(3, 0, 3));
	add(&now, FINDING_LOSS, "few", sample_of(1, 0, 1));
	expect(&s, &now, "");
	listening_deinit(&s);
}
END_TEST

static struct finding *
again(struct findings *now)
{
	return add(now, FINDING_OVERLAP, "a", sample_of(1, 0, 5));
}

START_TEST(every_change_of_what_it_says_is_a_revision)
{
	for (int what = 0; what < 8; what++) {
		struct listening s = { 0 };
		struct findings now = { 0 };
		struct finding *f;

		again(&now);
		expect(&s, &now, "new OVERLAP a; ");
		f = again(&now);
		switch (what) {
		case 0: f->confidence = CONFIDENCE_CERTAIN; break;
		case 1: f->to_us = 110 * US_PER_S; break;
		case 2: f->from_us += US_PER_S; break;
		case 3: f->is_before = true; break;
		case 4: f->advice = xstrdup("other"); break;
		case 5: f->n_samples = 2; break;
		case 6: f->samples[0].places[1] = (struct place){ .log = 1, .line = 2 }; break;
		default: add_sample(f, sample_of(2, 0, 9)); break;
		}
		expect(&s, &now, "revised OVERLAP a; ");
		listening_deinit(&s);
	}
}
END_TEST

START_TEST(small_moves_are_not_told_until_they_add_up)
{
	struct listening s = { 0 };
	struct findings now = { 0 };

	again(&now);
	expect(&s, &now, "new OVERLAP a; ");
	again(&now)->from_us += 600 * US_PER_MS;
	expect(&s, &now, "");
	again(&now)->from_us += 1200 * US_PER_MS;
	expect(&s, &now, "revised OVERLAP a; ");
	listening_deinit(&s);
}
END_TEST

static struct finding *
often(struct findings *now, uint32_t n, int64_t last_us)
{
	struct finding *f = again(now);

	f->n_samples = n;
	f->to_us = f->from_us + last_us;
	return f;
}

START_TEST(what_only_happens_more_often_is_told_seldom)
{
	struct listening s = { 0 };
	struct findings now = { 0 };

	often(&now, 3, 0);
	expect(&s, &now, "new OVERLAP a; ");
	often(&now, 4, 10 * US_PER_S);
	expect(&s, &now, "");
	often(&now, 5, 20 * US_PER_S);
	expect(&s, &now, "");
	often(&now, 6, 30 * US_PER_S);
	expect(&s, &now, "revised OVERLAP a; ");
	often(&now, 7, 40 * US_PER_S);
	expect(&s, &now, "");
	often(&now, 8, 89 * US_PER_S);
	expect(&s, &now, "");
	often(&now, 9, 90 * US_PER_S);
	expect(&s, &now, "revised OVERLAP a; ");
	/* Once more, and of another kind of sureness: that is news. */
	often(&now, 10, 91 * US_PER_S)->confidence = CONFIDENCE_CERTAIN;
	expect(&s, &now, "revised OVERLAP a; ");
	/* Less often: clocks or logs tell otherwise now. */
	often(&now, 9, 90 * US_PER_S)->confidence = CONFIDENCE_CERTAIN;
	expect(&s, &now, "revised OVERLAP a; ");
	listening_deinit(&s);
}
END_TEST

UNIT_MAIN("retell", a_finding_is_told_once_and_its_end_too, findings_are_matched_by_subject_and_not_by_their_order,
    a_subject_is_a_connection_a_line_or_a_failed_dial, of_several_the_one_with_most_in_common_is_the_same, every_change_of_what_it_says_is_a_revision,
    small_moves_are_not_told_until_they_add_up, what_only_happens_more_often_is_told_seldom)
