/* SPDX-License-Identifier: MIT */
#include "ws/conn.h"

#include "codec/close_code.h"
#include "ws/heartbeat.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* How often one ready may fill the scratch buffer before others get their turn. */
enum { READS_A_TURN = 8 };
/* No use in gathering more for one write: it leaves the cache, and the queue grows. */
enum { WRITE_AT = 64 * 1024 };

enum phase {
	PHASE_OPEN,
	PHASE_CLOSING,  /* a Close was queued or read */
	PHASE_GHOST,    /* declared lost; what still comes is counted */
	PHASE_ENDED,
};

struct conn {
	struct conn_settings set;
	char session[CONN_SESSION_MAX];
	const struct conn_events *up;
	void *up_arg;
	struct transport *transport;
	struct stream *stream;
	enum phase phase;

	struct loop_task flush;      /* deferred: whatever there is to write */
	struct loop_task start;      /* once: the bytes behind the head */
	struct buf early;
	uv_timer_t closing_timer, beat_timer;
	int handles;                 /* timers and transport still open */
	struct heartbeat beat;

	bool paused, write_over, was_full;
	bool is_blocked;             /* the transport took less than there was, and tells when it takes more */
	bool has_ping;               /* a ping to answer, and its payload */
	uint8_t ping[FRAME_CONTROL_MAX];
	size_t ping_len;

	/* The closing handshake. */
	bool close_queued, close_sent, close_received, we_closed_first;
	int code_sent, code_received;
	char reason_received[FRAME_CONTROL_MAX];
	size_t reason_len;
	int64_t first_close_us, second_close_us;
	enum frame_rule broken;
	int64_t waited_us;           /* of the timeout that struck */

	/* For the record. */
	int64_t opened_us, last_rx_us, last_tx_us, paused_since_us, ended_us, rtt_us;
	struct traffic sent, received, ghost;
	uint64_t written;            /* bytes the transport has taken */
	uint64_t length_out;
	struct buf captured_in, captured_out;
};

struct event
conn_event(const struct conn_settings *set, enum event_type type)
{
	return (struct event){ .type = type, .session = set->session, .conn = set->id, .dial = set->dial };
}

static int64_t
now_us(const struct conn *c)
{
	return clock_mono(c->set.loop->clock);
}

static void
emit(struct conn *c, struct event *ev)
{
	journal_emit(c->set.journal, ev);
}

/* Ended, as far as anybody above is concerned. */
static bool
is_over(const struct conn *c)
{
	return c->phase == PHASE_GHOST || c->phase == PHASE_ENDED;
}

/* --- the end --- */

static void
release(struct conn *c)
{
	if (--c->handles > 0)
		return;

	struct event ev = conn_event(&c->set, EV_GONE);

	ev.u.gone.after = now_us(c) - c->ended_us;
	emit(c, &ev);
	const struct conn_events *up = c->up;
	void *arg = c->up_arg;
	stream_free(c->stream);
	buf_deinit(&c->early);
	buf_deinit(&c->captured_in);
	buf_deinit(&c->captured_out);
	free(c);
	up->gone(arg);
}

static void
on_transport_closed(void *arg)
{
	release(arg);
}

static void
on_timer_closed(uv_handle_t *handle)
{
	release(handle->data);
}

/* The next hop has everything we sent: the far side is silent, the path is not dead. */
static bool
is_all_acked(const struct transport_stat *stat)
{
	return stat->has_tcp && stat->unacked == 0 && stat->tcp.unacked == 0 && stat->tcp.retransmits == 0;
}

static void
gather_facts(struct conn *c, enum ending_reason why, const struct transport_end *ends, int n_ends, const struct transport_stat *stat,
    struct ending_facts *ret)
{
	*ret = (struct ending_facts){
		.reason = why,
		.is_server = c->set.is_server,
		.close_received = c->close_received,
		.close_sent = c->close_sent,
		.we_closed_first = c->we_closed_first,
		.code_received = c->code_received,
		.code_sent = c->code_sent,
		.reason_received = { c->reason_received, c->reason_len },
		.answered_us = c->second_close_us > 0 ? c->second_close_us - c->first_close_us : US_UNKNOWN,
		.rule = c->broken,
		.ends = ends,
		.n_ends = n_ends,
		.waited_us = c->waited_us,
		.tcp_known = stat->has_tcp && stat->unacked >= 0,
		.tcp_all_acked = is_all_acked(stat),
	};
}

