/* SPDX-License-Identifier: MIT */
#include "ws/conn_state.h"

#include "codec/close_code.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct event
conn_event(const struct conn_settings *set, enum event_type type)
{
	return (struct event){ .type = type, .session = set->session, .conn = set->id, .dial = set->dial };
}

int64_t
conn_now(const struct conn *c)
{
	return clock_mono(c->set.loop->clock);
}

void
conn_emit(struct conn *c, struct event *ev)
{
	journal_emit(c->set.journal, ev);
}

bool
conn_is_over(const struct conn *c)
{
	return c->phase == PHASE_GHOST || c->phase == PHASE_ENDED;
}

/* --- writing --- */

static void on_closing_timeout(uv_timer_t *timer);

static void
restart_closing_timer(struct conn *c)
{
	uv_timer_start(&c->closing_timer, on_closing_timeout, (uint64_t)(c->set.close_timeout_us / US_PER_MS), 0);
}

static void
update_wants(struct conn *c)
{
	unsigned bits = 0;

	if (!c->paused || c->write_over)
		bits |= T_READ;
	if ((stream_out(c->stream)->len > 0 || transport_pending(c->transport) > 0) && !c->write_over)
		bits |= T_WRITE;
	transport_want(c->transport, bits);
}

/* Both Closes are through: a server ends TCP (RFC 6455 section 7.1.1), a client waits for it to. */
static void
on_close_handed_over(struct conn *c)
{
	c->close_sent = true;
	if (c->close_received)
		c->second_close_us = conn_now(c);
	else
		c->first_close_us = conn_now(c);
	if (c->close_received && c->set.is_server)
		conn_finish(c, ENDING_FINISHED, TRANSPORT_GRACEFUL);
	else
		restart_closing_timer(c);
}

/* Writes what the transport takes. */
static void
write_out(struct conn *c)
{
	struct buf *out = stream_out(c->stream);

	c->is_blocked = false;
	while (out->len > 0 && !c->write_over) {
		struct iovec iov = { buf_head(out), out->len };
		ssize_t n = transport_writev(c->transport, &iov, 1);

		if (n == 0 || n == -EAGAIN) {
			c->is_blocked = true;
			break;
		}
		if (n < 0) {
			/* What waits to be read may tell why; nothing more goes out. */
			c->write_over = true;
			break;
		}
		buf_consume(out, (size_t)n);
		c->written += (uint64_t)n;
		c->last_tx_us = conn_now(c);
		if (c->phase == PHASE_CLOSING)
			restart_closing_timer(c);
	}
	if (out->len == 0)
		loop_give(c->set.loop, out);
}

/* Only the latest ping is answered: a flood of pings is no flood of pongs (RFC 6455 section 5.5.3). */
static void
answer_ping(struct conn *c)
{
	struct span data = { (const char *)c->ping, c->ping_len };

	if (!c->has_ping || stream_out(c->stream)->len >= CONN_OUT_HIGH)
		return;
	c->has_ping = false;
	if (stream_send_control(c->stream, OP_PONG, data) && journal_wants(c->set.journal, EV_PONG)) {
		struct event ev = conn_event(&c->set, EV_PONG);

		ev.u.pong = (struct ev_pong){ .dir = DIR_OUT, .data = data, .rtt = US_UNKNOWN };
		conn_emit(c, &ev);
	}
}

static void
flush(struct conn *c)
{
	struct buf *out = stream_out(c->stream);

	answer_ping(c);
	write_out(c);
	update_wants(c);
	if (c->close_queued && !c->close_sent && out->len == 0 && transport_pending(c->transport) == 0) {
		on_close_handed_over(c);
		if (conn_is_over(c))
			return;
	}
	/* Also while closing: who stopped reading because of it must go on, or the peer's answer is never read. */
	if (c->was_full && out->len < CONN_OUT_LOW) {
		c->was_full = false;
		c->up->writable(c->up_arg);
	}
}

static void
on_flush(struct loop_task *task)
{
	flush(container_of(task, struct conn, flush));
}

void
conn_flush_later(struct conn *c)
{
	if (stream_out(c->stream)->len >= WRITE_AT && !c->is_blocked)
		write_out(c); /* memory first; the rest of flush() waits for the task */
	c->was_full = c->was_full || conn_is_full(c);
	loop_defer(c->set.loop, &c->flush);
}

/* --- what the stream says --- */

