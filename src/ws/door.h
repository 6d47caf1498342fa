/* SPDX-License-Identifier: MIT */
/*
 * door: where serve and proxy let clients in: a listener that a plan's "unlisten" shuts, for a time or for ever (a true "connection refused"), and that
 * opens again on the same address and port. When accepting fails, or opening again does, the journal has a note; both are tried again.
 */
#ifndef WSDIAG_WS_DOOR_H
#define WSDIAG_WS_DOOR_H

#include "log/journal.h"
#include "net/listener.h"

enum { DOOR_RETRY_MS = 1000 };

struct door;

struct door_events {
	void (*accepted)(void *arg, int fd, const char *peer); /* as listener's */
	void (*closed)(void *arg);                             /* after door_close(); then it is gone */
};

/* 0, or a negative errno: nothing was made. Port 0 is any that is free. */
MUST_CHECK int door_new(struct loop *l, struct journal *j, const struct sockaddr_storage *address, const struct door_events *up, void *arg, struct door **ret);
/* As text, with the port that was bound; host: as one pastes it into a URL. See listen_address_format(). */
void door_format(const struct door *d, char address[static 64], char host[static 64]);
/* Shuts it, for so long from now; negative: for ever. A door that is shut takes the new time. It keeps the loop alive all the same. */
void door_shut(struct door *d, int64_t for_us);
/* For good. */
void door_close(struct door *d);

#endif
