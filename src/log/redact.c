/* SPDX-License-Identifier: MIT */
#include "log/redact.h"

#include "codec/url.h"

#include <string.h>

enum treatment { AS_URL, HIDDEN, SCHEME_KEPT, NAMES_KEPT, FIRST_NAME_KEPT, SUBPROTOCOLS };

/* What most headers hold is no secret, but any may have a URL. */
static enum treatment
treatment_of(struct span name)
{
	static const struct {
		const char *name;
		enum treatment treatment;
	} known[] = {
		{ "Cookie", NAMES_KEPT },
		{ "Set-Cookie", FIRST_NAME_KEPT },
		{ "Sec-WebSocket-Protocol", SUBPROTOCOLS },
	};
	static const char *const tell_tales[] = { "token", "secret", "password", "api-key", "api_key", "apikey", "access-key", "access_key", "x-auth", "x-access",
		"session", "jwt", "csrf", "xsrf", "cookie", "credential" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (span_eq_ci(name, known[i].name))
			return known[i].treatment;
	if (span_contains_ci(name, "authorization"))
		return SCHEME_KEPT;
	for (size_t i = 0; i < ARRAY_LEN(tell_tales); i++)
		if (span_contains_ci(name, tell_tales[i]))
			return HIDDEN;
	return AS_URL;
}

bool
redact_is_secret(struct span name)
{
	return treatment_of(name) != AS_URL;
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

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* How much of a subprotocol may be shown: what comes behind a word that announces a credential is one, and so is what begins as a JSON Web Token does
 * ("{" and a quote in base64). A word that ends it announces the next. */
static size_t
open_part(struct span item, bool *ret_announces)
{
	static const char *const words[] = { "bearer", "token", "authorization", "api-key", "apikey", "secret", "password", "jwt" };

	for (size_t at = 0; at < item.n; at++) {
		struct span rest = { item.p + at, item.n - at };

		if (at > 0 && is_alnum(item.p[at - 1]))
			continue;
		if (rest.n > 10 && memcmp(rest.p, "eyJ", 3) == 0)
			return at;
		for (size_t i = 0; i < ARRAY_LEN(words); i++) {
			size_t n = strlen(words[i]);

			if (!span_starts_ci(rest, words[i]) || (rest.n > n && is_alnum(rest.p[n])))
				continue;
			*ret_announces = rest.n == n;
			return at + MIN(n + 1, rest.n);
		}
	}
	return item.n;
}

void
redact_subprotocol(struct buf *out, struct span item, bool *is_announced)
{
	bool announces = false;
	size_t n = item.n > 0 && !*is_announced ? open_part(item, &announces) : 0;

	buf_append(out, item.p, n);
	if (n < item.n)
		buf_puts(out, "***");
	if (item.n > 0)
		*is_announced = announces;
}

static void
put_subprotocols(struct buf *out, struct span value)
{
	bool is_announced = false;
	struct span item;

	for (bool first = true; span_next(&value, ',', &item); first = false) {
		struct span text = span_trim(item);

		if (!first)
			buf_putc(out, ',');
		buf_append(out, item.p, (size_t)(text.p - item.p));
		redact_subprotocol(out, text, &is_announced);
		buf_append(out, text.p + text.n, (size_t)(item.p + item.n - text.p) - text.n);
	}
}

void
redact_header(struct buf *out, struct span name, struct span value)
{
	switch (treatment_of(name)) {
	case HIDDEN: buf_puts(out, "***"); break;
	case SCHEME_KEPT: put_scheme(out, value); break;
	case NAMES_KEPT: put_cookies(out, value, false); break;
	case FIRST_NAME_KEPT: put_cookies(out, value, true); break;
	case SUBPROTOCOLS: put_subprotocols(out, value); break;
	case AS_URL: url_redact(out, value); break;
	}
}

/* line without its line end; name is the header that a folded line (obs-fold, RFC 9112 section 5.2) continues. */
static void
redact_line(struct buf *out, struct span line, struct span *name)
{
	const char *colon = line.n > 0 ? memchr(line.p, ':', line.n) : NULL;

	if (line.n > 0 && (*line.p == ' ' || *line.p == '\t')) {
		if (treatment_of(*name) == AS_URL)
			url_redact(out, line);
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
