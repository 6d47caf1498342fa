/* SPDX-License-Identifier: MIT */
#include "fault/flow.h"

#include "base/clock.h"

#include "support/frames.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

/* The two ends of a flow: what it told, and what came out. room limits what one put takes. */
struct ends {
	struct flow f;
	struct rng rng;
	struct buf out, told;
	size_t room;
	bool wants_payload;
	const char *swallows;    /* frames whose payload is this */
	uint8_t swallows_opcode; /* or that have this opcode */
	size_t biggest;          /* put */
};

static enum flow_verdict
on_frame(void *arg, const struct frame *f, struct span payload, const enum frame_rule *broken)
{
	struct ends *e = arg;

	buf_printf(&e->told, "%u:%u%s ", f->opcode, (unsigned)f->length, *broken != RULE_NONE ? "!" : "");
	if (e->swallows != NULL && span_eq(payload, e->swallows))
		return FLOW_SWALLOW;
	return e->swallows_opcode != 0 && f->opcode == e->swallows_opcode ? FLOW_SWALLOW : FLOW_PASS;
}

static bool
on_wants(void *arg)
{
	return ((struct ends *)arg)->wants_payload;
}

static void
on_control(void *arg, const struct frame *f UNUSED, struct span payload)
{
	buf_printf(&((struct ends *)arg)->told, "control(%.*s) ", (int)payload.n, payload.p);
}

static void
on_message(void *arg, uint8_t opcode, uint64_t length)
{
	buf_printf(&((struct ends *)arg)->told, "message(%u,%u) ", opcode, (unsigned)length);
}

static void
on_payload(void *arg UNUSED, uint64_t n UNUSED)
{
}

static void
on_truncated(void *arg)
{
	buf_puts(&((struct ends *)arg)->told, "cut ");
}

static size_t
on_put(void *arg, const struct iovec *iov, int n)
{
	struct ends *e = arg;
	size_t taken = 0;

	for (int i = 0; i < n; i++) {
		size_t k = MIN(iov[i].iov_len, e->room - taken);

		buf_append(&e->out, iov[i].iov_base, k);
		taken += k;
	}
	e->biggest = MAX(e->biggest, taken);
	return taken;
}

static const struct flow_events up = { on_frame, on_wants, on_control, on_message, on_payload, on_truncated, on_put };

static void
begin(struct ends *e, enum frame_sender sender)
{
	memset(e, 0, sizeof(*e));
	e->room = SIZE_MAX;
	rng_init_seed(&e->rng, 1);
	flow_init(&e->f, sender, &e->rng, &up, e);
}

static void
finish(struct ends *e)
{
	flow_deinit(&e->f);
	buf_deinit(&e->out);
	buf_deinit(&e->told);
}

/* A hello, a fragmented message with a ping between, a long one, a Close. */
static void
put_conversation(struct buf *b, bool from_client)
{
	char body[300];

	memset(body, 'x', sizeof(body));
	put_frame_text(b, from_client, 0x81, "hello");
	put_frame_text(b, from_client, 0x01, "one");
	put_frame_text(b, from_client, 0x89, "pp");
	put_frame_text(b, from_client, 0x80, "two");
	put_raw_frame(b, from_client, &(struct raw_frame){ .first = 0x82, .data = body, .n = sizeof(body) });
	put_frame_text(b, from_client, 0x81, "");
	put_frame_text(b, from_client, 0x88, "\x03\xe8" "bye");
}

static const char conversation[] = "1:5 message(1,5) 1:3 9:2 control(pp) 0:3 message(1,6) 2:300 message(2,300) 1:0 message(1,0) 8:5 control(\x03\xe8" "bye) ";

static void
feed_cut(struct ends *e, const struct buf *b, size_t first, int64_t now)
{
	uint8_t *copy = xmalloc(b->len + 1);

	memcpy(copy, buf_head(b), b->len);
	if (first > 0)
		flow_feed(&e->f, copy, first, now);
	if (b->len > first)
		flow_feed(&e->f, copy + first, b->len - first, now);
	free(copy);
}

