/* SPDX-License-Identifier: MIT */
/*
 * session: what the user sees as "the connection": its dials (redirects among them), its connection, and how it all ended. No stdin, signals or exit in here.
 */
#ifndef WSDIAG_CONNECT_SESSION_H
#define WSDIAG_CONNECT_SESSION_H

#include "ws/client.h"

struct session;

/* Borrowed as long as the session lives. */
struct session_options {
	struct client_options dial;   /* url, conn.session, conn.id and conn.dial, and tls are the session's to set */
	struct tls_options tls;
	const char *url;
	const char *auth;             /* "user:password", NULL: the URL's, if any */
	bool follows_redirects;       /* -L */
	unsigned max_redirects;
};

struct session_events {
	void (*opened)(void *arg);
	void (*chunk)(void *arg, const struct stream_chunk *c);
	void (*writable)(void *arg);
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

/* As conn_*; false or nothing where no connection is open. */
bool session_send(struct session *s, uint8_t opcode, const void *data, size_t n, bool last);
bool session_is_full(const struct session *s);
bool session_is_open(const struct session *s);
bool session_is_paused(const struct session *s);
/* Bytes queued and not yet in the kernel. */
uint64_t session_unsent(const struct session *s);
void session_pause(struct session *s, bool paused);
/* A closing handshake; a dial in progress is given up. */
void session_close(struct session *s, int code);
/* At once. */
void session_abort(struct session *s);
/* Messages received so far. */
uint64_t session_received(const struct session *s);
/* Bytes that were sent but had not reached the kernel when the connection ended, and those of a message cut short. */
uint64_t session_undelivered(const struct session *s);

/* Writes the end event. */
void session_emit_end(struct session *s, int exit_status);

#endif