static void
emit_message(struct conn *c, enum direction dir, uint8_t opcode, uint64_t length, struct span data)
{
	struct event ev = conn_event(&c->set, EV_MESSAGE);

	ev.u.message = (struct ev_message){ .dir = dir, .opcode = opcode, .length = length, .data = data, .truncated = data.p != NULL && data.n < length };
	conn_emit(c, &ev);
}

void
conn_record_part(struct conn *c, enum direction dir, const struct stream_chunk *part)
{
	struct buf *kept = dir == DIR_IN ? &c->captured_in : &c->captured_out;
	struct span all = { (const char *)part->data, part->n };

	if (!journal_wants(c->set.journal, EV_MESSAGE))
		return;
	if (c->set.capture == 0)
		all = SPAN_NONE;
	else if (!(part->first && part->last)) {
		if (part->first)
			buf_clear(kept);
		buf_append(kept, part->data, MIN(part->n, c->set.capture - MIN(c->set.capture, kept->len)));
		all = buf_span(kept);
	} else if (all.n > c->set.capture) {
		all.n = c->set.capture;
	}
	if (!part->last)
		return;
	if (c->set.capture > 0 && all.p == NULL)
		all.p = ""; /* empty, not left out */
	emit_message(c, dir, part->opcode, part->length, all);
	buf_clear(kept);
	buf_shrink(kept, LOOP_SCRATCH);
}

static void
on_chunk(void *arg, const struct stream_chunk *chunk)
{
	struct conn *c = arg;

	if (c->phase == PHASE_GHOST) {
		c->ghost.messages += chunk->last;
		return;
	}
	c->received.bytes += chunk->n;
	if (chunk->last)
		c->received.messages++;
	conn_record_part(c, DIR_IN, chunk);
	c->up->chunk(c->up_arg, chunk);
}

static void
on_ping(void *arg, struct span data)
{
	struct conn *c = arg;

	if (conn_is_over(c))
		return;
	if (journal_wants(c->set.journal, EV_PING)) {
		struct event ev = conn_event(&c->set, EV_PING);

		ev.u.ping = (struct ev_ping){ .dir = DIR_IN, .data = data, .waiting = US_UNKNOWN, .usual_rtt = US_UNKNOWN };
		conn_emit(c, &ev);
	}
	if (c->set.no_pong)
		return;
	memcpy(c->ping, data.p, data.n);
	c->ping_len = data.n;
	c->has_ping = true;
	conn_flush_later(c);
}

static void
on_pong(void *arg, struct span data)
{
	struct conn *c = arg;
	int64_t rtt = heartbeat_pong(&c->beat, data, conn_now(c));

	if (conn_is_over(c))
		return;
	if (rtt >= 0)
		c->rtt_us = rtt;
	if (journal_wants(c->set.journal, EV_PONG)) {
		struct event ev = conn_event(&c->set, EV_PONG);

		ev.u.pong = (struct ev_pong){ .dir = DIR_IN, .data = data, .rtt = rtt };
		conn_emit(c, &ev);
	}
	/* Last: it may end the connection, and nothing is told behind that. */
	if (rtt >= 0)
		c->up->pong(c->up_arg, rtt);
}

static void
queue_close(struct conn *c, int code, struct span reason)
{
	if (c->close_queued || c->write_over)
		return;
	answer_ping(c); /* behind a Close nothing can be sent */
	c->phase = PHASE_CLOSING;
	c->close_queued = true;
	c->code_sent = code;
	stream_send_close(c->stream, code, reason);
	restart_closing_timer(c);
	conn_stall(c, false);
	loop_defer(c->set.loop, &c->flush);
}

/* RFC 6455 section 5.5.1: answered with the same code. */
static void
on_peer_close(void *arg, int code, struct span reason)
{
	struct conn *c = arg;

	c->close_received = true;
	c->code_received = code;
	memcpy(c->reason_received, reason.n > 0 ? reason.p : "", reason.n);
	c->reason_len = reason.n;
	if (conn_is_over(c))
		return;
	c->we_closed_first = c->close_queued;
	if (c->close_sent)
		c->second_close_us = conn_now(c);
	else
		c->first_close_us = conn_now(c);
	c->phase = PHASE_CLOSING;
	queue_close(c, code, SPAN_NONE);
	restart_closing_timer(c);
}

