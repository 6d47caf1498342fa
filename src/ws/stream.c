/* SPDX-License-Identifier: MIT */
#include "ws/stream.h"

#include "base/utf8.h"
#include "codec/close_code.h"

#include <assert.h>
#include <string.h>
#include <wslay/wslay.h>

enum reading { READING_FRAMES, READING_CLOSE, READING_NOTHING };

struct stream {
	const struct stream_events *up;
	void *up_arg;
	bool is_server;
	struct rng *rng;
	uint64_t max_message;
	wslay_frame_context_ptr wslay;

	/* Receiving: what codec/frame has let pass and wslay has not taken yet. */
	struct frame_decoder decoder;
	enum reading reading;
	uint8_t head[FRAME_HEADER_MAX]; /* the beginning of a header: wslay would judge it by half */
	size_t head_len;
	const uint8_t *window;
	size_t window_left;
	uint64_t announced;       /* payload of the current message by its headers so far */
	uint64_t ignored;

	/* The frame wslay is in, and the message it belongs to. */
	bool in_frame;
	uint64_t frame_done;
	uint8_t control[FRAME_CONTROL_MAX];
	size_t control_len;
	bool in_message, has_given;
	bool is_compressed;       /* RSV1 was set on its first frame */
	struct inflater *inflater;
	uint8_t opcode;
	uint64_t length;
	uint64_t frame_offset;    /* of the frame being delivered, for violations found in payload */
	uint64_t next_offset;
	struct utf8 utf8;

	/* Sending. */
	struct buf out;
	struct buf stage;         /* of a message whose end is not known: less than two fragments */
	bool tx_open, tx_begun;   /* a message is being sent; its first frame is out */
	uint8_t tx_opcode;
	struct deflater *deflater;/* NULL: messages go out as they are */
	bool tx_compressed;
	struct buf packed;
	uint64_t tx_length;
	bool close_queued;
};

static ssize_t
on_wslay_send(const uint8_t *data, size_t n, int flags UNUSED, void *arg)
{
	struct stream *s = arg;

	buf_append(&s->out, data, n);
	return (ssize_t)n;
}

static ssize_t
on_wslay_recv(uint8_t *data, size_t n, int flags UNUSED, void *arg)
{
	struct stream *s = arg;

	n = MIN(n, s->window_left);
	if (n == 0)
		return -1; /* wslay reads 0 as an end */
	memcpy(data, s->window, n);
	s->window += n;
	s->window_left -= n;
	return (ssize_t)n;
}

static int
on_wslay_mask(uint8_t *mask, size_t n, void *arg)
{
	struct stream *s = arg;

	rng_bytes(s->rng, mask, n);
	return 0;
}

static const struct wslay_frame_callbacks wslay_callbacks = {
	.send_callback = on_wslay_send,
	.recv_callback = on_wslay_recv,
	.genmask_callback = on_wslay_mask,
};

struct stream *
stream_new(bool is_server, struct rng *rng, uint64_t max_message, const struct stream_events *up, void *arg)
{
	struct stream *s = xcalloc(1, sizeof(*s));

	s->up = up;
	s->up_arg = arg;
	s->is_server = is_server;
	s->rng = rng;
	s->max_message = max_message;
	frame_decoder_init(&s->decoder, is_server ? FROM_CLIENT : FROM_SERVER);
	if (wslay_frame_context_init(&s->wslay, &wslay_callbacks, s) != 0)
		abort(); /* it fails for want of memory only */
	return s;
}

void
stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	wslay_frame_context_free(s->wslay);
	inflater_free(s->inflater);
	deflater_free(s->deflater);
	buf_deinit(&s->packed);
	buf_deinit(&s->out);
	buf_deinit(&s->stage);
	free(s);
}

void
stream_compress(struct stream *s, const struct deflate_terms *terms)
{
	s->decoder.rsv1_allowed = true;
	s->inflater = inflater_new(terms);
	s->deflater = deflater_new(terms);
}

/* --- receiving --- */

static void
violate(struct stream *s, enum frame_rule rule, uint64_t offset)
{
	stream_stop(s);
	s->up->violation(s->up_arg, rule, offset);
}

