/* SPDX-License-Identifier: MIT */
#include "ws/conn_state.h"

#include <string.h>

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
	conn_emit(c, &ev);
	conn_flush_later(c);
	return true;
}

bool
conn_ping(struct conn *c, struct span payload)
{
	char text[HEARTBEAT_PAYLOAD];

	/* Without a payload it is one of ours, whose pong tells the round trip. */
	if (payload.n == 0)
		payload = heartbeat_ping(&c->beat, conn_now(c), text);
	if (!send_control(c, OP_PING, EV_PING, payload))
		return false;
	conn_restart_beat(c);
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
	conn_record_part(c, DIR_OUT, &all);
	conn_flush_later(c);
	return true;
}

bool
conn_send_raw(struct conn *c, struct span bytes)
{
	if (c->phase != PHASE_OPEN || c->write_over)
		return false;
	buf_append(stream_out(c->stream), bytes.p, bytes.n);
	conn_flush_later(c);
	return true;
}

void
conn_strike(struct conn *c, enum transport_close how, const char *sent_end)
{
	c->sent_end = sent_end;
	conn_abort(c, ENDING_FAULT, how);
}

void
conn_half_close(struct conn *c)
{
	if (conn_is_over(c) || c->write_over)
		return;
	(void)transport_half_close(c->transport);
	c->write_over = true;
	transport_want(c->transport, T_READ);
}

void
conn_stall(struct conn *c, bool stalled)
{
	c->stalled = stalled;
	conn_pause_or_not(c);
}

void
conn_set_pongs(struct conn *c, bool answered)
{
	c->set.no_pong = !answered;
}

void
conn_set_pings(struct conn *c, int64_t interval_us, int64_t timeout_us)
{
	heartbeat_set(&c->beat, interval_us, timeout_us, conn_now(c));
	if (c->phase != PHASE_OPEN)
		return;
	uv_timer_stop(&c->beat_timer);
	conn_restart_beat(c);
}

void
conn_get_status(const struct conn *c, struct conn_status *ret)
{
	int64_t now = conn_now(c);
	struct transport_stat stat = { 0 };

	if (!conn_is_over(c))
		transport_stat(c->transport, &stat);
	*ret = (struct conn_status){
		.id = c->set.id,
		.dial = c->set.dial,
		.is_closing = c->phase != PHASE_OPEN,
		.is_stalled = c->stalled,
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
