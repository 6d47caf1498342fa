/* SPDX-License-Identifier: MIT */
/*
 * story: what came of it all, in words: fed the events of client, proxy and server, it knows what was shown so far, and in the end says what happened. Pure.
 *
 * A dial's number joins the three: the client's tag carries it. What is an overlap or a replay is the ledger's to say, in the server's journal.
 */
#ifndef WSDIAG_DEMO_STORY_H
#define WSDIAG_DEMO_STORY_H

#include "demo/setting.h"
#include "lifecycle/event.h"

struct story;

struct story *story_new(void);
void story_free(struct story *s);
/* heard: the callback of the other library for this event; none where it is no happening to a client. */
void story_feed(struct story *s, const struct event *ev, struct span heard);
/* What was shown so far; bits of enum shown. Some of it passes: an end that nobody saw is seen later. */
unsigned story_shown(const struct story *s);
/* Whether the client has a connection open, as far as it knows. */
bool story_is_up(const struct story *s);
/* A sentence a line. version: "1.7". */
void story_tell(const struct story *s, const char *version, struct buf *out);

#endif
