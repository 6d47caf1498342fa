/* SPDX-License-Identifier: MIT */
/*
 * listener: accepts TCP connections. When descriptors run out (EMFILE) it pauses for LISTENER_PAUSE_MS instead of spinning; a reserve descriptor lets it
 * accept and drop one waiting client meanwhile.
 */
#ifndef WSDIAG_NET_LISTENER_H
#define WSDIAG_NET_LISTENER_H

#include "net/loop.h"

#include <sys/socket.h>

enum { LISTENER_PAUSE_MS = 100, LISTENER_BATCH = 64 };

struct listener;

struct listener_events {
	/* A connected, non-blocking, close-on-exec socket, the receiver's. peer as in struct attempt. */
	void (*accepted)(void *arg, int fd, const char *peer);
	/* accept failed with this (positive) errno; it goes on by itself. Told once for each time it begins. */
	void (*trouble)(void *arg, int err);
	void (*closed)(void *arg);
};

/* Binds and listens. 0, or a negative errno: nothing was made. address is written back with the port that was bound. */
MUST_CHECK int listener_new(struct loop *l, struct sockaddr_storage *address, const struct listener_events *up, void *arg, struct listener **ret);
/* As many descriptors as the system lets this process have. */
void listener_raise_limit(void);
/* closed follows from the loop; then it is gone. */
void listener_close(struct listener *li);

#endif
