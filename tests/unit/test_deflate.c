/* SPDX-License-Identifier: MIT */
#include "codec/deflate.h"

#include "base/rng.h"

#include "support/unit.h"

#include <string.h>

static const struct deflate_terms plain_terms = { .is_agreed = true, .our_bits = 15, .their_bits = 15 };

static bool
collect(void *arg, const uint8_t *data, size_t n)
{
	buf_append(arg, data, n);
	return true;
}

/* Inflates one message, cut in two. */
static enum inflate_result
inflate_cut(struct inflater *i, struct span in, size_t cut, struct buf *out)
{
	enum inflate_result r = inflater_feed(i, (const uint8_t *)in.p, cut, collect, out);

	if (r == INFLATE_OK)
		r = inflater_feed(i, (const uint8_t *)in.p + cut, in.n - cut, collect, out);
	return r == INFLATE_OK ? inflater_end(i, collect, out) : r;
}

/* RFC 7692 section 7.2.3, and what must be accepted beside it. */
static const struct {
	struct span in;
	const char *out;
} examples[] = {
	{ SPAN_LIT("\xf2\x48\xcd\xc9\xc9\x07\x00"), "Hello" },
	{ SPAN_LIT("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), "Hello" },         /* a stored block */
	{ SPAN_LIT("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), "Hello" },                     /* the final bit is set */
	{ SPAN_LIT("\xf3\x48\xcd\xc9\xc9\x07\x00"), "Hello" },                         /* and nothing behind it */
	{ SPAN_LIT("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), "Hello" }, /* two blocks */
	{ SPAN_LIT("\x00"), "" },
};

START_TEST(the_examples_of_the_rfc_inflate_at_every_cut)
{
	for (size_t r = 0; r < sizeof(examples) / sizeof(examples[0]); r++) {
		for (size_t cut = 0; cut <= examples[r].in.n; cut++) {
			struct inflater *i = inflater_new(&plain_terms);
			struct buf out = { 0 };

			ck_assert_msg(inflate_cut(i, examples[r].in, cut, &out) == INFLATE_OK, "row %zu cut %zu", r, cut);
			ck_span_eq(buf_span(&out), examples[r].out);
			buf_deinit(&out);
			inflater_free(i);
		}
	}
}
END_TEST

START_TEST(a_message_may_refer_to_the_one_before_it_also_behind_a_final_block)
{
	struct inflater *i = inflater_new(&plain_terms);
	struct buf out = { 0 };

	ck_assert_int_eq(inflate_cut(i, SPAN_LIT("\xf2\x48\xcd\xc9\xc9\x07\x00"), 3, &out), INFLATE_OK);
	ck_assert_int_eq(inflate_cut(i, SPAN_LIT("\xf2\x00\x11\x00\x00"), 2, &out), INFLATE_OK);
	ck_span_eq(buf_span(&out), "HelloHello");
	buf_clear(&out);
	ck_assert_int_eq(inflate_cut(i, SPAN_LIT("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), 8, &out), INFLATE_OK);
	ck_assert_int_eq(inflate_cut(i, SPAN_LIT("\xf2\x00\x11\x00\x00"), 5, &out), INFLATE_OK);
	ck_span_eq(buf_span(&out), "HelloHello");
	buf_deinit(&out);
	inflater_free(i);
}
END_TEST

START_TEST(data_that_is_no_deflate_is_told)
{
	static const struct span bad[] = { SPAN_LIT("\xff\xff\xff\xff"), SPAN_LIT("\x06\x01"), SPAN_LIT("\xf2\x00\x11\x00\x00") };

	for (size_t r = 0; r < sizeof(bad) / sizeof(bad[0]); r++) {
		struct inflater *i = inflater_new(&plain_terms);
		struct buf out = { 0 };

		ck_assert_msg(inflate_cut(i, bad[r], 1, &out) == INFLATE_BAD, "row %zu", r);
		buf_deinit(&out);
		inflater_free(i);
	}
}
END_TEST

struct limit {
	size_t got, most;
};

static bool
count_to_limit(void *arg, const uint8_t *data UNUSED, size_t n)
{
	struct limit *l = arg;

	ck_assert_uint_le(n, DEFLATE_PART);
	l->got += n;
	return l->got <= l->most;
}

START_TEST(a_bomb_is_stopped_by_who_counts)
{
	struct deflater *d = deflater_new(&plain_terms);
	struct inflater *i = inflater_new(&plain_terms);
	struct buf bomb = { 0 };
	struct limit l = { .most = 100000 };
	uint8_t *zeros = xcalloc(1, 64 << 20);

	deflater_feed(d, zeros, 64 << 20, true, &bomb);
	ck_assert_uint_lt(bomb.len, 100000);
	ck_assert_int_eq(inflater_feed(i, buf_head(&bomb), bomb.len, count_to_limit, &l), INFLATE_STOPPED);
	ck_assert_uint_lt(l.got, 100000 + DEFLATE_PART + 1);
	free(zeros);
	buf_deinit(&bomb);
	inflater_free(i);
	deflater_free(d);
}
END_TEST

/* Messages of all sizes, in parts, with and without takeover and with small windows: what comes out is what went in. */
START_TEST(what_is_deflated_inflates_again)
{
	struct rng rng;

	rng_init_seed(&rng, 7692);
	for (int round = 0; round < 60; round++) {
		struct deflate_terms terms = { .is_agreed = true, .we_reset = round & 1, .their_bits = 9 + round % 7, .our_bits = 9 + round % 7 };
		terms.they_reset = terms.we_reset;
		struct deflater *d = deflater_new(&terms);
		struct inflater *i = inflater_new(&terms);

		for (int message = 0; message < 20; message++) {
			struct buf in = { 0 }, packed = { 0 }, out = { 0 };
			size_t n = message == 3 || message == 4 ? 0 : rng_u64(&rng) % (message == 7 ? 300000 : 2000), at = 0;

			for (size_t k = 0; k < n; k++)
				buf_putc(&in, (char)(rng_u64(&rng) % 5 == 0 ? rng_u64(&rng) : 'a'));
			do {
				size_t part = n > at ? rng_u64(&rng) % (n - at) + 1 : 0;

				deflater_feed(d, n > 0 ? buf_head(&in) + at : NULL, part, at + part == n, &packed);
				at += part;
			} while (at < n);
			ck_assert_int_eq(inflate_cut(i, buf_span(&packed), packed.len / 2, &out), INFLATE_OK);
			ck_assert_uint_eq(out.len, n);
			ck_assert(n == 0 || memcmp(buf_head(&out), buf_head(&in), n) == 0);
			buf_deinit(&in);
			buf_deinit(&packed);
			buf_deinit(&out);
		}
		deflater_free(d);
		inflater_free(i);
	}
}
END_TEST

static const struct {
	const char *answer;
	bool ok, we_reset, they_reset;
	int our_bits, their_bits;
} answers[] = {
	{ "permessage-deflate", true, false, false, 15, 15 },
	{ "Permessage-Deflate ; server_no_context_takeover", true, false, true, 15, 15 },
	{ "permessage-deflate; client_no_context_takeover; client_max_window_bits=10", true, true, false, 10, 15 },
	{ "permessage-deflate; server_max_window_bits=\"9\"", true, false, false, 15, 9 },
	{ "permessage-deflate; client_max_window_bits", false, false, false, 0, 0 },
	{ "permessage-deflate; server_max_window_bits=7", false, false, false, 0, 0 },
	{ "permessage-deflate; server_max_window_bits=16", false, false, false, 0, 0 },
	{ "permessage-deflate; server_no_context_takeover=1", false, false, false, 0, 0 },
	{ "permessage-deflate; server_no_context_takeover; server_no_context_takeover", false, false, false, 0, 0 },
	{ "permessage-deflate; x", false, false, false, 0, 0 },
	{ "permessage-deflate, permessage-deflate", false, false, false, 0, 0 },
	{ "x-webkit-deflate-frame", false, false, false, 0, 0 },
};

START_TEST(a_client_takes_only_answers_to_what_it_offered)
{
	for (size_t r = 0; r < sizeof(answers) / sizeof(answers[0]); r++) {
		struct deflate_terms t = { 0 };
		struct buf error = { 0 };

		ck_assert_msg(deflate_judge_answer(span_of(answers[r].answer), &t, &error) == answers[r].ok, "%s", answers[r].answer);
		ck_assert(t.is_agreed == answers[r].ok && t.we_reset == answers[r].we_reset && t.they_reset == answers[r].they_reset);
		ck_assert(t.our_bits == answers[r].our_bits && t.their_bits == answers[r].their_bits);
		ck_assert((error.len > 0) == !answers[r].ok);
		buf_deinit(&error);
	}
}
END_TEST

static const struct {
	const char *offers, *answer; /* NULL: none is taken */
} offers[] = {
	{ DEFLATE_OFFER, "permessage-deflate" },
	{ "permessage-deflate", "permessage-deflate" },
	{ "x-other; a=b, permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover" },
	{ "permessage-deflate; client_no_context_takeover; server_max_window_bits=12", "permessage-deflate; client_no_context_takeover; server_max_window_bits=12" },
	{ "permessage-deflate; server_max_window_bits=8, permessage-deflate", "permessage-deflate" },
	{ "permessage-deflate; unknown", NULL },
	{ "x-webkit-deflate-frame", NULL },
	{ "", NULL },
};

START_TEST(a_server_takes_the_first_offer_it_understands)
{
	for (size_t r = 0; r < sizeof(offers) / sizeof(offers[0]); r++) {
		struct deflate_terms t = { 0 };
		struct buf answer = { 0 };

		ck_assert_msg(deflate_accept(span_of(offers[r].offers), &t, &answer) == (offers[r].answer != NULL), "%s", offers[r].offers);
		ck_assert_str_eq(buf_cstr(&answer), offers[r].answer != NULL ? offers[r].answer : "");
		buf_deinit(&answer);
	}
}
END_TEST

UNIT_MAIN("deflate", the_examples_of_the_rfc_inflate_at_every_cut, a_message_may_refer_to_the_one_before_it_also_behind_a_final_block,
    data_that_is_no_deflate_is_told, a_bomb_is_stopped_by_who_counts, what_is_deflated_inflates_again, a_client_takes_only_answers_to_what_it_offered,
    a_server_takes_the_first_offer_it_understands)
