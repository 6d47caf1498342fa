/* SPDX-License-Identifier: MIT */
#include "base/span.h"

#include "base/mem.h"

#include <string.h>
#include <strings.h>

struct span
span_of(const char *s)
{
	return (struct span){ s, s != NULL ? strlen(s) : 0 };
}

bool
span_eq(struct span a, const char *b)
{
	return a.n == strlen(b) && (a.n == 0 || memcmp(a.p, b, a.n) == 0);
}

bool
span_eq_ci(struct span a, const char *b)
{
	return a.n == strlen(b) && (a.n == 0 || strncasecmp(a.p, b, a.n) == 0);
}

bool
span_starts_ci(struct span a, const char *prefix)
{
	size_t n = strlen(prefix);

	return a.n >= n && (n == 0 || strncasecmp(a.p, prefix, n) == 0);
}

bool
span_contains_ci(struct span a, const char *needle)
{
	size_t n = strlen(needle);

	for (size_t i = 0; i + n <= a.n; i++)
		if (n == 0 || strncasecmp(a.p + i, needle, n) == 0)
			return true;
	return false;
}

struct span
span_trim(struct span a)
{
	while (a.n > 0 && (*a.p == ' ' || *a.p == '\t'))
		a.p++, a.n--;
	while (a.n > 0 && (a.p[a.n - 1] == ' ' || a.p[a.n - 1] == '\t'))
		a.n--;
	return a;
}

bool
span_next(struct span *rest, char sep, struct span *ret_item)
{
	if (rest->p == NULL)
		return false;

	const char *end = rest->n > 0 ? memchr(rest->p, sep, rest->n) : NULL;

	if (end == NULL) {
		*ret_item = *rest;
		*rest = SPAN_NONE;
	} else {
		*ret_item = (struct span){ rest->p, (size_t)(end - rest->p) };
		rest->n -= ret_item->n + 1;
		rest->p = end + 1;
	}
	return true;
}

char *
span_dup(struct span a)
{
	char *s = xmalloc(a.n + 1);

	if (a.n > 0)
		memcpy(s, a.p, a.n);
	s[a.n] = '\0';
	return s;
}
