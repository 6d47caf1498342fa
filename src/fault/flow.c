/* SPDX-License-Identifier: MIT */
#include "fault/flow.h"

#include "base/clock.h"

#include <assert.h>
#include <string.h>

/* A throttled flow gets its bytes in portions of this share of a second; a sliced one a slice each time. */
enum { PORTION_US = 20000, SLICE_US = 1000 };

struct stamp {
	int64_t due_us;
	size_t n;
};

void
flow_init(struct flow *f, enum frame_sender sender, struct rng *rng, const struct flow_events *up, void *arg)
{
	*f = (struct flow){ .up = up, .arg = arg, .rng = rng };
	frame_decoder_init(&f->decoder, sender);
}

void
flow_deinit(struct flow *f)
{
	buf_deinit(&f->inject);
	buf_deinit(&f->text);
	buf_deinit(&f->delayed);
	buf_deinit(&f->stamps);
	buf_deinit(&f->out);
}

void
flow_strike(struct flow *f, const struct plan_action *a, int64_t now_us)
{
	switch (a->what) {
	case DO_DROP:
		f->drops = true;
		f->drops_whole = a->is_timed;
		break;
	case DO_DELAY: f->delay_us = a->time_us; break;
	case DO_JITTER: f->jitter_us = a->time_us; break;
	case DO_THROTTLE:
		f->rate = a->number;
		f->budget_us = now_us;
		break;
	case DO_SLICE: f->slice = a->number; break;
	case DO_CORRUPT: f->corrupts = true; break;
	case DO_TRUNCATE: f->truncates = true; break;
	default: assert(false);
	}
}

/* --- the way out --- */

static bool
is_shaped(const struct flow *f)
{
	return f->delay_us > 0 || f->jitter_us > 0 || f->rate > 0 || f->slice > 0 || f->delayed.len > 0;
}

static void
put_gathered(struct flow *f)
{
	size_t all = 0, done = 0;

	for (int i = 0; i < f->n_iov; i++)
		all += f->iov[i].iov_len;
	if (all == 0)
		return;
	if (f->out.len == 0 && f->up->put != NULL)
		done = f->up->put(f->arg, f->iov, f->n_iov);
	for (int i = 0; i < f->n_iov; i++) {
		size_t skip = MIN(done, f->iov[i].iov_len);

		done -= skip;
		buf_append(&f->out, (uint8_t *)f->iov[i].iov_base + skip, f->iov[i].iov_len - skip);
	}
	f->n_iov = 0;
}

static void
put_later(struct flow *f, const void *data, size_t n)
{
	int64_t wait = f->delay_us;
	struct stamp stamp = { .n = n }, last;

	if (f->jitter_us > 0)
		wait += (int64_t)(rng_u64(f->rng) % ((uint64_t)f->jitter_us + 1));
	/* In order, whatever the chance says. */
	stamp.due_us = f->last_due_us = MAX(f->last_due_us, f->fed_us + wait);
	buf_append(&f->delayed, data, n);
	if (f->stamps.len > 0) {
		memcpy(&last, buf_head(&f->stamps) + f->stamps.len - sizeof(last), sizeof(last));
		if (last.due_us == stamp.due_us) {
			stamp.n += last.n;
			buf_chop(&f->stamps, sizeof(last));
		}
	}
	buf_append(&f->stamps, &stamp, sizeof(stamp));
}

static void
emit(struct flow *f, const void *data, size_t n)
{
	if (n == 0)
		return;
	if (is_shaped(f)) {
		put_gathered(f);
		put_later(f, data, n);
		return;
	}
	struct iovec *last = f->n_iov > 0 ? &f->iov[f->n_iov - 1] : NULL;

	if (last != NULL && (uint8_t *)last->iov_base + last->iov_len == data) {
		last->iov_len += n;
		return;
	}
	if (f->n_iov == (int)ARRAY_LEN(f->iov))
		put_gathered(f);
	f->iov[f->n_iov++] = (struct iovec){ (void *)data, n };
}

static void
release_due(struct flow *f, int64_t now_us)
{
	while (f->stamps.len >= sizeof(struct stamp)) {
		struct stamp s;

		memcpy(&s, buf_head(&f->stamps), sizeof(s));
		if (s.due_us > now_us)
			break;
		buf_append(&f->out, buf_head(&f->delayed), s.n);
		buf_consume(&f->delayed, s.n);
		buf_consume(&f->stamps, sizeof(s));
	}
}

/* Bytes in a portion of a throttled flow. */
static uint64_t
portion_of(const struct flow *f)
{
	return MAX(f->rate * PORTION_US / US_PER_S, UINT64_C(1));
}

/* How much of the output may go now. */
static size_t
allowance(struct flow *f, int64_t now_us)
{
	size_t n = f->out.len;

	if (f->rate > 0) {
		uint64_t passed = (uint64_t)MAX(MIN(now_us - f->budget_us, (int64_t)US_PER_S), INT64_C(0));

		/* Two portions: what a timer is late for is not lost. */
		f->budget = MIN(f->budget + passed * f->rate, 2 * portion_of(f) * US_PER_S);
		f->budget_us = now_us;
		n = (size_t)MIN((uint64_t)n, f->budget / US_PER_S);
	}
	if (f->slice > 0)
		n = now_us < f->slice_us ? 0 : (size_t)MIN((uint64_t)n, f->slice);
	return n;
}

