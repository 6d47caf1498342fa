/* SPDX-License-Identifier: MIT */
#include "ws/conn_state.h"

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
		conn_emit(c, &ev);
	}
	conn_flush_later(c);
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
		ev.u.ping.tcp = conn_all_acked(&stat) ? SPAN_LIT("acked") : SPAN_LIT("not acked");
	conn_emit(c, &ev);
}

static void on_beat(uv_timer_t *timer);

void
conn_restart_beat(struct conn *c)
{
	int64_t next = heartbeat_next(&c->beat);

	if (next < 0)
		return;
	int64_t wait = MAX(next - conn_now(c), INT64_C(0));
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
		conn_read(c, READS_A_TURN);
	if (c->phase != PHASE_OPEN)
		return;
	int64_t now = conn_now(c);
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
			conn_finish(c, ENDING_PING_TIMEOUT, TRANSPORT_FIN);
			return;
		}
	}
	conn_restart_beat(c);
}