/* RFC 6455 section 5.5.1: no body, or a code and a reason in UTF-8; section 7.4.1: which codes. */
static void
take_close(struct stream *s)
{
	struct span reason = SPAN_NONE;
	int code = CLOSE_NO_STATUS;

	if (s->control_len == 1) {
		violate(s, RULE_CLOSE_ONE_BYTE, s->frame_offset);
		return;
	}
	if (s->control_len >= 2) {
		code = s->control[0] << 8 | s->control[1];
		reason = (struct span){ (const char *)s->control + 2, s->control_len - 2 };
		if (!close_code_is_legal_on_wire(code)) {
			violate(s, RULE_CLOSE_CODE, s->frame_offset);
			return;
		}
		if (!utf8_is_valid(reason)) {
			violate(s, RULE_CLOSE_REASON_UTF8, s->frame_offset);
			return;
		}
	}
	s->reading = READING_NOTHING;
	s->up->close(s->up_arg, code, reason);
}

static void
take_control(struct stream *s, const struct wslay_frame_iocb *io, bool ends)
{
	memcpy(s->control + s->control_len, io->data, io->data_length);
	s->control_len += io->data_length;
	if (!ends)
		return;

	struct span body = { (const char *)s->control, s->control_len };

	if (io->opcode == OP_CLOSE)
		take_close(s);
	else if (io->opcode == OP_PING)
		s->up->ping(s->up_arg, body);
	else
		s->up->pong(s->up_arg, body);
	s->control_len = 0;
}

/* Part of a message as its sender meant it: inflated, if it was compressed. False when it must not go on. */
static bool
give(struct stream *s, const uint8_t *data, size_t n, bool last)
{
	struct stream_chunk c = { .opcode = s->opcode, .first = !s->has_given, .last = last, .data = data, .n = n };

	if (s->opcode == OP_TEXT) {
		size_t valid = utf8_feed(&s->utf8, c.data, c.n);

		if (valid < c.n || (c.last && !utf8_is_complete(&s->utf8))) {
			violate(s, RULE_TEXT_UTF8, s->frame_offset);
			return false;
		}
	}
	s->length += c.n;
	if (s->is_compressed && s->max_message > 0 && s->length > s->max_message) {
		violate(s, RULE_MESSAGE_TOO_BIG, s->frame_offset);
		return false;
	}
	if (c.n == 0 && !c.first && !c.last)
		return true;
	c.length = s->length;
	s->has_given = true;
	s->in_message = !c.last;
	s->up->chunk(s->up_arg, &c);
	return s->reading != READING_NOTHING;
}

static bool
give_inflated(void *arg, const uint8_t *data, size_t n)
{
	return give(arg, data, n, false);
}

static void
take_compressed(struct stream *s, const struct wslay_frame_iocb *io, bool last)
{
	enum inflate_result r = inflater_feed(s->inflater, io->data, io->data_length, give_inflated, s);

	if (r == INFLATE_OK && last)
		r = inflater_end(s->inflater, give_inflated, s);
	if (r == INFLATE_BAD)
		violate(s, RULE_DEFLATE, s->frame_offset);
	else if (r == INFLATE_OK && last)
		give(s, NULL, 0, true);
}

static void
take_data(struct stream *s, const struct wslay_frame_iocb *io, bool ends)
{
	bool last = ends && io->fin;

	if (!s->in_message) {
		s->in_message = true;
		s->has_given = false;
		s->is_compressed = (io->rsv & WSLAY_RSV1_BIT) != 0;
		s->opcode = io->opcode;
		s->length = 0;
		s->utf8 = (struct utf8){ 0 };
	}
	if (s->is_compressed)
		take_compressed(s, io, last);
	else
		give(s, io->data, io->data_length, last);
}

/* Where the frame that wslay is in began: lengths are in their shortest form, or the frame would not have passed. */
static void
begin_frame(struct stream *s, const struct wslay_frame_iocb *io)
{
	uint64_t n = io->payload_length, header = 2 + (n > UINT16_MAX ? 8u : n > FRAME_CONTROL_MAX ? 2u : 0u) + (s->is_server ? 4u : 0u);

	if (s->in_frame)
		return;
	s->in_frame = true;
	s->frame_offset = s->next_offset;
	s->next_offset += header + n;
}

/* Hands wslay what has passed, and what it makes of it upwards. */
static void
pump(struct stream *s, const uint8_t *data, size_t n)
{
	struct wslay_frame_iocb io = { 0 };

	s->window = data;
	s->window_left = n;
	for (;;) {
		ssize_t got = wslay_frame_recv(s->wslay, &io);

		if (got == WSLAY_ERR_WANT_READ) {
			if (s->window_left == 0)
				return;
			continue;
		}
		if (got < 0) {
			violate(s, RULE_UNREADABLE, s->frame_offset);
			return;
		}
		begin_frame(s, &io);
		s->frame_done += io.data_length;
		bool ends = s->frame_done == io.payload_length;

		if (wslay_is_ctrl_frame(io.opcode))
			take_control(s, &io, ends);
		else
			take_data(s, &io, ends);
		if (ends) {
			s->frame_done = 0;
			s->in_frame = false;
		}
		if (s->reading == READING_NOTHING)
			return;
	}
}