static void
put_allowed(struct flow *f, int64_t now_us)
{
	size_t n = allowance(f, now_us);

	if (n == 0 || f->up->put == NULL)
		return;
	struct iovec iov = { buf_head(&f->out), n };
	size_t done = f->up->put(f->arg, &iov, 1);
	f->is_stuck = done < n;
	buf_consume(&f->out, done);
	f->budget -= f->rate > 0 ? done * US_PER_S : 0;
	if (done > 0)
		f->slice_us = now_us + SLICE_US;
	if (f->out.len == 0)
		buf_shrink(&f->out, FLOW_HIGH);
}

static void
emit_injected(struct flow *f)
{
	if (f->inject.len == 0)
		return;
	emit(f, buf_head(&f->inject), f->inject.len);
	put_gathered(f); /* its memory is about to be used again */
	buf_clear(&f->inject);
	f->is_shut = f->shuts;
}

void
flow_flush(struct flow *f, int64_t now_us)
{
	put_gathered(f);
	release_due(f, now_us);
	put_allowed(f, now_us);
	if (f->is_mid || flow_is_full(f))
		return;
	f->fed_us = now_us;
	emit_injected(f);
}

int64_t
flow_next(const struct flow *f)
{
	int64_t next = -1;
	struct stamp s;

	if (f->out.len > 0 && f->rate > 0 && !f->is_stuck) {
		uint64_t goal = MIN((uint64_t)f->out.len, portion_of(f)) * US_PER_S;

		next = f->budget_us + 1 + (goal > f->budget ? (int64_t)((goal - f->budget) / f->rate) : 0);
	}
	if (f->out.len > 0 && f->slice > 0 && !f->is_stuck)
		next = MAX(next, f->slice_us);
	if (f->stamps.len >= sizeof(s)) {
		memcpy(&s, buf_head(&f->stamps), sizeof(s));
		next = next < 0 ? s.due_us : MIN(next, s.due_us);
	}
	return next;
}

bool
flow_is_full(const struct flow *f)
{
	return f->out.len >= FLOW_HIGH || f->delayed.len + f->stamps.len >= FLOW_DELAYED_HIGH;
}

/* --- frames --- */

static bool
is_control(const struct frame *fr)
{
	return fr->opcode >= OP_CLOSE && fr->opcode <= OP_PONG;
}

static void
unmask(const struct frame *fr, uint8_t *data, size_t n, uint64_t offset)
{
	for (size_t i = 0; fr->masked && i < n; i++)
		data[i] ^= fr->mask[(offset + i) % 4];
}

/* Whether what is at hand now goes out. */
static bool
passes(const struct flow *f)
{
	return f->verdict == FLOW_PASS && !f->is_shut && (!f->drops || f->drops_whole);
}

static void
pass(struct flow *f, const void *data, size_t n)
{
	if (passes(f))
		emit(f, data, n);
	else
		f->dropped += n;
}

/* A frame of which a part was dropped stays unfinished for ever at the far end. */
static void
finish_frame(struct flow *f)
{
	const struct frame *fr = &f->now;

	f->in_frame = false;
	f->is_mid = f->is_mid && !passes(f);
	if (is_control(fr)) {
		f->up->control(f->arg, fr, (struct span){ (const char *)f->control, f->n_control });
	} else if (fr->fin && fr->opcode <= OP_BINARY) {
		f->messages++;
		f->up->message(f->arg, f->message_opcode, f->message_length);
	}
	f->verdict = FLOW_PASS;
	if (!f->is_shut && !f->is_mid)
		emit_injected(f);
}

/* The header is whole, and so much of the payload as was asked for: does it pass? */
static void
judge_frame(struct flow *f, struct span payload)
{
	f->awaits_verdict = false;
	f->verdict = f->up->frame(f->arg, &f->now, payload, f->broken);
	if (f->drops_whole && f->drops)
		f->verdict = FLOW_SWALLOW;
	f->drops_whole = f->drops_whole && f->drops;
	if (f->truncates && f->verdict == FLOW_PASS) {
		f->truncates = false;
		f->truncate_at = f->now.length / 2 + 1;
	}
	f->is_mid = f->is_mid || passes(f);
}

/* Payload that goes by, in order: counted, remembered of a control frame, damaged if that is asked for. */
static void
go_by(struct flow *f, uint8_t *data, size_t n)
{
	if (is_control(&f->now)) {
		size_t room = sizeof(f->control) - f->n_control, k = MIN(room, n);

		memcpy(f->control + f->n_control, data, k);
		unmask(&f->now, f->control + f->n_control, k, f->seen);
		f->n_control += k;
	} else {
		f->message_length += n;
		f->bytes += n;
		f->up->payload(f->arg, n);
	}
	f->seen += n;
	if (f->corrupts && n > 0 && passes(f)) {
		data[0] ^= 0x01;
		f->corrupts = false;
	}
}