static void
fill_record(struct conn *c, const struct transport_stat *stat, struct ev_ended *e)
{
	int64_t now = c->ended_us;

	e->age = now - c->opened_us;
	e->silent_rx = now - c->last_rx_us;
	e->silent_tx = now - c->last_tx_us;
	e->paused_rx = c->paused ? now - c->paused_since_us : 0;
	e->rtt = c->rtt_us;
	e->sent = c->sent;
	e->received = c->received;
	e->unsent = (int64_t)(stream_out(c->stream)->len + transport_pending(c->transport));
	e->unacked = stat->unacked;
	e->partial_in = stream_partial_in(c->stream);
	e->partial_out = stream_partial_out(c->stream);
	e->after_close = c->close_received ? stream_ignored(c->stream) : 0;
	e->tcp = stat->has_tcp ? &stat->tcp : NULL;
}

static void
let_go(struct conn *c, enum transport_close how)
{
	c->phase = PHASE_ENDED;
	stream_stop(c->stream);
	uv_close((uv_handle_t *)&c->closing_timer, on_timer_closed);
	uv_close((uv_handle_t *)&c->beat_timer, on_timer_closed);
	transport_close(c->transport, how);
}

static void haunt(struct conn *c);

/* Says how it ended, once; then the transport goes, or is held as a ghost. */
static void
finish(struct conn *c, enum ending_reason why, enum transport_close how)
{
	struct transport_end ends[TRANSPORT_ENDS_MAX];
	struct transport_stat stat;
	struct ending_facts facts;
	struct event ev = conn_event(&c->set, EV_LOST);
	struct buf text = { 0 };
	bool held = why == ENDING_PING_TIMEOUT && c->set.hold_us > 0;

	assert(!is_over(c));
	c->phase = held ? PHASE_GHOST : PHASE_ENDED;
	c->ended_us = now_us(c);
	loop_undefer(&c->flush);
	loop_undefer(&c->start);
	transport_stat(c->transport, &stat);
	gather_facts(c, why, ends, transport_ends(c->transport, ends), &stat, &facts);
	if (ending_judge(&facts, &ev.u.ended, &text))
		ev.type = EV_CLOSE;
	fill_record(c, &stat, &ev.u.ended);
	ev.u.ended.held = held;
	ev.u.ended.held_open = held && c->set.hold_open;
	ev.u.ended.text = buf_span(&text);
	emit(c, &ev);
	c->up->ended(c->up_arg, ev.type, &ev.u.ended, c->we_closed_first);
	buf_deinit(&text);
	if (!held)
		let_go(c, how);
	else if (c->phase == PHASE_GHOST) /* else ended() has released it */
		haunt(c);
}

/* --- ghosts --- */

/* What the far end did in the end, in words. */
static void
say_ghost(const struct conn *c, bool ended, struct buf *text)
{
	struct transport_end ends[TRANSPORT_ENDS_MAX];
	int n = transport_ends(c->transport, ends);
	const char *what = "peer FIN";

	if (c->close_received)
		buf_printf(text, "peer's Close %d, ", c->code_received);
	if (!ended) {
		buf_puts(text, "still there, let go");
		return;
	}
	for (int i = 0; i < n; i++)
		if (ends[i].kind == END_ERRNO)
			what = cause_of_errno(ends[i].code) == CAUSE_TCP_RESET ? "peer RST" : strerror(ends[i].code);
	buf_puts(text, what);
}

static void
end_ghost(struct conn *c, bool ended)
{
	struct event ev = conn_event(&c->set, EV_GHOST);
	int64_t now = now_us(c);
	struct buf text = { 0 };

	say_ghost(c, ended, &text);
	ev.u.ghost = (struct ev_ghost){
		.text = buf_span(&text),
		.ended = ended,
		.after = now - c->ended_us,
		.received = c->ghost,
		.code = c->close_received ? c->code_received : 0,
	};
	ev.u.ghost.overlap = ledger_overlap_us(c->set.journal->ledger, c->set.session, c->set.id, now, &ev.u.ghost.with);
	emit(c, &ev);
	buf_deinit(&text);
	let_go(c, TRANSPORT_FIN);
}

static void
on_ghost_timeout(uv_timer_t *timer)
{
	end_ghost(timer->data, false);
}

/* Declared lost, but perhaps alive at the far end: half-closed, so that it may end itself, and read on. */
static void
haunt(struct conn *c)
{
	uv_timer_stop(&c->beat_timer);
	c->paused = false;
	buf_deinit(stream_out(c->stream));
	if (!c->set.hold_open && transport_half_close(c->transport) < 0)
		c->write_over = true;
	transport_want(c->transport, T_READ);
	uv_timer_start(&c->closing_timer, on_ghost_timeout, (uint64_t)(c->set.hold_us / US_PER_MS), 0);
}