/* What a header says beside its own form: the size of the message it belongs to. */
static enum frame_rule
judge_size(struct stream *s, const struct frame *f)
{
	if (f->opcode >= OP_CLOSE)
		return RULE_NONE;
	if (f->opcode != OP_CONTINUATION)
		s->announced = 0;
	/* Lengths have 63 bits at most, so the sum cannot wrap before it is judged. */
	s->announced += f->length;
	if (s->max_message > 0 && s->announced > s->max_message)
		return RULE_MESSAGE_TOO_BIG;
	if (s->announced > INT64_MAX)
		return RULE_MESSAGE_TOO_BIG;
	return RULE_NONE;
}

/* The size is judged last: a frame that breaks a rule of form is not one whose length counts. */
static enum frame_rule
judge(struct stream *s, const struct frame *f, const enum frame_rule rules[8])
{
	return rules[0] != RULE_NONE ? rules[0] : judge_size(s, f);
}

/*
 * Walks over the headers in data. Returns how many bytes wslay may have; *ret_rule says what the frame behind them breaks. Stops behind the last
 * byte of a Close. A header that is cut at the end of data is kept in s->head: *ret_kept bytes more. With up->frame it takes one step only, so that
 * frames are told in the order of what they carry.
 */
static size_t
pass(struct stream *s, const uint8_t *data, size_t n, size_t *ret_kept, enum frame_rule *ret_rule, uint64_t *ret_offset)
{
	size_t at = 0;

	while (at < n) {
		struct frame f;
		enum frame_rule rules[8];
		size_t used;
		enum frame_step step = frame_decode(&s->decoder, data + at, n - at, &used, &f, rules);

		if (step == FRAME_HEADER) {
			*ret_offset = f.offset;
			*ret_rule = judge(s, &f, rules);
			if (s->up->frame != NULL)
				s->up->frame(s->up_arg, DIR_IN, &f);
			if (*ret_rule != RULE_NONE || s->reading == READING_NOTHING)
				return at;
			if (f.opcode == OP_CLOSE)
				s->reading = READING_CLOSE;
			if (s->head_len > 0) {
				/* Without its last byte, which is in data, it ends no frame: nothing is called back. */
				pump(s, s->head, s->head_len);
				s->head_len = 0;
			}
		}
		if (step == FRAME_MORE) {
			memcpy(s->head + s->head_len, data + at, used);
			s->head_len += used;
			*ret_kept = used;
			return at;
		}
		at += used;
		if (s->reading == READING_CLOSE && frame_payload_left(&s->decoder) == 0)
			return at;
		if (s->up->frame != NULL)
			return at;
	}
	return at;
}

void
stream_feed(struct stream *s, const uint8_t *data, size_t n)
{
	while (n > 0 && s->reading != READING_NOTHING) {
		enum frame_rule rule = RULE_NONE;
		uint64_t offset = 0;
		size_t kept = 0, passed = pass(s, data, n, &kept, &rule, &offset);

		pump(s, data, passed);
		data += passed + kept;
		n -= passed + kept;
		if (rule != RULE_NONE && s->reading != READING_NOTHING) {
			s->ignored += s->head_len;
			violate(s, rule, offset);
		}
	}
	s->ignored += n;
}

void
stream_stop(struct stream *s)
{
	s->reading = READING_NOTHING;
	s->window_left = 0;
}

uint64_t
stream_ignored(const struct stream *s)
{
	return s->ignored;
}

uint64_t
stream_partial_in(const struct stream *s)
{
	return s->in_message ? s->length : 0;
}

/* --- sending --- */

static void
put_frame(struct stream *s, uint8_t opcode, bool fin, bool compressed, const uint8_t *data, size_t n)
{
	struct wslay_frame_iocb io = {
		.fin = fin,
		.rsv = compressed ? WSLAY_RSV1_BIT : 0,
		.opcode = opcode,
		.mask = !s->is_server,
		.payload_length = n,
		.data = data,
		.data_length = n,
	};

	if (s->up->frame != NULL) {
		struct frame f = { .fin = fin, .rsv = compressed ? 4 : 0, .opcode = opcode, .masked = !s->is_server, .length = n };

		s->up->frame(s->up_arg, DIR_OUT, &f);
	}
	buf_reserve(&s->out, FRAME_HEADER_MAX + n);
	/* The callback takes everything, so one call sends all of it. */
	ssize_t sent = wslay_frame_send(s->wslay, &io);
	assert(sent == (ssize_t)n);
	(void)sent;
}