START_TEST(bytes_pass_unchanged_and_frames_are_told_wherever_reads_are_cut)
{
	for (int from_client = 0; from_client < 2; from_client++) {
		for (int wants = 0; wants < 2; wants++) {
			struct buf b = { 0 };

			put_conversation(&b, from_client);
			for (size_t cut = 0; cut <= b.len; cut++) {
				struct ends e;

				begin(&e, from_client ? FROM_CLIENT : FROM_SERVER);
				e.wants_payload = wants;
				feed_cut(&e, &b, cut, 0);
				ck_assert_uint_eq(e.out.len, b.len);
				ck_assert(memcmp(buf_head(&e.out), buf_head(&b), b.len) == 0);
				ck_assert_str_eq(buf_cstr(&e.told), conversation);
				ck_assert_uint_eq(e.f.messages, 4);
				ck_assert_uint_eq(e.f.bytes, 311);
				finish(&e);
			}
			buf_deinit(&b);
		}
	}
}
END_TEST

START_TEST(a_blocked_output_keeps_the_rest_in_order)
{
	struct buf b = { 0 };
	struct ends e;

	put_conversation(&b, true);
	begin(&e, FROM_CLIENT);
	e.room = 7;
	feed_cut(&e, &b, 20, 0);
	ck_assert(flow_is_blocked(&e.f));
	while (!flow_is_empty(&e.f))
		flow_flush(&e.f, 0);
	ck_assert_uint_eq(e.out.len, b.len);
	ck_assert(memcmp(buf_head(&e.out), buf_head(&b), b.len) == 0);
	finish(&e);
	buf_deinit(&b);
}
END_TEST

START_TEST(a_swallowed_frame_leaves_no_trace_wherever_reads_are_cut)
{
	struct buf b = { 0 }, expected = { 0 };

	put_frame_text(&b, true, 0x81, "keep");
	put_frame_text(&b, true, 0x81, "secret");
	put_frame_text(&b, true, 0x89, "p");
	put_frame_text(&b, true, 0x81, "keep too");
	put_frame_text(&expected, true, 0x81, "keep");
	put_frame_text(&expected, true, 0x81, "keep too");
	for (size_t cut = 0; cut <= b.len; cut++) {
		struct ends e;

		begin(&e, FROM_CLIENT);
		e.wants_payload = true;
		e.swallows = "secret";
		e.swallows_opcode = OP_PING;
		feed_cut(&e, &b, cut, 0);
		ck_assert_uint_eq(e.out.len, expected.len);
		ck_assert(memcmp(buf_head(&e.out), buf_head(&expected), expected.len) == 0);
		ck_assert(strstr(buf_cstr(&e.told), "control(p)") != NULL);
		finish(&e);
	}
	buf_deinit(&b);
	buf_deinit(&expected);
}
END_TEST

/* At each point of a stream of frames: what is injected stands between two of them. */
START_TEST(a_frame_of_our_own_stands_at_a_boundary_and_nothing_follows_a_close)
{
	struct buf b = { 0 }, close = { 0 };
	size_t frames[3];

	put_frame_text(&b, false, 0x81, "first");
	frames[0] = b.len;
	put_frame_text(&b, false, 0x81, "");
	frames[1] = b.len;
	put_frame_text(&b, false, 0x82, "second");
	frames[2] = b.len;
	put_frame_text(&close, false, 0x88, "\x03\xe9");
	for (size_t cut = 0; cut <= b.len; cut++) {
		uint8_t *copy = xmalloc(b.len);
		size_t before = 0;
		struct ends e;

		memcpy(copy, buf_head(&b), b.len);
		begin(&e, FROM_SERVER);
		if (cut > 0)
			flow_feed(&e.f, copy, cut, 0);
		flow_inject(&e.f, buf_span(&close), true, 0);
		if (cut < b.len)
			flow_feed(&e.f, copy + cut, b.len - cut, 0);
		/* A header of which a part has come is not under way yet. */
		for (size_t i = 0; i < 3; i++)
			if (cut >= frames[i] || cut >= (i == 0 ? 0 : frames[i - 1]) + 2)
				before = MAX(before, cut > (i == 0 ? 0 : frames[i - 1]) ? frames[i] : 0);
		ck_assert_uint_eq(e.out.len, before + close.len);
		ck_assert(memcmp(buf_head(&e.out), buf_head(&b), before) == 0);
		ck_assert(memcmp(buf_head(&e.out) + before, buf_head(&close), close.len) == 0);
		finish(&e);
		free(copy);
	}
	buf_deinit(&b);
	buf_deinit(&close);
}
END_TEST

