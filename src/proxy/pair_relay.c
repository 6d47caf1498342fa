/* SPDX-License-Identifier: MIT */
/* pair_relay: bytes from leg to leg, and what their frames are. */
#include "proxy/pair_state.h"

#include "codec/close_code.h"

#include <string.h>

static enum plan_direction
direction_of(const struct leg_side *l)
{
	return l->which == LEG_CLIENT ? PLAN_UP : PLAN_DOWN;
}

/* --- writing --- */

static size_t
write_to(struct leg_side *to, const struct iovec *iov, int n)
{
	size_t all = 0;

	for (int i = 0; i < n; i++)
		all += iov[i].iov_len;
	/* Where nobody is any more it is as if it were taken. */
	if (!leg_is_up(to) || to->write_over)
		return all;
	ssize_t done = transport_writev(to->transport, iov, n);
	if (done < 0) {
		to->write_over = true; /* reading will tell why */
		return all;
	}
	if (done > 0)
		to->last_tx_us = pair_now(to->pair);
	return (size_t)done;
}

static size_t
on_put(void *arg, const struct iovec *iov, int n)
{
	return write_to(leg_other(arg), iov, n);
}

void
leg_write(struct leg_side *to, const void *data, size_t n)
{
	struct iovec iov = { (void *)data, n };
	struct buf *waits = &leg_other(to)->from.out;
	size_t done = waits->len == 0 ? write_to(to, &iov, 1) : 0;

	if (done < n)
		buf_append(waits, (const uint8_t *)data + done, n - done);
}

void
pair_flush(struct pair *p)
{
	for (int i = 0; i < 2; i++)
		if (!flow_is_empty(&p->legs[i].from))
			flow_flush(&p->legs[i].from, pair_now(p));
}

/* --- frames --- */

static void
tell_frame(struct leg_side *l, const struct frame *f)
{
	struct event ev = pair_event(l->pair, EV_FRAME, l->which);

	ev.u.frame = (struct ev_frame){ .dir = DIR_IN, .fin = f->fin, .rsv = f->rsv, .opcode = f->opcode, .masked = f->masked, .length = f->length };
	journal_emit(l->pair->opt->journal, &ev);
}

static void
tell_violations(struct leg_side *l, const struct frame *f, const enum frame_rule *broken)
{
	for (; *broken != RULE_NONE; broken++) {
		struct event ev = pair_event(l->pair, EV_VIOLATION, l->which);
		char section[24];

		snprintf(section, sizeof(section), "RFC 6455 %s", frame_rule_section(*broken));
		ev.u.violation = (struct ev_violation){
			.dir = DIR_IN,
			.rule = span_of(frame_rule_sentence(*broken)),
			.section = span_of(section),
			.offset = f->offset,
		};
		journal_emit(l->pair->opt->journal, &ev);
	}
}

static enum flow_verdict
on_frame(void *arg, const struct frame *f, struct span payload, const enum frame_rule *broken)
{
	struct leg_side *l = arg;
	struct pair *p = l->pair;

	if (journal_wants(p->opt->journal, EV_FRAME))
		tell_frame(l, f);
	if (*broken != RULE_NONE)
		tell_violations(l, f, broken);
	p->swallows = false;
	watch_frame(p->watch, direction_of(l), f, payload);
	if ((f->opcode == OP_PING && l->answers_pings) || (f->opcode == OP_PONG && l->no_pongs) || l->is_closed_by_us)
		return FLOW_SWALLOW;
	return p->swallows ? FLOW_SWALLOW : FLOW_PASS;
}

static bool
on_wants_payload(void *arg)
{
	struct leg_side *l = arg;

	return watch_wants_payload(l->pair->watch, direction_of(l));
}

static int
code_of(struct span payload)
{
	return payload.n >= 2 ? (uint8_t)payload.p[0] << 8 | (uint8_t)payload.p[1] : CLOSE_NO_STATUS;
}

static void
note_close_time(struct leg_side *l, bool received)
{
	int64_t now = pair_now(l->pair);

	if (l->first_close_us == 0) {
		l->first_close_us = now;
		l->we_closed_first = !received;
	} else if (l->second_close_us == 0) {
		l->second_close_us = now;
	}
}

/* The code is that of the first Close received (RFC 6455 section 7.1.5). */
static void
on_close_frame(struct leg_side *l, struct span payload)
{
	struct leg_side *to = leg_other(l);

	if (!l->close_received) {
		l->close_received = true;
		l->code_received = code_of(payload);
		l->n_reason = payload.n > 2 ? payload.n - 2 : 0;
		memcpy(l->reason, payload.p + 2, l->n_reason);
		note_close_time(l, true);
	}
	if (l->from.verdict == FLOW_PASS && !l->from.is_shut && !l->from.drops && leg_is_up(to) && !to->close_sent) {
		to->close_sent = true;
		to->code_sent = code_of(payload);
		note_close_time(to, false);
	}
}

static void
write_frame(struct leg_side *to, uint8_t opcode, struct span payload, bool last)
{
	struct pair *p = to->pair;
	struct frame f = { .fin = true, .opcode = opcode, .masked = to->which == LEG_ORIGIN, .length = payload.n };
	uint8_t bytes[FRAME_HEADER_MAX + FRAME_CONTROL_MAX];
	size_t n;

	if (f.masked)
		rng_bytes(p->opt->loop->rng, f.mask, sizeof(f.mask));
	n = frame_encode(&f, bytes);
	memcpy(bytes + n, payload.p, payload.n);
	for (size_t i = 0; f.masked && i < payload.n; i++)
		bytes[n + i] ^= f.mask[i % 4];
	flow_inject(&leg_other(to)->from, (struct span){ (const char *)bytes, n + payload.n }, last, pair_now(p));
}

