/* SPDX-License-Identifier: MIT */
/*
 * mem: allocation that does not fail, and what makes ownership readable.
 *
 * Out of memory is not survivable here: x* functions print one line and abort.
 * Everything a peer can size is limited before it reaches them.
 */
#ifndef WSDIAG_BASE_MEM_H
#define WSDIAG_BASE_MEM_H

#include <stddef.h>
#include <stdlib.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args), nonnull(fmt)))
#define CLEANUP(release) __attribute__((cleanup(release)))
#define UNUSED __attribute__((unused))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

/* Hands a pointer over: the variable is NULL afterwards. */
#define steal(pp) __extension__({ __typeof__(*(pp)) *p_ = (pp); __typeof__(*p_) v_ = *p_; *p_ = NULL; v_; })

/* A string that is freed at the end of its scope: char *s CLEANUP(free_charp) = NULL; */
static inline void
free_charp(char **s)
{
	free(*s);
}

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *ptr, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...) __attribute__((malloc, returns_nonnull)) PRINTF_LIKE(1, 2);

#endif