static void
on_violation(void *arg, enum frame_rule rule, uint64_t offset)
{
	struct conn *c = arg;
	struct event ev = conn_event(&c->set, EV_VIOLATION);
	char section[32];

	if (conn_is_over(c))
		return;
	c->broken = rule;
	snprintf(section, sizeof(section), "RFC 6455 %s", frame_rule_section(rule));
	ev.u.violation = (struct ev_violation){
		.dir = DIR_IN,
		.rule = span_of(frame_rule_sentence(rule)),
		.section = span_of(section),
		.offset = offset,
		.answer = (uint16_t)(c->close_queued ? 0 : frame_rule_answer(rule)),
	};
	conn_emit(c, &ev);
	queue_close(c, frame_rule_answer(rule), span_of(frame_rule_sentence(rule)));
}

static void
on_frame(void *arg, enum direction dir, const struct frame *f)
{
	struct conn *c = arg;
	struct event ev = conn_event(&c->set, EV_FRAME);

	ev.u.frame = (struct ev_frame){ .dir = dir, .fin = f->fin, .rsv = f->rsv, .opcode = f->opcode, .masked = f->masked, .length = f->length };
	conn_emit(c, &ev);
}

static const struct stream_events stream_up = {
	.chunk = on_chunk, .ping = on_ping, .pong = on_pong, .close = on_peer_close, .violation = on_violation,
};
static const struct stream_events stream_up_with_frames = {
	.chunk = on_chunk, .ping = on_ping, .pong = on_pong, .close = on_peer_close, .violation = on_violation, .frame = on_frame,
};

/* --- reading --- */

/* RFC 6455 section 7.1.7: the Close goes out if it can, and the connection is over. */
static void
fail_connection(struct conn *c)
{
	write_out(c);
	c->close_sent = c->close_queued && stream_out(c->stream)->len == 0;
	conn_finish(c, ENDING_VIOLATION, TRANSPORT_GRACEFUL);
}

static void
feed(struct conn *c, const uint8_t *data, size_t n)
{
	c->last_rx_us = conn_now(c);
	heartbeat_alive(&c->beat);
	stream_feed(c->stream, data, n);
	if (conn_is_over(c))
		return;
	if (c->set.is_server && c->close_sent && c->close_received)
		conn_finish(c, ENDING_FINISHED, TRANSPORT_GRACEFUL);
	else if (c->broken != RULE_NONE)
		fail_connection(c);
}

/* Reading is over. A Close that came with the FIN is answered before the end is judged: the peer's kernel may still take it. */
static void
on_read_end(struct conn *c)
{
	if (c->close_received && !c->close_sent) {
		write_out(c);
		if (stream_out(c->stream)->len == 0 && !c->write_over) {
			c->close_sent = true;
			c->second_close_us = conn_now(c);
		}
	}
	conn_finish(c, ENDING_BY_TRANSPORT, TRANSPORT_GRACEFUL);
}

/* Reads until there is nothing, the turn is over, or somebody pauses. */
void
conn_read(struct conn *c, int turns)
{
	for (int i = 0; i < turns && !conn_is_over(c) && (!c->paused || c->write_over); i++) {
		ssize_t n = transport_read(c->transport, c->set.loop->scratch, LOOP_SCRATCH);

		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			on_read_end(c);
			return;
		}
		feed(c, c->set.loop->scratch, (size_t)n);
	}
}

static void
on_ready(void *arg, unsigned bits)
{
	struct conn *c = arg;

	if (c->phase == PHASE_GHOST) {
		conn_read_ghost(c);
		return;
	}
	if (bits & T_READ)
		conn_read(c, READS_A_TURN);
	if (!conn_is_over(c) && (bits & T_WRITE))
		flush(c);
}

static void
on_transport_closed(void *arg)
{
	conn_part_closed(arg);
}

static void
on_opened(void *arg UNUSED)
{
	assert(!"conn takes open transports");
}

static void
on_failed(void *arg UNUSED, const struct failure *f UNUSED)
{
	assert(!"conn takes open transports");
}

static const struct transport_events transport_up = {
	.opened = on_opened,
	.failed = on_failed,
	.ready = on_ready,
	.closed = on_transport_closed,
};

static void
on_closing_timeout(uv_timer_t *timer)
{
	struct conn *c = timer->data;

	/* An answer may be waiting in the socket behind a callback that took long. */
	conn_read(c, READS_A_TURN);
	if (conn_is_over(c))
		return;
	c->waited_us = c->set.close_timeout_us;
	if (c->close_received && c->close_sent)
		conn_finish(c, ENDING_FINISHED, TRANSPORT_GRACEFUL);
	else
		conn_finish(c, ENDING_CLOSE_TIMEOUT, TRANSPORT_FIN);
}

/* --- the interface --- */