START_TEST(a_truncated_frame_goes_out_in_half_and_nothing_after_it)
{
	struct buf b = { 0 };

	put_frame_text(&b, false, 0x81, "whole");
	put_frame_text(&b, false, 0x81, "halfhalf");
	put_frame_text(&b, false, 0x81, "after");
	for (size_t cut = 7; cut <= b.len; cut++) {
		uint8_t *copy = xmalloc(b.len);
		struct ends e;

		memcpy(copy, buf_head(&b), b.len);
		begin(&e, FROM_SERVER);
		flow_feed(&e.f, copy, 7, 0);
		e.f.truncates = true;
		if (cut > 7)
			flow_feed(&e.f, copy + 7, cut - 7, 0);
		if (cut < b.len)
			flow_feed(&e.f, copy + cut, b.len - cut, 0);
		ck_assert_uint_eq(e.out.len, 7 + 2 + 4);
		ck_assert(memcmp(buf_head(&e.out), buf_head(&b), e.out.len) == 0);
		ck_assert(strstr(buf_cstr(&e.told), "cut ") != NULL);
		finish(&e);
		free(copy);
	}
	buf_deinit(&b);
}
END_TEST

START_TEST(one_bit_is_corrupted_and_only_in_a_payload)
{
	struct buf b = { 0 };
	struct ends e;

	put_frame_text(&b, false, 0x81, "");
	put_frame_text(&b, false, 0x81, "abc");
	begin(&e, FROM_SERVER);
	e.f.corrupts = true;
	feed_cut(&e, &b, 0, 0);
	ck_assert_uint_eq(e.out.len, b.len);
	ck_assert_int_eq(buf_head(&e.out)[4], 'a' ^ 1);
	buf_head(&e.out)[4] ^= 1;
	ck_assert(memcmp(buf_head(&e.out), buf_head(&b), b.len) == 0);
	finish(&e);
	buf_deinit(&b);
}
END_TEST

START_TEST(a_drop_takes_effect_at_once_or_between_frames_when_it_is_to_end)
{
	struct buf b = { 0 };
	struct ends e;

	put_frame_text(&b, false, 0x81, "one");
	put_frame_text(&b, false, 0x81, "two");
	put_frame_text(&b, false, 0x81, "six");
	begin(&e, FROM_SERVER);
	flow_feed(&e.f, buf_head(&b), 3, 0);
	e.f.drops = true;
	flow_feed(&e.f, buf_head(&b) + 3, b.len - 3, 0);
	ck_assert_uint_eq(e.out.len, 3);
	ck_assert_uint_eq(e.f.dropped, b.len - 3);
	finish(&e);

	begin(&e, FROM_SERVER);
	flow_feed(&e.f, buf_head(&b), 3, 0);
	e.f.drops = e.f.drops_whole = true;
	flow_feed(&e.f, buf_head(&b) + 3, 4, 0);
	e.f.drops = false;
	flow_feed(&e.f, buf_head(&b) + 7, b.len - 7, 0);
	buf_consume(&b, 5);
	ck_assert_uint_eq(e.out.len, 10);
	ck_assert(memcmp(buf_head(&e.out) + 5, buf_head(&b) + 5, 5) == 0);
	finish(&e);
	buf_deinit(&b);
}
END_TEST

