/* SPDX-License-Identifier: MIT */
#include "ws/conn_state.h"

#include <assert.h>
#include <string.h>

void
conn_part_closed(struct conn *c)
{
	if (--c->handles > 0)
		return;

	struct event ev = conn_event(&c->set, EV_GONE);

	ev.u.gone.after = conn_now(c) - c->ended_us;
	conn_emit(c, &ev);
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
on_timer_closed(uv_handle_t *handle)
{
	conn_part_closed(handle->data);
}

bool
conn_all_acked(const struct transport_stat *stat)
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
		.sent_end = c->sent_end,
		.tcp_known = stat->has_tcp && stat->unacked >= 0,
		.tcp_all_acked = conn_all_acked(stat),
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

void
conn_finish(struct conn *c, enum ending_reason why, enum transport_close how)
{
	struct transport_end ends[TRANSPORT_ENDS_MAX];
	struct transport_stat stat;
	struct ending_facts facts;
	struct event ev = conn_event(&c->set, EV_LOST);
	struct buf text = { 0 };
	bool held = why == ENDING_PING_TIMEOUT && c->set.hold_us > 0;

	assert(!conn_is_over(c));
	c->phase = held ? PHASE_GHOST : PHASE_ENDED;
	c->ended_us = conn_now(c);
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
	conn_emit(c, &ev);
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
end_ghost(struct conn *c, bool ended, enum transport_close how)
{
	struct event ev = conn_event(&c->set, EV_GHOST);
	int64_t now = conn_now(c);
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
	conn_emit(c, &ev);
	buf_deinit(&text);
	let_go(c, how);
}

static void
on_ghost_timeout(uv_timer_t *timer)
{
	end_ghost(timer->data, false, TRANSPORT_FIN);
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
void
conn_read_ghost(struct conn *c)
{
	for (int i = 0; i < READS_A_TURN; i++) {
		ssize_t n = transport_read(c->transport, c->set.loop->scratch, LOOP_SCRATCH);

		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			end_ghost(c, true, TRANSPORT_FIN);
			return;
		}
		c->ghost.bytes += (uint64_t)n;
		stream_feed(c->stream, c->set.loop->scratch, (size_t)n);
	}
}

/* Nobody waits for what was lost. */
void
conn_release(struct conn *c)
{
	if (c->phase == PHASE_GHOST)
		end_ghost(c, false, TRANSPORT_LET_GO);
}
