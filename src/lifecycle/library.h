/* SPDX-License-Identifier: MIT */
/*
 * library: what the user of another library would have heard of the same happenings: an event goes in, a callback comes out. Pure: no I/O, no clock.
 *
 *	open          on_open
 *	lost          on_error           once; every later one: (silence)
 *	failed        (silence)
 *	reconnect     on_open again      1.7; on_reconnect since 1.8
 *
 * So far the library is websocket-client for Python, WebSocketApp.run_forever() with reconnect set, read from its source and held against the real
 * one, version by version, in tests/e2e/test_library.py. What stands in parentheses is no callback: "(silence)", "(returned)" from run_forever(), and
 * "(raised)", an exception that came out of it and that nobody caught.
 */
#ifndef WSDIAG_LIFECYCLE_LIBRARY_H
#define WSDIAG_LIFECYCLE_LIBRARY_H

#include "base/buf.h"
#include "lifecycle/event.h"

struct library_rules;

/* Which library, and how it is used. A value; it owns nothing. */
struct library {
	const struct library_rules *rules;
	bool has_on_reconnect; /* its user defined the callback, and the version has it */
};

/*
 * name: "websocket-client:1.7", "websocket-client:1.8,rel" for the dispatcher of that name, "websocket-client:1.8,no-on_reconnect" for an app that
 * defines none. 0, or -EINVAL with a sentence in error that lists what is known.
 */
MUST_CHECK int library_parse(const char *name, struct library *ret, struct buf *error);
/* For --help and completion: the names without options, NULL-terminated. */
extern const char *const library_names[];

/* The happenings of ONE client, in order. */
struct library_model;

struct library_model *library_model_new(const struct library *l);
void library_model_free(struct library_model *m);
/*
 * Appends the callback for this event to out and returns true; false, with nothing appended, for an event that is no happening to a client. Of a proxy
 * the events of the client leg count, and what a server logged is turned round: its peer is the client.
 */
bool library_feed(struct library_model *m, const struct event *ev, struct buf *out);

#endif
