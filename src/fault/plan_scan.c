/* SPDX-License-Identifier: MIT */
#include "fault/plan_scan.h"

#include "base/escape.h"
#include "base/nearest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

static void
skip_space(struct scan *s)
{
	while (s->at < s->text.n && is_space(s->text.p[s->at]))
		s->at++;
}

bool
scan_is_over(struct scan *s)
{
	skip_space(s);
	return s->at == s->text.n || s->text.p[s->at] == '#';
}

bool
scan_char(struct scan *s, char c)
{
	if (scan_is_over(s) || s->text.p[s->at] != c)
		return false;
	s->at++;
	return true;
}

/* What stands behind the opening quote, up to the closing one. */
static int
take_quoted(struct scan *s, struct word *ret)
{
	static const char plain[] = "\"\\nt", meant[] = "\"\\\n\t";
	size_t opened = s->at++;

	ret->is_quoted = true;
	for (; s->at < s->text.n; s->at++) {
		char c = s->text.p[s->at];
		const char *escaped = c == '\\' && s->at + 1 < s->text.n ? strchr(plain, s->text.p[s->at + 1]) : NULL;

		if (c == '"') {
			s->at++;
			return 1;
		}
		if (escaped != NULL) {
			c = meant[escaped - plain];
			s->at++;
		}
		ret->text[ret->n++] = c;
	}
	return scan_fail(s, opened, "this quote is never closed");
}

static int
take(struct scan *s, char stop, bool keeps_space, struct word *ret)
{
	ret->n = 0;
	ret->is_quoted = false;
	ret->text[0] = '\0';
	if (scan_is_over(s))
		return 0;
	ret->at = s->at;
	while (s->at < s->text.n) {
		char c = s->text.p[s->at];

		if (c == '#' || (c == stop && stop != '\0') || (is_space(c) && !keeps_space))
			break;
		if (c != '"') {
			ret->text[ret->n++] = c;
			s->at++;
		} else if (take_quoted(s, ret) < 0) {
			return -EINVAL;
		}
	}
	ret->text[ret->n] = '\0';
	return s->at > ret->at;
}

int
scan_word(struct scan *s, char stop, struct word *ret)
{
	return take(s, stop, false, ret);
}

int
scan_peek(struct scan *s, char stop, struct word *ret)
{
	size_t at = s->at;
	int r = take(s, stop, false, ret);

	s->at = at;
	return r;
}

int
scan_rest(struct scan *s, char stop, struct word *ret)
{
	int r = take(s, stop, true, ret);

	/* White space before the end is not meant, unless it was quoted. */
	while (r == 1 && ret->n > 0 && is_space(ret->text[ret->n - 1]) && is_space(s->text.p[s->at - 1])) {
		ret->text[--ret->n] = '\0';
		s->at--;
	}
	return r;
}

int
scan_need(struct scan *s, char stop, const char *what, struct word *ret)
{
	int r = scan_word(s, stop, ret);

	return r == 0 ? scan_fail(s, s->at, "%s is missing here", what) : r;
}

/* Counted in characters, from 1, as editors do. */
static size_t
column(const struct scan *s, size_t at)
{
	size_t n = 1;

	for (size_t i = 0; i < MIN(at, s->text.n); i++)
		n += ((unsigned char)s->text.p[i] & 0xc0) != 0x80;
	return n;
}

int
scan_fail(struct scan *s, size_t at, const char *fmt, ...)
{
	char *sentence CLEANUP(free_charp) = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&sentence, fmt, args) < 0)
		abort();
	va_end(args);
	escape_text(s->error, span_of(s->name), 0);
	buf_printf(s->error, ":%u:%zu: ", s->line, column(s, at));
	escape_text(s->error, span_of(sentence), 400);
	return -EINVAL;
}

int
scan_unknown(struct scan *s, const struct word *w, const char *what, const char *const *words)
{
	const char *near = words != NULL ? nearest_word(w->text, words) : NULL;

	if (near != NULL)
		return scan_fail(s, w->at, "\"%.60s\" is no %s; did you mean %s?", w->text, what, near);
	return scan_fail(s, w->at, "\"%.60s\" is no %s", w->text, what);
}
