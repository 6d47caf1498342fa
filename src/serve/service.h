/* SPDX-License-Identifier: MIT */
/*
 * service: a WebSocket server as an object: a listener, its connections, and what it does with messages. No stdin, signals or exit in here.
 */
#ifndef WSDIAG_SERVE_SERVICE_H
#define WSDIAG_SERVE_SERVICE_H

#include "fault/plan.h"
#include "net/listener.h"
#include "ws/server.h"

struct service;

enum service_mode { SERVICE_ECHO, SERVICE_SINK, SERVICE_SEND };

/* Borrowed as long as the service lives; server.conn_up is the service's to set. */
struct service_options {
	struct server_options server;
	enum service_mode mode;
	uint64_t max_connections;
	struct sockaddr_storage address;
	const struct plan *plan;     /* of faults; NULL or without lines: none */
};

struct service_events {
	/* SERVICE_SEND: somebody can be sent to; and again when everybody can take more. */
	void (*writable)(void *arg);
	/* After service_stop(): everything is closed. */
	void (*stopped)(void *arg);
};

/* Binds and listens, and writes the listen event. 0 and *ret, or a negative errno: nothing was made. */
MUST_CHECK int service_new(const struct service_options *opt, const struct service_events *up, void *arg, struct service **ret);
void service_free(struct service *s);
/* Stops listening and closes every connection with 1001; at_once: without a closing handshake. May be called again, to hurry. */
void service_stop(struct service *s, bool at_once);
/* For the plan's "on signal". */
void service_signal(struct service *s, int signum);
/* To every open connection; as conn_send(). */
void service_broadcast(struct service *s, uint8_t opcode, const void *data, size_t n, bool last);
/* Nobody is there, or somebody's queue is full: stop broadcasting until writable. */
bool service_is_full(const struct service *s);
/* Writes the end event. */
void service_emit_end(struct service *s, int exit_status);

#endif