/* The stream still tells frames from each other; nothing of it is answered or passed on. */
static void
read_ghost(struct conn *c)
{
	for (int i = 0; i < READS_A_TURN; i++) {
		ssize_t n = transport_read(c->transport, c->set.loop->scratch, LOOP_SCRATCH);

		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			end_ghost(c, true);
			return;
		}
		c->ghost.bytes += (uint64_t)n;
		stream_feed(c->stream, c->set.loop->scratch, (size_t)n);
	}
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
		c->second_close_us = now_us(c);
	else
		c->first_close_us = now_us(c);
	if (c->close_received && c->set.is_server)
		finish(c, ENDING_FINISHED, TRANSPORT_GRACEFUL);
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
		c->last_tx_us = now_us(c);
		if (c->phase == PHASE_CLOSING)
			restart_closing_timer(c);
	}
	if (out->len == 0)
		loop_give(c->set.loop, out);
}

static void
flush(struct conn *c)
{
	struct buf *out = stream_out(c->stream);

	if (c->has_ping && out->len < CONN_OUT_HIGH) {
		struct span data = { (const char *)c->ping, c->ping_len };

		c->has_ping = false;
		if (stream_send_control(c->stream, OP_PONG, data) && journal_wants(c->set.journal, EV_PONG)) {
			struct event ev = conn_event(&c->set, EV_PONG);

			ev.u.pong = (struct ev_pong){ .dir = DIR_OUT, .data = data, .rtt = US_UNKNOWN };
			emit(c, &ev);
		}
	}
	write_out(c);
	update_wants(c);
	if (c->close_queued && !c->close_sent && out->len == 0 && transport_pending(c->transport) == 0) {
		on_close_handed_over(c);
		if (is_over(c))
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

static void
flush_later(struct conn *c)
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
	emit(c, &ev);
}

/* Tells of a message when its last part goes by; keeps of the earlier ones what sinks want to see. */
static void
record_part(struct conn *c, enum direction dir, const struct stream_chunk *part)
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
	record_part(c, DIR_IN, chunk);
	c->up->chunk(c->up_arg, chunk);
}

static void
on_ping(void *arg, struct span data)
{
	struct conn *c = arg;

	if (is_over(c))
		return;
	if (journal_wants(c->set.journal, EV_PING)) {
		struct event ev = conn_event(&c->set, EV_PING);

		ev.u.ping = (struct ev_ping){ .dir = DIR_IN, .data = data, .waiting = US_UNKNOWN, .usual_rtt = US_UNKNOWN };
		emit(c, &ev);
	}
	if (c->set.no_pong)
		return;
	memcpy(c->ping, data.p, data.n);
	c->ping_len = data.n;
	c->has_ping = true;
	flush_later(c);
}

static void
on_pong(void *arg, struct span data)
{
	struct conn *c = arg;
	int64_t rtt = heartbeat_pong(&c->beat, data, now_us(c));

	if (is_over(c))
		return;
	if (rtt >= 0)
		c->rtt_us = rtt;
	if (journal_wants(c->set.journal, EV_PONG)) {
		struct event ev = conn_event(&c->set, EV_PONG);

		ev.u.pong = (struct ev_pong){ .dir = DIR_IN, .data = data, .rtt = rtt };
		emit(c, &ev);
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
	c->phase = PHASE_CLOSING;
	c->close_queued = true;
	c->code_sent = code;
	stream_send_close(c->stream, code, reason);
	restart_closing_timer(c);
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
	if (is_over(c))
		return;
	c->we_closed_first = c->close_queued;
	if (c->close_sent)
		c->second_close_us = now_us(c);
	else
		c->first_close_us = now_us(c);
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

	if (is_over(c))
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
	emit(c, &ev);
	queue_close(c, frame_rule_answer(rule), span_of(frame_rule_sentence(rule)));
}

static void
on_frame(void *arg, enum direction dir, const struct frame *f)
{
	struct conn *c = arg;
	struct event ev = conn_event(&c->set, EV_FRAME);

	ev.u.frame = (struct ev_frame){ .dir = dir, .fin = f->fin, .rsv = f->rsv, .opcode = f->opcode, .masked = f->masked, .length = f->length };
	emit(c, &ev);
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
	finish(c, ENDING_VIOLATION, TRANSPORT_GRACEFUL);
}

static void
feed(struct conn *c, const uint8_t *data, size_t n)
{
	c->last_rx_us = now_us(c);
	heartbeat_alive(&c->beat);
	stream_feed(c->stream, data, n);
	if (is_over(c))
		return;
	if (c->set.is_server && c->close_sent && c->close_received)
		finish(c, ENDING_FINISHED, TRANSPORT_GRACEFUL);
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
			c->second_close_us = now_us(c);
		}
	}
	finish(c, ENDING_BY_TRANSPORT, TRANSPORT_GRACEFUL);
}

