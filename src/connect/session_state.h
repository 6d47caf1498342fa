/* SPDX-License-Identifier: MIT */
/*
 * session_state: a session's state, and what its files share: session.c (connections, the end, the interface), session_dial.c and session_hand.c (by hand).
 * Internal to them.
 */
#ifndef WSDIAG_CONNECT_SESSION_STATE_H
#define WSDIAG_CONNECT_SESSION_STATE_H

#include "connect/outbox.h"
#include "connect/session.h"
#include "connect/target.h"

struct session {
	struct session_options opt;
	const struct session_events *up;
	void *up_arg;
	struct target target;
	char *given_url;             /* of session_retarget() */
	struct tls_context *tls;
	char name[32];               /* <run>-1 */
	struct client *client;       /* while dialling */
	struct bond *dialling;       /* what it will be if it opens */
	struct list bonds;           /* connections that are open or closing, oldest first */
	struct bond *current;        /* the one of them that is sent on; NULL: none */
	struct list ghosts;
	unsigned n_ghosts;
	uv_timer_t retry, heartbeat;
	int open_objects;            /* clients, connections and timers whose handles are not closed yet */
	bool is_over, is_closing;
	bool redials;                /* as soon as the connection that was closed for it has ended */
	int64_t retry_due_us;
	struct outbox outbox;

	unsigned step;               /* of the delays */
	uint32_t failures;           /* consecutive dials */
	int status;                  /* of the last cause */

	struct summary sum;
	uint64_t undelivered, received_now;
};

/* One connection of the session, until it is gone. */
struct bond {
	struct list link;            /* among the bonds, or the ghosts */
	bool is_ghost;
	struct session *session;
	struct conn *conn;
};

static inline struct loop *
session_loop(const struct session *s)
{
	return s->opt.dial.conn.loop;
}

static inline struct journal *
session_journal(const struct session *s)
{
	return s->opt.dial.conn.journal;
}

int64_t session_now(const struct session *s);

extern const struct conn_events session_conn_up; /* for a bond */

/* One open object less. */
void session_release(struct session *s);
/* Nothing is open, and nothing will be by itself. */
void session_end_with(struct session *s, int status);

/* The retry event, and the dial when it is due. retry_after_us: what a server asked for, or US_UNKNOWN. */
void session_schedule(struct session *s, int64_t retry_after_us);
void session_give_up(struct session *s, const char *why);
/* Dials where the target points. */
void session_start_dial(struct session *s);
/* Made when first needed: loading the system's authorities costs milliseconds. 0 or an exit status. */
MUST_CHECK int session_need_tls(struct session *s, char **ret_error);
/* Every connection ends, by a closing handshake or at once, and a dial or the wait for one is given up. */
void session_end_all(struct session *s, int code, bool at_once);

#endif