void
leg_send_close(struct leg_side *l, enum ending_reason why, int code, struct span reason)
{
	struct pair *p = l->pair;
	char body[FRAME_CONTROL_MAX];
	size_t n = code == CLOSE_NO_STATUS ? 0 : 2 + MIN(reason.n, sizeof(body) - 2);

	if (!leg_is_up(l) || l->close_sent || p->phase != PAIR_RELAY)
		return;
	body[0] = (char)(code >> 8);
	body[1] = (char)code;
	if (n > 2)
		memcpy(body + 2, reason.p, n - 2);
	l->close_sent = l->is_closed_by_us = true;
	l->code_sent = code;
	l->close_why = why;
	note_close_time(l, false);
	write_frame(l, OP_CLOSE, (struct span){ body, n }, true);
	l->close_due_us = pair_now(p) + p->opt->close_timeout_us;
}

static void
tell_ping(struct leg_side *l, const struct frame *f, struct span payload)
{
	struct event ev = pair_event(l->pair, f->opcode == OP_PING ? EV_PING : EV_PONG, l->which);

	if (!journal_wants(l->pair->opt->journal, ev.type))
		return;
	if (f->opcode == OP_PING)
		ev.u.ping = (struct ev_ping){ .dir = DIR_IN, .data = payload, .waiting = US_UNKNOWN, .usual_rtt = US_UNKNOWN };
	else
		ev.u.pong = (struct ev_pong){ .dir = DIR_IN, .data = payload, .rtt = US_UNKNOWN };
	journal_emit(l->pair->opt->journal, &ev);
}

static void
on_control(void *arg, const struct frame *f, struct span payload)
{
	struct leg_side *l = arg;
	struct pair *p = l->pair;

	if (f->opcode != OP_CLOSE)
		tell_ping(l, f, payload);
	if (f->opcode == OP_PING && l->answers_pings && !l->is_closed_by_us)
		write_frame(l, OP_PONG, payload, false);
	if (f->opcode != OP_CLOSE)
		return;
	on_close_frame(l, payload);
	if (l->is_closed_by_us)
		l->close_due_us = pair_now(p); /* its answer: the leg may end */
}

static void
on_message(void *arg, uint8_t opcode, uint64_t length)
{
	struct leg_side *l = arg;
	struct pair *p = l->pair;
	struct event ev;

	if (l->from.verdict == FLOW_PASS && !l->from.is_shut && !l->from.drops) {
		leg_other(l)->sent.messages++;
		leg_other(l)->sent.bytes += length;
	}
	if (journal_wants(p->opt->journal, EV_MESSAGE)) {
		ev = pair_event(p, EV_MESSAGE, l->which);
		ev.u.message = (struct ev_message){ .dir = DIR_IN, .opcode = opcode, .length = length };
		journal_emit(p->opt->journal, &ev);
	}
	watch_message(p->watch, direction_of(l));
}

static void
on_payload(void *arg, uint64_t n)
{
	struct leg_side *l = arg;

	watch_payload(l->pair->watch, direction_of(l), n);
}

static void
on_truncated(void *arg)
{
	struct leg_side *l = arg, *to = leg_other(l);

	leg_close(to, TRANSPORT_GRACEFUL, ENDING_FAULT, "FIN inside a frame");
	leg_pass_on_end(to, TRANSPORT_GRACEFUL);
}

const struct flow_events flow_up = {
	.frame = on_frame,
	.wants_payload = on_wants_payload,
	.control = on_control,
	.message = on_message,
	.payload = on_payload,
	.truncated = on_truncated,
	.put = on_put,
};

/* --- reading --- */

static void
read_some(struct leg_side *l)
{
	struct pair *p = l->pair;
	uint8_t *scratch = p->opt->loop->scratch;

	for (int i = 0; i < PAIR_READS_A_TURN && leg_is_up(l) && !l->is_stalled; i++) {
		if (flow_is_full(&l->from) && leg_is_up(leg_other(l)))
			return;
		ssize_t n = transport_read(l->transport, scratch, LOOP_SCRATCH);

		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			leg_read_over(l);
			return;
		}
		l->last_rx_us = pair_now(p);
		if (p->phase == PAIR_RELAY)
			watch_bytes(p->watch, direction_of(l), l->last_rx_us);
		flow_feed(&l->from, scratch, (size_t)n, l->last_rx_us);
	}
}

/* An RST ends a stall. And it does not wait while more is there than can be passed: TCP has given that up too. */
static void
read_to_reset(struct leg_side *l)
{
	ssize_t n;

	l->is_stalled = false;
	if (!flow_is_full(&l->from))
		return;
	while ((n = transport_read(l->transport, l->pair->opt->loop->scratch, LOOP_SCRATCH)) > 0)
		;
	if (n == 0)
		leg_read_over(l);
}

void
pair_ready_relay(struct leg_side *l, unsigned bits)
{
	if ((bits & T_END) && !l->read_over && transport_was_reset(l->transport))
		read_to_reset(l);
	if (bits & T_WRITE)
		flow_flush(&leg_other(l)->from, pair_now(l->pair));
	if ((bits & (T_READ | T_END)) && !l->read_over)
		read_some(l);
}
