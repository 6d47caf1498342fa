/* SPDX-License-Identifier: MIT */
#include "connect/outbox.h"

#include "base/rng.h"

#include "support/unit.h"

#include <limits.h>
#include <string.h>

/* A connection: positions are bytes of payload. */
struct wire {
	struct buf text;
	uint64_t position;
	unsigned room; /* messages it takes */
};

static bool
put(void *arg, uint8_t opcode, struct span data, bool last, uint64_t *ret_position)
{
	struct wire *w = arg;

	if (w->room == 0)
		return false;
	w->room--;
	buf_printf(&w->text, "%u:%.*s%s ", opcode, (int)data.n, data.p != NULL ? data.p : "", last ? "." : "");
	*ret_position = w->position += data.n;
	return true;
}

static const char *
resent_to(struct outbox *o, unsigned room)
{
	static struct wire w;

	buf_clear(&w.text);
	w.position = 0;
	w.room = room;
	outbox_resend(o, put, &w);
	return buf_cstr(&w.text);
}

static const char *
resent(struct outbox *o)
{
	return resent_to(o, UINT_MAX);
}

START_TEST(what_was_not_handed_over_goes_out_again_whole)
{
	struct outbox o;

	outbox_init(&o, 100);
	ck_assert(outbox_add(&o, 1, "one", 3, true));
	outbox_sent(&o, 9);
	ck_assert(outbox_add(&o, 1, "two", 3, true));
	outbox_sent(&o, 18);
	ck_assert(outbox_add(&o, 2, "three", 5, true));
	outbox_sent(&o, 29);
	outbox_handed(&o, 17);
	outbox_cut(&o);
	ck_assert_str_eq(resent(&o), "1:two. 2:three. ");
	outbox_handed(&o, 8);
	ck_assert_uint_eq(outbox_bytes(&o), 0);
	outbox_deinit(&o);
}
END_TEST

START_TEST(a_connection_may_be_lost_in_the_middle_of_the_second_try)
{
	struct outbox o;

	outbox_init(&o, 100);
	ck_assert(outbox_add(&o, 1, "one", 3, true));
	ck_assert(outbox_add(&o, 1, "", 0, true));
	ck_assert(outbox_add(&o, 1, "two", 3, true));
	ck_assert(outbox_add(&o, 1, "three", 5, true));
	ck_assert_str_eq(resent_to(&o, 3), "1:one. 1:. 1:two. ");
	outbox_handed(&o, 5);
	outbox_cut(&o);
	ck_assert_str_eq(resent_to(&o, 1), "1:two. ");
	outbox_handed(&o, 3);
	ck_assert_str_eq(resent(&o), "1:three. ");
	outbox_handed(&o, 11);
	ck_assert(outbox_is_empty(&o));
	outbox_deinit(&o);
}
END_TEST

START_TEST(a_message_cut_in_its_middle_begins_again_and_goes_on)
{
	struct outbox o;

	outbox_init(&o, 100);
	ck_assert(outbox_add(&o, 1, "be", 2, false));
	outbox_sent(&o, 5);
	outbox_handed(&o, 5); /* the first part is: the message is not */
	outbox_cut(&o);
	ck_assert_str_eq(resent(&o), "1:be ");
	outbox_sent(&o, 4);
	ck_assert(outbox_add(&o, 1, "gin", 3, true));
	outbox_cut(&o);
	ck_assert_str_eq(resent(&o), "1:begin. ");
	outbox_deinit(&o);
}
END_TEST

START_TEST(a_message_too_long_to_keep_is_skipped_once_it_is_cut)
{
	struct outbox o;

	outbox_init(&o, 4);
	ck_assert(outbox_add(&o, 1, "abcd", 4, false));
	outbox_sent(&o, 6);
	ck_assert(outbox_add(&o, 1, "efgh", 4, false)); /* goes out, but is kept no more */
	outbox_sent(&o, 12);
	outbox_cut(&o);
	ck_assert_uint_eq(o.lost, 1);
	ck_assert_str_eq(resent(&o), "");
	ck_assert(!outbox_add(&o, 1, "ijkl", 4, false));
	ck_assert(!outbox_add(&o, 1, "mn", 2, true));
	ck_assert(outbox_add(&o, 1, "new", 3, true));
	ck_assert_str_eq(resent(&o), "1:new. ");
	outbox_deinit(&o);
}
END_TEST

START_TEST(a_long_message_that_was_complete_but_not_handed_over_is_lost)
{
	struct outbox o;

	outbox_init(&o, 4);
	ck_assert(outbox_add(&o, 1, "abcdefgh", 8, true));
	outbox_sent(&o, 10);
	ck_assert(outbox_add(&o, 1, "x", 1, true));
	outbox_sent(&o, 13);
	outbox_handed(&o, 9);
	outbox_cut(&o);
	ck_assert_uint_eq(o.lost, 1);
	ck_assert_str_eq(resent(&o), "1:x. ");
	ck_assert(outbox_add(&o, 1, "y", 1, true)); /* nothing of it is left to skip */
	outbox_deinit(&o);
}
END_TEST

START_TEST(a_long_message_that_was_handed_over_is_not)
{
	struct outbox o;

	outbox_init(&o, 4);
	ck_assert(outbox_add(&o, 1, "abcdefgh", 8, true));
	outbox_sent(&o, 10);
	outbox_handed(&o, 10);
	outbox_cut(&o);
	ck_assert_uint_eq(o.lost, 0);
	outbox_deinit(&o);
}
END_TEST

/* Messages are numbered; connections are cut anywhere; every message must have come out complete exactly once more than it was handed over, in order. */
START_TEST(random_losses_lose_and_double_nothing)
{
	struct rng rng;
	struct outbox o;
	unsigned next = 0, done = 0;
	uint64_t position = 0;

	rng_init_seed(&rng, 5);
	outbox_init(&o, 100);
	for (int step = 0; step < 20000; step++) {
		switch (rng_u64(&rng) % 4) {
		case 0:
		case 1: {
			unsigned number = next++;

			ck_assert(outbox_add(&o, 1, &number, sizeof(number), true));
			position += sizeof(number);
			outbox_sent(&o, position);
			break;
		}
		case 2: {
			/* All below some position is handed over: whole messages only, as positions are theirs. */
			uint64_t handed = position - rng_u64(&rng) % (outbox_bytes(&o) + 1);
			size_t before = outbox_bytes(&o);

			outbox_handed(&o, handed);
			done += (unsigned)((before - outbox_bytes(&o)) / sizeof(unsigned));
			break;
		}
		case 3:
			if (rng_u64(&rng) % 8 != 0)
				break;
			outbox_cut(&o);
			resent(&o);
			position = outbox_bytes(&o);
			break;
		}
		ck_assert_uint_eq(outbox_bytes(&o), (next - done) * sizeof(unsigned));
		if (o.n > 0) {
			unsigned oldest;

			memcpy(&oldest, buf_head(&o.bytes), sizeof(oldest));
			ck_assert_uint_eq(oldest, done);
		}
	}
	ck_assert_uint_lt(o.cap, 20000);
	outbox_deinit(&o);
}
END_TEST

UNIT_MAIN("outbox", what_was_not_handed_over_goes_out_again_whole,
    a_connection_may_be_lost_in_the_middle_of_the_second_try, a_message_cut_in_its_middle_begins_again_and_goes_on,
    a_message_too_long_to_keep_is_skipped_once_it_is_cut, a_long_message_that_was_complete_but_not_handed_over_is_lost,
    a_long_message_that_was_handed_over_is_not, random_losses_lose_and_double_nothing)