/* Only so much of a truncated frame goes out; then never anything again. */
static size_t
cut(struct flow *f, size_t n)
{
	if (f->truncate_at == 0)
		return n;
	size_t left = (size_t)MIN(f->truncate_at - 1, (uint64_t)n);

	f->truncate_at -= left;
	return left;
}

static void
pass_payload(struct flow *f, uint8_t *data, size_t n)
{
	bool is_cut = f->truncate_at > 0;

	go_by(f, data, n);
	pass(f, data, cut(f, n));
	if (is_cut && f->truncate_at == 1) {
		put_gathered(f);
		f->is_shut = true;
		f->truncate_at = 0;
		f->up->truncated(f->arg);
	}
}

/* The payload that was asked for is gathered: the frame goes its way, or does not. */
static void
judge_held(struct flow *f)
{
	struct buf text = f->text;

	f->text = (struct buf){ 0 };
	unmask(&f->now, buf_head(&text), text.len, 0);
	judge_frame(f, buf_span(&text));
	unmask(&f->now, buf_head(&text), text.len, 0);
	pass(f, f->header, f->n_header);
	f->n_header = 0;
	pass_payload(f, buf_head(&text), text.len);
	put_gathered(f); /* both are about to be used again */
	buf_clear(&text);
	f->text = text;
}

static void
begin_frame(struct flow *f, const struct frame *fr)
{
	f->now = *fr;
	f->in_frame = true;
	f->seen = 0;
	f->n_control = 0;
	if (!is_control(fr) && fr->opcode != OP_CONTINUATION) {
		f->message_opcode = fr->opcode;
		f->message_length = 0;
	}
}

static bool
is_unreadable(const struct flow *f)
{
	for (size_t i = 0; f->broken[i] != RULE_NONE; i++)
		if (f->broken[i] == RULE_LENGTH_HIGH_BIT)
			return true;
	return false;
}

static void
hold_header(struct flow *f, const uint8_t *data, size_t n)
{
	memcpy(f->header + f->n_header, data, n);
	f->n_header += n;
}

/* data: the header, or the end of one whose beginning is held. */
static void
take_header(struct flow *f, uint8_t *data, size_t n, const struct frame *fr)
{
	begin_frame(f, fr);
	f->is_raw = is_unreadable(f);
	if (fr->length > 0 && !f->is_raw && f->up->wants_payload(f->arg)) {
		hold_header(f, data, n);
		f->awaits_verdict = true;
		return;
	}
	judge_frame(f, SPAN_NONE);
	if (f->n_header > 0) {
		pass(f, f->header, f->n_header);
		put_gathered(f); /* header is about to be used again */
		f->n_header = 0;
	}
	pass(f, data, n);
	if (f->truncate_at == 1)
		pass_payload(f, data, 0);
	if (fr->length == 0 && !f->is_raw)
		finish_frame(f);
}

static void
take_payload(struct flow *f, uint8_t *data, size_t n)
{
	if (f->awaits_verdict) {
		size_t whole = (size_t)MIN(f->now.length, (uint64_t)PLAN_TEXT_MAX), k = MIN(n, whole - f->text.len);

		buf_append(&f->text, data, k);
		if (f->text.len < whole)
			return;
		judge_held(f);
		data += k;
		n -= k;
	}
	if (n > 0)
		pass_payload(f, data, n);
	if (frame_payload_left(&f->decoder) == 0)
		finish_frame(f);
}

void
flow_feed(struct flow *f, uint8_t *data, size_t n, int64_t now_us)
{
	struct frame fr;
	size_t used;

	f->fed_us = now_us;
	while (n > 0 && !f->is_raw) {
		switch (frame_decode(&f->decoder, data, n, &used, &fr, f->broken)) {
		case FRAME_HEADER: take_header(f, data, used, &fr); break;
		case FRAME_PAYLOAD: take_payload(f, data, used); break;
		case FRAME_MORE: hold_header(f, data, used); break;
		}
		data += used;
		n -= used;
	}
	if (n > 0)
		pass(f, data, n);
	flow_flush(f, now_us);
}

void
flow_end(struct flow *f, int64_t now_us)
{
	f->fed_us = now_us;
	if (f->awaits_verdict)
		judge_held(f);
	else
		pass(f, f->header, f->n_header);
	put_gathered(f);
	f->n_header = 0;
	flow_flush(f, now_us);
}

void
flow_inject(struct flow *f, struct span frames, bool last, int64_t now_us)
{
	if (f->is_shut || f->shuts)
		return;
	f->fed_us = now_us;
	if (f->inject.len + frames.n > FLOW_INJECT_HIGH)
		buf_clear(&f->inject);
	buf_append(&f->inject, frames.p, frames.n);
	f->shuts = last;
	if (!f->is_mid && (last || !flow_is_full(f)))
		emit_injected(f);
	flow_flush(f, now_us);
}
