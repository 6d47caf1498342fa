/* SPDX-License-Identifier: MIT */
/*
 * hearing: what another library would have told its user, for each of the clients that come through a proxy. A client is known by its tag, else by its
 * address without the port: who tries it with two untagged clients on one machine hears a mixture.
 */
#ifndef WSDIAG_PROXY_HEARING_H
#define WSDIAG_PROXY_HEARING_H

#include "lifecycle/library.h"

enum { HEARING_CLIENTS = 256 };

struct hearing;

struct hearing *hearing_new(const struct library *l);
void hearing_free(struct hearing *h);
/* ev: of a client leg; client: its address and port. Appends the callback to out and returns true; false for what is no happening to the client. */
bool hearing_feed(struct hearing *h, const struct event *ev, struct span client, struct buf *out);

#endif
