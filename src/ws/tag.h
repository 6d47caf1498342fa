/* SPDX-License-Identifier: MIT */
/*
 * tag: the name of a session and the number of a dial, as a client may put them into its request: "Wsdiag-Session: <session>; dial=<n>", or the query
 * parameter ?NAME=<session>.<n>. A peer's word: bounded, and ignored where it makes no sense.
 */
#ifndef WSDIAG_WS_TAG_H
#define WSDIAG_WS_TAG_H

#include "codec/http_head.h"

#include <stdint.h>

enum { TAG_SESSION_MAX = 64 };

struct tag {
	char session[TAG_SESSION_MAX + 1]; /* "": none */
	uint32_t dial;                     /* 0: none */
};

/* query: the name of the parameter; NULL: only the header counts. */
void tag_read(struct tag *ret, const struct http_head *request, const char *query);

#endif
