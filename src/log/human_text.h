/* SPDX-License-Identifier: MIT */
/*
 * human_text: what a person reads about an event, without the columns before it.
 *
 * One sentence: the cause, then numbers; what is zero or unknown is left out. A refused upgrade and an HTTP head bring lines of their own,
 * each after a newline. Everything that came from a peer is escaped here.
 */
#ifndef WSDIAG_LOG_HUMAN_TEXT_H
#define WSDIAG_LOG_HUMAN_TEXT_H

#include "log/sink.h"

void human_text(struct buf *out, const struct event *ev, const struct human_options *opt);

/* What begins the colour of the event's word; "": none. */
const char *human_colour(const struct event *ev);

/* 188kB: a count of bytes as a person reads it. */
void human_bytes(struct buf *out, uint64_t n);

#endif