static void
on_start(struct loop_task *task)
{
	struct conn *c = container_of(task, struct conn, start);

	if (c->early.len > 0)
		feed(c, buf_head(&c->early), c->early.len);
	buf_deinit(&c->early);
	if (!conn_is_over(c))
		update_wants(c);
}

struct conn *
conn_open(const struct conn_settings *set, struct transport *t, struct span early, struct span unsent, const struct conn_events *up, void *arg)
{
	struct conn *c = xcalloc(1, sizeof(*c));
	int64_t now;

	c->set = *set;
	c->set.session.n = MIN(set->session.n, sizeof(c->session));
	if (c->set.session.n > 0)
		c->set.session.p = memcpy(c->session, set->session.p, c->set.session.n);
	c->up = up;
	c->up_arg = arg;
	c->transport = t;
	c->stream = stream_new(set->is_server, set->loop->rng, set->max_message,
	    journal_wants(set->journal, EV_FRAME) ? &stream_up_with_frames : &stream_up, c);
	if (set->deflate.is_agreed)
		stream_compress(c->stream, &set->deflate);
	c->flush.run = on_flush;
	c->start.run = on_start;
	c->handles = 3;
	c->rtt_us = US_UNKNOWN;
	c->waited_us = US_UNKNOWN;
	now = c->opened_us = c->last_rx_us = c->last_tx_us = conn_now(c);
	buf_append(&c->early, early.p, early.n);
	buf_append(stream_out(c->stream), unsent.p, unsent.n);
	uv_timer_init(&set->loop->uv, &c->closing_timer);
	uv_timer_init(&set->loop->uv, &c->beat_timer);
	c->closing_timer.data = c->beat_timer.data = c;
	heartbeat_init(&c->beat, set->ping_interval_us, set->ping_timeout_us, set->journal->src.run, now);
	conn_restart_beat(c);
	transport_set_owner(t, &transport_up, c);
	loop_defer(set->loop, &c->start);
	return c;
}

bool
conn_send(struct conn *c, uint8_t opcode, const void *data, size_t n, bool last)
{
	if (c->phase != PHASE_OPEN || c->write_over)
		return false;
	loop_take(c->set.loop, stream_out(c->stream));
	if (!stream_send(c->stream, opcode, data, n, last))
		return false;

	struct stream_chunk part = { .opcode = opcode, .first = c->length_out == 0, .last = last, .data = data, .n = n, .length = c->length_out + n };

	c->length_out = last ? 0 : part.length;
	c->sent.bytes += n;
	if (last)
		c->sent.messages++;
	conn_record_part(c, DIR_OUT, &part);
	conn_flush_later(c);
	return true;
}

bool
conn_is_full(const struct conn *c)
{
	return stream_out(c->stream)->len > CONN_OUT_HIGH;
}

uint64_t
conn_unsent(const struct conn *c)
{
	return conn_is_over(c) ? 0 : stream_out(c->stream)->len + transport_pending(c->transport);
}

bool
conn_is_open(const struct conn *c)
{
	return c->phase == PHASE_OPEN && !c->write_over;
}

void
conn_pause_or_not(struct conn *c)
{
	bool paused = c->held_back || c->stalled;

	if (conn_is_over(c) || c->paused == paused)
		return;
	c->paused = paused;
	c->paused_since_us = conn_now(c);
	heartbeat_alive(&c->beat);
	update_wants(c);
	conn_restart_beat(c);
}

void
conn_pause(struct conn *c, bool paused)
{
	c->held_back = paused;
	conn_pause_or_not(c);
}

bool
conn_is_paused(const struct conn *c)
{
	return c->paused;
}

void
conn_close(struct conn *c, int code, struct span reason)
{
	if (c->phase != PHASE_OPEN)
		return;
	if (c->write_over)
		return; /* reading is about to end, and will say why */
	c->we_closed_first = true;
	queue_close(c, code, reason);
}

void
conn_abort(struct conn *c, enum ending_reason why, enum transport_close how)
{
	if (!conn_is_over(c))
		conn_finish(c, why, how);
}

uint64_t
conn_queued(const struct conn *c)
{
	return c->written + stream_out(c->stream)->len;
}

uint64_t
conn_handed(const struct conn *c)
{
	return c->written - transport_pending(c->transport);
}

bool
conn_is_mid_message(const struct conn *c)
{
	return stream_partial_out(c->stream) > 0;
}

uint32_t
conn_id(const struct conn *c)
{
	return c->set.id;
}
