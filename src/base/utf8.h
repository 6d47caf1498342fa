/* SPDX-License-Identifier: MIT */
/*
 * utf8: incremental validation (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF).
 *
 * A message may be cut anywhere; the state carries over. RFC 6455 section 8.1 wants a bad sequence failed as soon as it is seen.
 */
#ifndef WSDIAG_BASE_UTF8_H
#define WSDIAG_BASE_UTF8_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* A zeroed struct stands at a character boundary. */
struct utf8 {
	uint8_t need;      /* continuation bytes still to come */
	uint8_t low, high; /* what the next one may be, when need > 0 */
};

/* The number of bytes that are valid so far: n when all are, else the offset of the first byte that makes it invalid. */
size_t utf8_feed(struct utf8 *u, const void *data, size_t n);
/* Whether the text may end here. */
static inline bool
utf8_is_complete(const struct utf8 *u)
{
	return u->need == 0;
}
bool utf8_is_valid(struct span s);

#endif