START_TEST(a_delay_holds_bytes_until_they_are_due_and_jitter_keeps_their_order)
{
	struct buf b = { 0 };
	struct ends e;

	put_frame_text(&b, false, 0x81, "abc");
	begin(&e, FROM_SERVER);
	e.f.delay_us = 100;
	feed_cut(&e, &b, 0, 1000);
	flow_flush(&e.f, 1099);
	ck_assert_uint_eq(e.out.len, 0);
	ck_assert_int_eq(flow_next(&e.f), 1100);
	flow_flush(&e.f, 1100);
	ck_assert_uint_eq(e.out.len, b.len);
	ck_assert_int_eq(flow_next(&e.f), -1);
	e.f.jitter_us = 1000;
	for (int64_t now = 2000; now < 12000; now += 10) {
		uint8_t frame[] = { 0x82, 2, (uint8_t)(now / 10 / 256), (uint8_t)(now / 10) };

		flow_feed(&e.f, frame, sizeof(frame), now);
	}
	flow_flush(&e.f, 20000);
	ck_assert_uint_eq(e.out.len, b.len + 4000);
	for (size_t i = 0; i + 4 < 4000; i += 4) {
		const uint8_t *p = buf_head(&e.out) + b.len + i;

		ck_assert_int_eq(p[2] << 8 | p[3], 200 + (int)i / 4);
	}
	finish(&e);
	buf_deinit(&b);
}
END_TEST

START_TEST(a_throttle_lets_so_many_bytes_pass_in_a_second)
{
	uint8_t frame[4 + 1000] = { 0x82, 126, 1000 >> 8, 1000 & 255 };
	struct ends e;

	begin(&e, FROM_SERVER);
	e.f.rate = 500;
	e.f.budget_us = 0;
	flow_feed(&e.f, frame, sizeof(frame), 0);
	for (int64_t now = 0; now <= 1000000; now += 1000)
		flow_flush(&e.f, now);
	ck_assert_uint_ge(e.out.len, 480);
	ck_assert_uint_le(e.out.len, 511);
	ck_assert(flow_next(&e.f) > 0);
	for (int64_t now = 1000000; now <= 2100000; now += 1000)
		flow_flush(&e.f, now);
	ck_assert_uint_eq(e.out.len, sizeof(frame));
	finish(&e);
}
END_TEST

/* Each feed and flush earns what has become due since, and what is over of a byte is not lost; nor is anything when a timer is late. */
START_TEST(a_throttle_keeps_its_rate_however_often_it_is_asked)
{
	static const uint64_t rates[] = { 3, 700, 1000, 3000, 700000, 3000000 };
	static const int64_t steps[] = { 1, 777, 1500, 1900, 19000, 27000 };

	for (size_t r = 0; r < ARRAY_LEN(rates); r++) {
		for (size_t s = 0; s < ARRAY_LEN(steps); s++) {
			static uint8_t frame[10 + 4000000] = { 0x82, 127, 0, 0, 0, 0, 0, 0x3d, 0x09, 0 };
			struct ends e;

			begin(&e, FROM_SERVER);
			flow_strike(&e.f, &(struct plan_action){ .what = DO_THROTTLE, .number = rates[r] }, 0);
			flow_feed(&e.f, frame, sizeof(frame), 0);
			for (int64_t now = 0; now <= US_PER_S; now += steps[s])
				flow_flush(&e.f, now);
			ck_assert_uint_ge(e.out.len, rates[r] * 97 / 100);
			ck_assert_uint_le(e.out.len, rates[r]);
			finish(&e);
		}
	}
}
END_TEST

