/* SPDX-License-Identifier: MIT */
/*
 * setting: how client and server are set up for a plan, and what the plan promises to show. It stands in the plan's own comments, as the options that a person
 * would type (wsdiag-demo(1)):
 *
 *	#: connect --ping-interval 2 --ping-timeout 8 --reconnect-delay 2.5
 *	#: serve --ping-interval 4 --ping-timeout 16
 *	#: demo --speed 5 --as websocket-client:1.9
 *	#: shows lost reconnect overlap late-end
 *
 * Pure. Times are the plan's: setting_speed_up() makes them shorter together with it.
 */
#ifndef WSDIAG_DEMO_SETTING_H
#define WSDIAG_DEMO_SETTING_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define SETTING_SPEED_MIN 0.01
#define SETTING_SPEED_MAX 1000.0

/* What can be shown; bits of a set. */
enum shown {
	SHOWN_LOST,        /* the client lost a connection */
	SHOWN_CLOSED,      /* its peer closed one */
	SHOWN_FAILED,      /* a dial failed */
	SHOWN_RECONNECT,
	SHOWN_HIDDEN,      /* a loss of which the other library's user hears nothing */
	SHOWN_OVERLAP,     /* two at the server at once */
	SHOWN_LATE_END,    /* and then the older one ended there */
	SHOWN_UNSEEN,      /* ended at the server, open as far as the client knows */
	SHOWN_ORPHAN,      /* opened at the server for a dial that the client gave up */
	SHOWN_REPLAY,      /* one request opened twice at the server */
	SHOWN_COUNT
};

/* Microseconds; 0: none. */
struct setting {
	struct {
		int64_t ping_interval_us, ping_timeout_us;
	} client, server;
	int64_t reconnect_delay_us, connect_timeout_us, heartbeat_us;
	int64_t stop_after_us;   /* the server stops, and closes what is open there with 1001 */
	double speed;
	char as[64];             /* whose callbacks tell most */
	unsigned shows;          /* bits of enum shown */
};

/* Defaults, then the lines of text that begin with "#:". 0, or -EINVAL with a sentence that begins with NAME:LINE. */
MUST_CHECK int setting_read(struct setting *ret, const char *name, struct span text, struct buf *error);
bool setting_parse_speed(const char *text, double *ret);
/* Every time n times shorter. */
void setting_speed_up(struct setting *s, double n);

/* "the late end of the older one" */
const char *shown_phrase(enum shown what);

#endif
