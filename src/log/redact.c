/* SPDX-License-Identifier: MIT */
#include "log/redact.h"

#include "codec/url.h"

#include <string.h>

enum treatment { AS_IT_IS, HIDDEN, SCHEME_KEPT, NAMES_KEPT, FIRST_NAME_KEPT, AS_URL };

static enum treatment
treatment_of(struct span name)
{
	static const struct {
		const char *name;
		enum treatment treatment;
	} known[] = {
		{ "Authorization", SCHEME_KEPT },
		{ "Proxy-Authorization", SCHEME_KEPT },
		{ "Cookie", NAMES_KEPT },
		{ "Set-Cookie", FIRST_NAME_KEPT },
		{ "Location", AS_URL },
		{ "Content-Location", AS_URL },
		{ "Referer", AS_URL },
		{ "Origin", AS_URL },
	};
	static const char *const tell_tales[] = { "token", "secret", "password", "api-key", "apikey", "x-auth", "session-id" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (span_eq_ci(name, known[i].name))
			return known[i].treatment;
	for (size_t i = 0; i < ARRAY_LEN(tell_tales); i++)
		if (span_contains_ci(name, tell_tales[i]))
			return HIDDEN;
	return AS_IT_IS;
}

/* "Bearer abc" -> "Bearer ***". A single word may itself be the credential. */
static void
put_scheme(struct buf *out, struct span value)
{
	const char *space = value.n > 0 ? memchr(value.p, ' ', value.n) : NULL;

	if (space != NULL)
		buf_append(out, value.p, (size_t)(space - value.p) + 1);
	buf_puts(out, "***");
}

/* One "name=value" of a Cookie, or the first of a Set-Cookie. */
static void
put_cookie(struct buf *out, struct span pair)
{
	const char *equals = pair.n > 0 ? memchr(pair.p, '=', pair.n) : NULL;

	if (equals != NULL)
		buf_append(out, pair.p, (size_t)(equals - pair.p) + 1);
	buf_puts(out, "***");
}

/* The rest of a Set-Cookie is attributes, which matter and are no secret. */
static void
put_cookies(struct buf *out, struct span value, bool only_first)
{
	struct span item;

	for (bool first = true; span_next(&value, ';', &item); first = false) {
		if (!first)
			buf_putc(out, ';');
		while (item.n > 0 && *item.p == ' ') {
			buf_putc(out, ' ');
			item.p++, item.n--;
		}
		if ((first || !only_first) && item.n > 0)
			put_cookie(out, item);
		else
			buf_append(out, item.p, item.n);
	}
}

void
redact_header(struct buf *out, struct span name, struct span value)
{
	switch (treatment_of(name)) {
	case AS_IT_IS: buf_append(out, value.p, value.n); break;
	case HIDDEN: buf_puts(out, "***"); break;
	case SCHEME_KEPT: put_scheme(out, value); break;
	case NAMES_KEPT: put_cookies(out, value, false); break;
	case FIRST_NAME_KEPT: put_cookies(out, value, true); break;
	case AS_URL: url_redact(out, value); break;
	}
}

/* line without its line end; name is the header that a folded line (obs-fold, RFC 9112 section 5.2) continues. */
static void
redact_line(struct buf *out, struct span line, struct span *name)
{
	const char *colon = line.n > 0 ? memchr(line.p, ':', line.n) : NULL;

	if (line.n > 0 && (*line.p == ' ' || *line.p == '\t')) {
		if (treatment_of(*name) == AS_IT_IS)
			buf_append(out, line.p, line.n);
		else
			buf_puts(out, " ***");
		return;
	}
	*name = SPAN_NONE;
	if (colon == NULL) {
		buf_append(out, line.p, line.n);
		return;
	}
	struct span value = { colon + 1, line.n - (size_t)(colon + 1 - line.p) };
	struct span text = span_trim(value);

	*name = span_trim((struct span){ line.p, (size_t)(colon - line.p) });
	buf_append(out, line.p, (size_t)(text.p - line.p));
	redact_header(out, *name, text);
}

void
redact_head(struct buf *out, struct span head)
{
	struct span line, name = SPAN_NONE;

	for (bool first = true; span_next(&head, '\n', &line); first = false) {
		bool has_cr = line.n > 0 && line.p[line.n - 1] == '\r';

		line.n -= has_cr;
		if (first)
			url_redact(out, line);
		else
			redact_line(out, line, &name);
		if (has_cr)
			buf_putc(out, '\r');
		if (head.p != NULL)
			buf_putc(out, '\n');
	}
}
