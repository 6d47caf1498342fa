/* SPDX-License-Identifier: MIT */
/*
 * span: borrowed bytes with a length. Not NUL-terminated; p may be NULL when n is 0.
 * Text comparisons "_ci" fold ASCII letters only, as HTTP does (RFC 9110 section 5.1).
 */
#ifndef WSDIAG_BASE_SPAN_H
#define WSDIAG_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>

struct span {
	const char *p;
	size_t n;
};

struct span_list {
	const struct span *items;
	size_t n;
};

/* A name and its value: a header, as everything in HTTP that comes in pairs. */
struct header {
	struct span name, value;
};

struct header_list {
	const struct header *items;
	size_t n;
};

#define SPAN_LIT(s) ((struct span){ "" s, sizeof(s) - 1 })
#define SPAN_NONE ((struct span){ NULL, 0 })

/* NULL gives SPAN_NONE. */
struct span span_of(const char *s);
bool span_eq(struct span a, const char *b);
bool span_eq_ci(struct span a, const char *b);
bool span_starts_ci(struct span a, const char *prefix);
/* Case-insensitive search for needle anywhere in a. */
bool span_contains_ci(struct span a, const char *needle);
/* Without leading and trailing spaces and tabs (OWS, RFC 9110 section 5.6.3). */
struct span span_trim(struct span a);
/* Takes the text up to the next sep off the front of *rest, sep too; false when *rest was exhausted
 * (rest->p is then NULL). "a,,b" gives "a", "", "b". */
bool span_next(struct span *rest, char sep, struct span *ret_item);
/* A heap copy with a NUL behind it; caller frees. */
char *span_dup(struct span a);

#endif