static void
put_fragment(struct stream *s, bool fin, const uint8_t *data, size_t n)
{
	put_frame(s, s->tx_begun ? OP_CONTINUATION : s->tx_opcode, fin, s->tx_compressed && !s->tx_begun, data, n);
	s->tx_begun = true;
}

/* Bytes of the message as they go out: in frames of STREAM_FRAGMENT, the rest with FIN. */
static void
put_bytes(struct stream *s, const uint8_t *at, size_t n, bool last)
{
	/* What waits in the stage goes first; the last byte of a message is always kept for the frame with FIN. */
	while (s->stage.len + n > STREAM_FRAGMENT) {
		if (s->stage.len == 0) {
			put_fragment(s, false, at, STREAM_FRAGMENT);
			at += STREAM_FRAGMENT;
			n -= STREAM_FRAGMENT;
		} else {
			size_t fill = STREAM_FRAGMENT - s->stage.len;

			buf_append(&s->stage, at, fill);
			at += fill;
			n -= fill;
			put_fragment(s, false, buf_head(&s->stage), s->stage.len);
			buf_clear(&s->stage);
		}
	}
	if (!last) {
		buf_append(&s->stage, at, n);
		return;
	}
	if (s->stage.len > 0) {
		buf_append(&s->stage, at, n);
		put_fragment(s, true, buf_head(&s->stage), s->stage.len);
		buf_clear(&s->stage);
		buf_shrink(&s->stage, STREAM_FRAGMENT / 4);
	} else {
		put_fragment(s, true, at, n);
	}
	s->tx_open = false;
}

bool
stream_send(struct stream *s, uint8_t opcode, const void *data, size_t n, bool last)
{
	if (s->close_queued)
		return false;
	if (!s->tx_open) {
		s->tx_open = true;
		s->tx_begun = false;
		s->tx_opcode = opcode;
		s->tx_compressed = s->deflater != NULL;
		s->tx_length = 0;
	}
	s->tx_length += n;
	if (!s->tx_compressed) {
		put_bytes(s, data, n, last);
		return true;
	}
	deflater_feed(s->deflater, data, n, last, &s->packed);
	put_bytes(s, buf_head(&s->packed), s->packed.len, last);
	buf_clear(&s->packed);
	buf_shrink(&s->packed, STREAM_FRAGMENT);
	return true;
}

bool
stream_send_fragments(struct stream *s, uint8_t opcode, struct span data, size_t size)
{
	if (s->close_queued || s->tx_open)
		return false;
	s->tx_begun = s->tx_compressed = false;
	s->tx_opcode = opcode;
	while (data.n > size) {
		put_fragment(s, false, (const uint8_t *)data.p, size);
		data.p += size;
		data.n -= size;
	}
	put_fragment(s, true, (const uint8_t *)data.p, data.n);
	return true;
}

bool
stream_send_control(struct stream *s, uint8_t opcode, struct span data)
{
	assert(data.n <= FRAME_CONTROL_MAX);
	if (s->close_queued)
		return false;
	put_frame(s, opcode, true, false, (const uint8_t *)data.p, data.n);
	return true;
}

bool
stream_send_close(struct stream *s, int code, struct span reason)
{
	uint8_t body[FRAME_CONTROL_MAX];
	size_t n = 0;

	if (s->close_queued)
		return false;
	if (code != CLOSE_NO_STATUS) {
		size_t cut = MIN(reason.n, (size_t)STREAM_REASON_MAX);

		while (cut > 0 && cut < reason.n && ((uint8_t)reason.p[cut] & 0xc0) == 0x80)
			cut--;
		body[0] = (uint8_t)(code >> 8);
		body[1] = (uint8_t)code;
		if (cut > 0)
			memcpy(body + 2, reason.p, cut);
		n = 2 + cut;
	}
	put_frame(s, OP_CLOSE, true, false, body, n);
	s->close_queued = true;
	return true;
}

uint64_t
stream_partial_out(const struct stream *s)
{
	return s->tx_open ? s->tx_length : 0;
}

struct buf *
stream_out(struct stream *s)
{
	return &s->out;
}
