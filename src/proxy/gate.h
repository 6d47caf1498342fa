/* SPDX-License-Identifier: MIT */
/*
 * gate: the proxy as an object: a listener, its pairs, and the plan that strikes them. No stdin, signals or exit in here.
 */
#ifndef WSDIAG_PROXY_GATE_H
#define WSDIAG_PROXY_GATE_H

#include "net/listener.h"
#include "proxy/pair.h"

struct gate;

/* Borrowed as long as the gate lives. */
struct gate_options {
	struct pair_options pair;
	struct sockaddr_storage address;
	uint64_t max_connections;    /* more are refused with an RST */
	const struct library *as;    /* whose callbacks to tell; NULL: nobody's */
	const char *as_name;
};

struct gate_events {
	/* After gate_stop(): everything is closed. */
	void (*stopped)(void *arg);
};

/* Binds and listens, and writes the listen event. 0 and *ret, or a negative errno: nothing was made. */
MUST_CHECK int gate_new(const struct gate_options *opt, const struct gate_events *up, void *arg, struct gate **ret);
void gate_free(struct gate *g);
/* Stops listening and ends every pair: Close 1001 on both legs where they are open; at_once: RST. May be called again, to hurry. */
void gate_stop(struct gate *g, bool at_once);
/* For the plan's "on signal" and "on line". */
void gate_signal(struct gate *g, int signum);
void gate_line(struct gate *g, struct span typed);
void gate_emit_end(struct gate *g, int exit_status);

#endif
