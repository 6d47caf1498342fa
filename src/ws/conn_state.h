/* SPDX-License-Identifier: MIT */
/*
 * conn_state: one connection's state, and what the files of conn share. Internal to conn*.c:
 *
 *	conn.c        reading, writing, messages, the closing handshake
 *	conn_beat.c   pings of our own, and what their silence means
 *	conn_end.c    the end: what is told, ghosts, letting go
 *	conn_hand.c   what a person does to it by hand
 */
#ifndef WSDIAG_WS_CONN_STATE_H
#define WSDIAG_WS_CONN_STATE_H

#include "ws/conn.h"
#include "ws/heartbeat.h"

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

	bool held_back, stalled, paused; /* by back-pressure, by hand; by either */
	bool write_over, was_full;
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
	const char *sent_end;        /* of a fault, in words */

	/* For the record. */
	int64_t opened_us, last_rx_us, last_tx_us, paused_since_us, ended_us, rtt_us;
	struct traffic sent, received, ghost;
	uint64_t written;            /* bytes the transport has taken */
	uint64_t length_out;
	struct buf captured_in, captured_out;
};

int64_t conn_now(const struct conn *c);
void conn_emit(struct conn *c, struct event *ev);
/* Ended, as far as anybody above is concerned. */
bool conn_is_over(const struct conn *c);
/* Reads until there is nothing, the turn is over, or somebody pauses. May end the connection. */
void conn_read(struct conn *c, int turns);
/* Writes before the loop waits; at once what is more than memory should hold. */
void conn_flush_later(struct conn *c);
/* Tells of a message when its last part goes by. */
void conn_record_part(struct conn *c, enum direction dir, const struct stream_chunk *part);

/* Says how it ended, once; then the transport goes, or is held as a ghost. */
void conn_finish(struct conn *c, enum ending_reason why, enum transport_close how);
void conn_read_ghost(struct conn *c);
/* For the transport's closed. */
void conn_part_closed(struct conn *c);
/* The next hop has everything we sent: the far side is silent, the path is not dead. */
bool conn_all_acked(const struct transport_stat *stat);

void conn_restart_beat(struct conn *c);
/* held_back or stalled has changed. */
void conn_pause_or_not(struct conn *c);

#endif
