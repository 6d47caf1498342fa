/* SPDX-License-Identifier: MIT */
/*
 * conn: ONE open connection, from the moment the upgrade is done to its end, on either side.
 *
 *	opened --> chunk ... --> ended (lost or close, in the journal and up) --> gone (freed)
 *	                               |                                           ^
 *	                               +--> a ghost, read on for a while (hold_us) +
 *
 * It answers pings (only the latest: a flood of pings is not a flood of pongs) and Closes, bounds the closing handshake, watches over silence, and says
 * exactly why it ended. ended and gone come exactly once each, from the loop or from inside conn_close(); nothing else comes after ended but gone.
 */
#ifndef WSDIAG_WS_CONN_H
#define WSDIAG_WS_CONN_H

#include "log/journal.h"
#include "net/transport.h"
#include "ws/ending.h"
#include "ws/stream.h"

enum { CONN_SESSION_MAX = 64 };
enum { CONN_OUT_HIGH = 256 * 1024, CONN_OUT_LOW = 64 * 1024 };

struct conn;

struct conn_settings {
	struct loop *loop;
	struct journal *journal;
	bool is_server;
	struct span session;       /* copied; at most CONN_SESSION_MAX bytes */
	uint32_t id, dial;         /* c<id>, d<dial> */
	int64_t close_timeout_us;
	int64_t ping_interval_us;  /* 0: no pings */
	int64_t ping_timeout_us;   /* 0: never */
	uint64_t max_message;      /* received; 0: no limit */
	struct deflate_terms deflate; /* is_agreed: messages are compressed */
	bool no_pong;              /* pings are not answered */
	int64_t hold_us;           /* after a ping timeout: half-close, and read on for so long; 0: close at once */
	bool hold_open;            /* and do not even half-close */
	size_t capture;            /* bytes of each message to keep for EV_MESSAGE */
};

struct conn_events {
	void (*chunk)(void *arg, const struct stream_chunk *c);
	/* After conn_is_full(): there is room again. */
	void (*writable)(void *arg);
	void (*pong)(void *arg, int64_t rtt_us);
	/* e is borrowed; type is EV_LOST or EV_CLOSE. With e->held it is a ghost from now on: until gone, only conn_release() may be called. */
	void (*ended)(void *arg, enum event_type type, const struct ev_ended *e, bool we_closed_first);
	void (*gone)(void *arg);
};

/* Takes over the transport. early: bytes that came behind the upgrade's head; unsent: what of our own head the transport has not taken yet.
 * Nothing is called back from inside. set is copied. */
struct conn *conn_open(const struct conn_settings *set, struct transport *t, struct span early, struct span unsent, const struct conn_events *up,
    void *arg);

/* As stream_send(). false when the connection is closing or over. */
bool conn_send(struct conn *c, uint8_t opcode, const void *data, size_t n, bool last);
/* More than CONN_OUT_HIGH waits to be written: stop sending until writable. */
bool conn_is_full(const struct conn *c);
/* Bytes queued here and not yet in the kernel. */
uint64_t conn_unsent(const struct conn *c);
/* Whether everything up to here has reached the kernel and the peer's Close has not come. */
bool conn_is_open(const struct conn *c);
/* Reading stops (the peer is pushed back through TCP) or goes on. Ping timeouts rest meanwhile. */
void conn_pause(struct conn *c, bool paused);
bool conn_is_paused(const struct conn *c);
/* Sends a Close and waits for the answer, at most close_timeout_us without progress. Nothing once a Close was sent. */
void conn_close(struct conn *c, int code, struct span reason);
/* Ends at once, without a closing handshake: ENDING_DROPPED or ENDING_INTERRUPTED. */
void conn_abort(struct conn *c, enum ending_reason why, enum transport_close how);
/* The same for a fault: ENDING_FAULT, sent_end in words that live on ("FIN"). Nothing where it is over. */
void conn_strike(struct conn *c, enum transport_close how, const char *sent_end);
/* FIN, and reading goes on; nothing can be sent any more. Not to be called from inside an event of the conn. */
void conn_half_close(struct conn *c);
/* What a person debugging a connection does to it. Each is false where the connection is closing or over. */
bool conn_ping(struct conn *c, struct span payload);
bool conn_pong(struct conn *c, struct span payload);
/* A whole message in frames of at most size bytes (at least 1). */
bool conn_send_fragments(struct conn *c, uint8_t opcode, struct span data, size_t size);
/* Bytes as they are, between frames; the stream knows nothing of them. */
bool conn_send_raw(struct conn *c, struct span bytes);
/* As conn_pause(), and apart from it; a Close of ours ends it, for its answer has to be read. */
void conn_stall(struct conn *c, bool stalled);
void conn_set_pongs(struct conn *c, bool answered);
void conn_set_pings(struct conn *c, int64_t interval_us, int64_t timeout_us);

/* How it stands now. */
struct conn_status {
	uint32_t id, dial;
	bool is_closing, is_stalled;
	int64_t age, silent_rx, silent_tx, rtt;
	struct traffic sent, received;
	uint64_t unsent;
	char peer[64];
};
void conn_get_status(const struct conn *c, struct conn_status *ret);

/* Lets go of a ghost; gone follows. Nothing where it is none. */
void conn_release(struct conn *c);
uint32_t conn_id(const struct conn *c);

/*
 * How far into the bytes sent: a message is handed over when conn_handed() has reached what conn_queued() was right after its last part: its last byte
 * was accepted by the kernel (under TLS: the whole record it is in). Valid until ended, and inside it.
 */
uint64_t conn_queued(const struct conn *c);
uint64_t conn_handed(const struct conn *c);
/* A message was begun and not ended: what is sent now would become part of it. */
bool conn_is_mid_message(const struct conn *c);

/* What conns have in common with those who make them: an event with conn, dial and session filled in. */
struct event conn_event(const struct conn_settings *set, enum event_type type);

#endif