/* Reads until there is nothing, the turn is over, or somebody pauses. */
static void
read_in(struct conn *c, int turns)
{
	for (int i = 0; i < turns && !is_over(c) && (!c->paused || c->write_over); i++) {
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
		read_ghost(c);
		return;
	}
	if (bits & T_READ)
		read_in(c, READS_A_TURN);
	if (!is_over(c) && (bits & T_WRITE))
		flush(c);
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

/* --- time --- */

static void
on_closing_timeout(uv_timer_t *timer)
{
	struct conn *c = timer->data;

	/* An answer may be waiting in the socket behind a callback that took long. */
	read_in(c, READS_A_TURN);
	if (is_over(c))
		return;
	c->waited_us = c->set.close_timeout_us;
	if (c->close_received && c->close_sent)
		finish(c, ENDING_FINISHED, TRANSPORT_GRACEFUL);
	else
		finish(c, ENDING_CLOSE_TIMEOUT, TRANSPORT_FIN);
}

static void
send_beat(struct conn *c, int64_t now)
{
	char text[HEARTBEAT_PAYLOAD];
	struct span data = heartbeat_ping(&c->beat, now, text);

	if (!stream_send_control(c->stream, OP_PING, data))
		return;
	if (journal_wants(c->set.journal, EV_PING)) {
		struct event ev = conn_event(&c->set, EV_PING);

		ev.u.ping = (struct ev_ping){ .dir = DIR_OUT, .data = data, .waiting = US_UNKNOWN, .usual_rtt = US_UNKNOWN };
		emit(c, &ev);
	}
	flush_later(c);
}

/* Said before it is declared lost, with what TCP knows: whether the next hop acknowledged what we sent. */
static void
worry(struct conn *c, int64_t now)
{
	struct event ev = conn_event(&c->set, EV_PING);
	struct transport_stat stat;

	transport_stat(c->transport, &stat);
	ev.u.ping = (struct ev_ping){ .dir = DIR_OUT, .waiting = now - c->beat.unanswered_since_us, .usual_rtt = c->rtt_us };
	if (stat.has_tcp && stat.unacked >= 0)
		ev.u.ping.tcp = is_all_acked(&stat) ? SPAN_LIT("acked") : SPAN_LIT("not acked");
	emit(c, &ev);
}

static void on_beat(uv_timer_t *timer);

static void
restart_beat_timer(struct conn *c)
{
	int64_t next = heartbeat_next(&c->beat);

	if (next < 0)
		return;
	int64_t wait = MAX(next - now_us(c), INT64_C(0));
	uv_timer_start(&c->beat_timer, on_beat, (uint64_t)((wait + US_PER_MS - 1) / US_PER_MS), 0);
}

static void
on_beat(uv_timer_t *timer)
{
	struct conn *c = timer->data;

	/* Behind a Close no ping goes out, and the closing handshake has a timeout of its own. */
	if (c->phase != PHASE_OPEN)
		return;
	/* Nothing is declared before the socket has been drained, and our own back-pressure is not silence. */
	if (c->paused)
		heartbeat_alive(&c->beat);
	else
		read_in(c, READS_A_TURN);
	if (c->phase != PHASE_OPEN)
		return;
	int64_t now = now_us(c);
	for (;;) {
		enum heartbeat_action due = heartbeat_due(&c->beat, now);

		if (due == BEAT_NOTHING)
			break;
		if (due == BEAT_PING)
			send_beat(c, now);
		else if (due == BEAT_WORRY)
			worry(c, now);
		else {
			c->waited_us = now - c->beat.unanswered_since_us;
			finish(c, ENDING_PING_TIMEOUT, TRANSPORT_FIN);
			return;
		}
	}
	restart_beat_timer(c);
}

/* --- the interface --- */

static void
on_start(struct loop_task *task)
{
	struct conn *c = container_of(task, struct conn, start);

	if (c->early.len > 0)
		feed(c, buf_head(&c->early), c->early.len);
	buf_deinit(&c->early);
	if (!is_over(c))
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
	c->flush.run = on_flush;
	c->start.run = on_start;
	c->handles = 3;
	c->rtt_us = US_UNKNOWN;
	c->waited_us = US_UNKNOWN;
	now = c->opened_us = c->last_rx_us = c->last_tx_us = now_us(c);
	buf_append(&c->early, early.p, early.n);
	buf_append(stream_out(c->stream), unsent.p, unsent.n);
	uv_timer_init(&set->loop->uv, &c->closing_timer);
	uv_timer_init(&set->loop->uv, &c->beat_timer);
	c->closing_timer.data = c->beat_timer.data = c;
	heartbeat_init(&c->beat, set->ping_interval_us, set->ping_timeout_us, set->journal->src.run, now);
	restart_beat_timer(c);
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
	record_part(c, DIR_OUT, &part);
	flush_later(c);
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
	return is_over(c) ? 0 : stream_out(c->stream)->len + transport_pending(c->transport);
}

bool
conn_is_open(const struct conn *c)
{
	return c->phase == PHASE_OPEN && !c->write_over;
}

void
conn_pause(struct conn *c, bool paused)
{
	if (is_over(c) || c->paused == paused)
		return;
	c->paused = paused;
	c->paused_since_us = now_us(c);
	heartbeat_alive(&c->beat);
	update_wants(c);
	restart_beat_timer(c);
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
	if (!is_over(c))
		finish(c, why, how);
}

void
conn_release(struct conn *c)
{
	if (c->phase == PHASE_GHOST)
		end_ghost(c, false);
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

/* --- by hand --- */

static bool
send_control(struct conn *c, uint8_t opcode, enum event_type type, struct span payload)
{
	struct event ev = conn_event(&c->set, type);

	if (c->phase != PHASE_OPEN || c->write_over || !stream_send_control(c->stream, opcode, payload))
		return false;
	if (type == EV_PING)
		ev.u.ping = (struct ev_ping){ .dir = DIR_OUT, .data = payload, .waiting = US_UNKNOWN, .usual_rtt = US_UNKNOWN };
	else
		ev.u.pong = (struct ev_pong){ .dir = DIR_OUT, .data = payload, .rtt = US_UNKNOWN };
	emit(c, &ev);
	flush_later(c);
	return true;
}

bool
conn_ping(struct conn *c, struct span payload)
{
	char text[HEARTBEAT_PAYLOAD];

	/* Without a payload it is one of ours, whose pong tells the round trip. */
	if (payload.n == 0)
		payload = heartbeat_ping(&c->beat, now_us(c), text);
	if (!send_control(c, OP_PING, EV_PING, payload))
		return false;
	restart_beat_timer(c);
	return true;
}

bool
conn_pong(struct conn *c, struct span payload)
{
	return send_control(c, OP_PONG, EV_PONG, payload);
}

bool
conn_send_fragments(struct conn *c, uint8_t opcode, struct span data, size_t size)
{
	struct stream_chunk all = { .opcode = opcode, .first = true, .last = true, .data = (const uint8_t *)data.p, .n = data.n, .length = data.n };

	if (c->phase != PHASE_OPEN || c->write_over || c->length_out > 0 || !stream_send_fragments(c->stream, opcode, data, size))
		return false;
	c->sent.bytes += data.n;
	c->sent.messages++;
	record_part(c, DIR_OUT, &all);
	flush_later(c);
	return true;
}

bool
conn_send_raw(struct conn *c, struct span bytes)
{
	if (c->phase != PHASE_OPEN || c->write_over)
		return false;
	buf_append(stream_out(c->stream), bytes.p, bytes.n);
	flush_later(c);
	return true;
}

void
conn_set_pongs(struct conn *c, bool answered)
{
	c->set.no_pong = !answered;
}

void
conn_set_pings(struct conn *c, int64_t interval_us, int64_t timeout_us)
{
	heartbeat_set(&c->beat, interval_us, timeout_us, now_us(c));
	if (c->phase != PHASE_OPEN)
		return;
	uv_timer_stop(&c->beat_timer);
	restart_beat_timer(c);
}

void
conn_get_status(const struct conn *c, struct conn_status *ret)
{
	int64_t now = now_us(c);
	struct transport_stat stat = { 0 };

	if (!is_over(c))
		transport_stat(c->transport, &stat);
	*ret = (struct conn_status){
		.id = c->set.id,
		.dial = c->set.dial,
		.is_closing = c->phase != PHASE_OPEN,
		.is_paused = c->paused,
		.age = now - c->opened_us,
		.silent_rx = now - c->last_rx_us,
		.silent_tx = now - c->last_tx_us,
		.rtt = c->rtt_us,
		.sent = c->sent,
		.received = c->received,
		.unsent = conn_unsent(c),
	};
	memcpy(ret->peer, stat.peer, sizeof(ret->peer));
}
