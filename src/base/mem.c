/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void *
need(void *ptr)
{
	if (ptr == NULL) {
		fputs("wsdiag: out of memory\n", stderr);
		abort();
	}
	return ptr;
}

void *
xmalloc(size_t size)
{
	return need(malloc(size > 0 ? size : 1));
}

void *
xcalloc(size_t n, size_t size)
{
	return need(calloc(n > 0 ? n : 1, size > 0 ? size : 1));
}

void *
xrealloc(void *ptr, size_t size)
{
	return need(realloc(ptr, size > 0 ? size : 1));
}

char *
xstrdup(const char *s)
{
	return need(strdup(s));
}

char *
xstrndup(const char *s, size_t n)
{
	return need(strndup(s, n));
}

char *
xasprintf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	int n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return need(n < 0 ? NULL : s);
}