START_TEST(slices_go_out_one_by_one)
{
	uint8_t frame[2 + 100] = { 0x82, 100 };
	struct ends e;

	begin(&e, FROM_SERVER);
	e.f.slice = 7;
	flow_feed(&e.f, frame, sizeof(frame), 0);
	ck_assert_uint_eq(e.out.len, 7);
	for (int64_t now = 0; !flow_is_empty(&e.f); now = flow_next(&e.f))
		flow_flush(&e.f, now);
	ck_assert_uint_eq(e.out.len, sizeof(frame));
	ck_assert_uint_eq(e.biggest, 7);
	finish(&e);
}
END_TEST

START_TEST(what_cannot_be_cut_into_frames_passes_as_it_is)
{
	struct buf b = { 0 };

	put_frame_text(&b, false, 0x81, "fine");
	put_raw_frame(&b, false, &(struct raw_frame){ .first = 0x82, .data = "abc", .n = 3, .form = FORM_HIGH_BIT });
	buf_puts(&b, "\xff\xff\xff garbage");
	for (size_t cut = 0; cut <= b.len; cut++) {
		struct ends e;

		begin(&e, FROM_SERVER);
		feed_cut(&e, &b, cut, 0);
		flow_end(&e.f, 0);
		ck_assert_uint_eq(e.out.len, b.len);
		ck_assert(memcmp(buf_head(&e.out), buf_head(&b), b.len) == 0);
		finish(&e);
	}
	buf_deinit(&b);
}
END_TEST

START_TEST(a_header_that_claims_no_length_goes_out_before_what_follows_although_payload_was_asked_for)
{
	struct buf b = { 0 };

	put_raw_frame(&b, true, &(struct raw_frame){ .first = 0x81, .data = "abc", .n = 3, .form = FORM_HIGH_BIT });
	for (size_t cut = 0; cut <= b.len; cut++) {
		struct ends e;

		begin(&e, FROM_CLIENT);
		e.wants_payload = true;
		feed_cut(&e, &b, cut, 0);
		ck_assert_uint_eq(e.out.len, b.len);
		ck_assert(memcmp(buf_head(&e.out), buf_head(&b), b.len) == 0);
		finish(&e);
	}
	buf_deinit(&b);
}
END_TEST

/* RFC 6455 section 5.5.3: of pings that come faster than pongs can go out it is enough to answer the last. */
static void
inject_pongs(struct ends *e, unsigned n)
{
	struct buf b = { 0 };

	for (unsigned i = 1; i <= n; i++) {
		char word[8];

		snprintf(word, sizeof(word), "%07u", i);
		buf_clear(&b);
		put_frame_text(&b, false, 0x8a, word);
		flow_inject(&e->f, buf_span(&b), false, 0);
	}
	buf_deinit(&b);
}

static bool
ends_with(const struct buf *b, const char *word)
{
	return b->len >= strlen(word) && memcmp(buf_head(b) + b->len - strlen(word), word, strlen(word)) == 0;
}

START_TEST(pongs_that_wait_for_a_frame_to_end_give_way_to_the_last)
{
	struct buf b = { 0 };
	struct ends e;

	put_frame_text(&b, false, 0x81, "half and half");
	begin(&e, FROM_SERVER);
	flow_feed(&e.f, buf_head(&b), 8, 0);
	inject_pongs(&e, 100000);
	ck_assert_uint_eq(e.out.len, 8);
	ck_assert_uint_le(e.f.inject.cap, 4 * FLOW_INJECT_HIGH);
	flow_feed(&e.f, buf_head(&b) + 8, b.len - 8, 0);
	ck_assert(ends_with(&e.out, "0100000"));
	ck_assert(flow_is_empty(&e.f));
	finish(&e);
	buf_deinit(&b);
}
END_TEST

