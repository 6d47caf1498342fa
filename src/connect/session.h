/* SPDX-License-Identifier: MIT */
/*
 * session: what the user sees as "the connection": its dials (redirects and retries among them), its connections, the ghosts of those that were declared lost,
 * and how it all ended. No stdin, signals or exit in here.
 *
 *	start --> dial --+--> open --> lost --+--> waiting --> dial ...
 *	                 +--> failed ---------+--> ended
 */
#ifndef WSDIAG_CONNECT_SESSION_H
#define WSDIAG_CONNECT_SESSION_H

#include "connect/policy.h"
#include "connect/summary.h"
#include "ws/client.h"

enum { SESSION_GHOSTS_MAX = 16 };

struct session;

enum tag_kind { TAG_NONE, TAG_HEADER, TAG_QUERY };

/* Borrowed as long as the session lives. */
struct session_options {
	struct client_options dial;   /* url, conn.session, conn.id and conn.dial, tls, down and failed are the session's to set */
	struct tls_options tls;
	const char *url;
	const char *auth;             /* "user:password", NULL: the URL's, if any */
	bool follows_redirects;       /* -L */
	unsigned max_redirects;
	struct policy policy;
	size_t resend_max;            /* a message longer than this is not sent again after a loss */
	enum tag_kind tag;
	const char *tag_name;         /* of the query parameter */
	int64_t heartbeat_us;         /* 0: none */
	const char *heartbeat;        /* a text message */
	bool stays;                   /* a session that has nothing open is idle, not over, until session_quit() */
};

struct session_events {
	/* again: not for the first time. What is sent from inside goes out before what waits. */
	void (*opened)(void *arg, bool again);
	void (*chunk)(void *arg, const struct stream_chunk *c);
	/* There is room again. */
	void (*writable)(void *arg);
	/* A connection ended, and another is to come: an unfinished message will not be finished. */
	void (*interrupted)(void *arg);
	/* With stays: nothing is open and nothing will be by itself; status as for ended. */
	void (*idle)(void *arg, int status);
	/* The last connection has ended, or no dial opened; status is the exit status that this alone would give. Nothing comes after it but gone. */
	void (*ended)(void *arg, int status);
	/* Every handle is closed. */
	void (*gone)(void *arg);
};

/* 0 and *ret; or an exit status, with a sentence in *ret_error (caller frees): the URL or a TLS file. */
MUST_CHECK int session_new(const struct session_options *opt, const struct session_events *up, void *arg, struct session **ret, char **ret_error);
void session_free(struct session *s);
/* As events have them; the URL is without userinfo. */
struct span session_name(const struct session *s);
struct span session_url(const struct session *s);
void session_start(struct session *s);

/* As conn_send(). With reconnecting, what no connection takes waits for the next; else false where none is open. */
bool session_send(struct session *s, uint8_t opcode, const void *data, size_t n, bool last);
/* A whole message on the connection that is open, or not at all: never sent again. */
bool session_send_now(struct session *s, uint8_t opcode, struct span data);
/* Stop sending until writable or opened: too much waits, or there is no connection, or none any more that takes something. */
bool session_is_full(const struct session *s);
bool session_is_paused(const struct session *s);
/* Whether everything was handed over. */
bool session_is_sent(struct session *s);
void session_pause(struct session *s, bool paused);
/* A closing handshake; a dial or a wait for one is given up. */
void session_close(struct session *s, int code);
/* At once. */
void session_abort(struct session *s);
/* Messages received so far. */
uint64_t session_received(const struct session *s);
/* Bytes that did not reach the kernel before the session ended, and messages too long to be sent again that were cut. */
uint64_t session_undelivered(const struct session *s);
uint64_t session_cut_messages(const struct session *s);

/* So far. */
const struct summary *session_summary(const struct session *s);

/* By hand: what a person debugging a connection wants of it. */
enum session_state { SESSION_IDLE, SESSION_DIALLING, SESSION_OPEN, SESSION_CLOSING, SESSION_WAITING };
enum session_state session_state(const struct session *s);
/* SESSION_WAITING: until the next dial; else US_UNKNOWN. */
int64_t session_retry_in_us(const struct session *s);
/* The connection that is sent on; NULL: none. Borrowed until the next turn of the loop. */
struct conn *session_conn(const struct session *s);
/* Dials now; beside: although a connection is open. false when a dial is under way, or a connection in the way. */
bool session_dial(struct session *s, bool beside);
/* Another URL for the next dial. 0 or an exit status with a sentence. */
MUST_CHECK int session_retarget(struct session *s, const char *url, char **ret_error);
/* Closes what is open and dials again. */
bool session_redial(struct session *s);
/* For the connections that are open, and later ones. */
void session_set_pongs(struct session *s, bool answered);
void session_set_pings(struct session *s, int64_t interval_us, int64_t timeout_us);
/* Which connection is sent on. */
bool session_use(struct session *s, uint32_t id);
/* Those that are open or closing, oldest first; those that were declared lost and are held. */
size_t session_conns(const struct session *s, struct conn **ret, size_t max);
size_t session_ghosts(const struct session *s, struct conn **ret, size_t max);
/* Closes everything with 1000; ended follows, also with stays. */
void session_quit(struct session *s);

/* Writes the end event. */
void session_emit_end(struct session *s, int exit_status);

#endif