START_TEST(pongs_that_nobody_reads_give_way_to_the_last_and_a_close_does_not)
{
	struct buf close = { 0 };

	put_frame_text(&close, false, 0x88, "\x03\xe9");
	for (int closes = 0; closes < 2; closes++) {
		struct ends e;

		begin(&e, FROM_SERVER);
		e.room = 0;
		inject_pongs(&e, 200000);
		ck_assert(flow_is_full(&e.f) && flow_is_blocked(&e.f));
		ck_assert_uint_le(e.f.out.len + e.f.inject.len, FLOW_HIGH + FLOW_INJECT_HIGH);
		if (closes) {
			flow_inject(&e.f, buf_span(&close), true, 0);
			inject_pongs(&e, 1);
		}
		e.room = 1000;
		for (int i = 0; i < 1000; i++)
			flow_flush(&e.f, 0);
		ck_assert(flow_is_empty(&e.f));
		ck_assert(ends_with(&e.out, closes ? "0200000\x88\x02\x03\xe9" : "0200000"));
		finish(&e);
	}
	buf_deinit(&close);
}
END_TEST

START_TEST(a_delay_keeps_little_beside_the_bytes_and_is_full_in_the_end)
{
	enum { SIZE = 32, N = 2048, MOST = FLOW_DELAYED_HIGH + N * (SIZE + 32) };

	for (int jitter = 0; jitter < 2; jitter++) {
		static uint8_t frames[N * SIZE];
		struct ends e;
		size_t fed = 0;

		for (size_t i = 0; i < sizeof(frames); i += SIZE) {
			frames[i] = 0x81;
			frames[i + 1] = SIZE - 2;
		}
		begin(&e, FROM_SERVER);
		e.f.delay_us = 60000000;
		e.f.jitter_us = jitter ? 1000000000 : 0;
		for (; !flow_is_full(&e.f); fed += sizeof(frames)) {
			flow_feed(&e.f, frames, sizeof(frames), (int64_t)fed);
			buf_clear(&e.told);
		}
		ck_assert_uint_le(e.f.delayed.len + e.f.stamps.len, MOST);
		ck_assert(jitter || e.f.stamps.len < e.f.delayed.len / 100);
		flow_flush(&e.f, INT64_C(1) << 40);
		ck_assert_uint_eq(e.out.len, fed);
		finish(&e);
	}
}
END_TEST

START_TEST(an_end_inside_a_header_or_a_gathered_payload_lets_what_came_pass)
{
	struct buf b = { 0 };

	put_frame_text(&b, true, 0x81, "hello there");
	for (int wants = 0; wants < 2; wants++) {
		for (size_t n = 1; n < b.len; n++) {
			struct ends e;

			begin(&e, FROM_CLIENT);
			e.wants_payload = wants;
			flow_feed(&e.f, buf_head(&b), n, 0);
			flow_end(&e.f, 0);
			ck_assert_uint_eq(e.out.len, n);
			ck_assert(memcmp(buf_head(&e.out), buf_head(&b), n) == 0);
			finish(&e);
		}
	}
	buf_deinit(&b);
}
END_TEST

UNIT_MAIN("flow", bytes_pass_unchanged_and_frames_are_told_wherever_reads_are_cut, a_blocked_output_keeps_the_rest_in_order,
    a_swallowed_frame_leaves_no_trace_wherever_reads_are_cut, a_frame_of_our_own_stands_at_a_boundary_and_nothing_follows_a_close,
    a_truncated_frame_goes_out_in_half_and_nothing_after_it, one_bit_is_corrupted_and_only_in_a_payload,
    a_drop_takes_effect_at_once_or_between_frames_when_it_is_to_end, a_delay_holds_bytes_until_they_are_due_and_jitter_keeps_their_order,
    a_throttle_lets_so_many_bytes_pass_in_a_second, a_throttle_keeps_its_rate_however_often_it_is_asked, slices_go_out_one_by_one, what_cannot_be_cut_into_frames_passes_as_it_is,
    a_header_that_claims_no_length_goes_out_before_what_follows_although_payload_was_asked_for,
    pongs_that_wait_for_a_frame_to_end_give_way_to_the_last, pongs_that_nobody_reads_give_way_to_the_last_and_a_close_does_not,
    a_delay_keeps_little_beside_the_bytes_and_is_full_in_the_end,
    an_end_inside_a_header_or_a_gathered_payload_lets_what_came_pass)
