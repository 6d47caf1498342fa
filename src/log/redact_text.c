/* SPDX-License-Identifier: MIT */
/* The part of redact that reads what others wrote: it cannot parse, so it looks for a name and a sign behind it that says "this is its value". */
#include "codec/url.h"
#include "log/redact.h"

#include <string.h>

/* What stands behind a name. */
struct mention {
	struct span value;
	bool is_exact;             /* it is clear how far it goes, so that parts of it may be shown */
};

static bool
is_one_of(struct span text, size_t at, const char *set)
{
	return at < text.n && text.p[at] != '\0' && strchr(set, text.p[at]) != NULL;
}

static bool
is_name_char(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '_';
}

/* Behind a quote, which may be escaped: JSON in JSON. at itself if there is none. */
static size_t
skip_quote(struct span text, size_t at)
{
	size_t quote = at + is_one_of(text, at, "\\");

	return is_one_of(text, quote, "'\"") ? quote + 1 : at;
}

static size_t
skip_spaces(struct span text, size_t at)
{
	while (is_one_of(text, at, " \t"))
		at++;
	return at;
}

/* Where the first character of set is, or the end of the text. */
static size_t
find_one(struct span text, size_t at, const char *set)
{
	while (at < text.n && !is_one_of(text, at, set))
		at++;
	return at;
}

/* quote: just behind the one that opens. */
static size_t
end_of_quoted(struct span text, size_t quote)
{
	char mark[2] = { text.p[quote - 1], '\0' };
	bool is_escaped = quote >= 2 && text.p[quote - 2] == '\\';

	for (size_t at = quote; (at = find_one(text, at, mark)) < text.n; at++)
		if ((at > quote && text.p[at - 1] == '\\') == is_escaped)
			return at - is_escaped;
	return text.n;
}

/* open: at a "[" or "(". One inside a quoted item does not end the list. */
static size_t
end_of_list(struct span text, size_t open)
{
	bool has_quotes = skip_quote(text, skip_spaces(text, open + 1)) > skip_spaces(text, open + 1);
	const char *close = text.p[open] == '[' ? "]" : ")";

	for (size_t at = open; (at = find_one(text, at, close)) < text.n; at++) {
		size_t last = at - 1;

		while (last > open && is_one_of(text, last, " \t"))
			last--;
		if (!has_quotes || is_one_of(text, last, "'\""))
			return at;
	}
	return text.n;
}

/* Headers that are told by name alone; other words stand before a colon in sentences, too: "the session: closed". */
static bool
is_header(struct span name)
{
	return span_eq_ci(name, "authorization") || span_eq_ci(name, "cookie") || memchr(name.p, '-', name.n) != NULL || memchr(name.p, '_', name.n) != NULL;
}

static size_t
end_of_word(struct span text, size_t begin)
{
	size_t end = find_one(text, begin, " \t\r\n&'\"<>#");

	while (end > begin && is_one_of(text, end - 1, ",;.:)]}"))
		end--;
	return end;
}

/* Whether a secret stands behind the name, which is a part of text. */
static bool
find_value(struct span text, struct span name, struct mention *ret)
{
	size_t end = (size_t)(name.p - text.p) + name.n, sign = skip_spaces(text, skip_quote(text, end));
	bool has_quotes = skip_quote(text, end) > end;

	if (!redact_is_secret(name) || !is_one_of(text, sign, has_quotes ? ":=," : ":=") || is_one_of(text, sign + 1, ":"))
		return false;

	bool has_arrow = text.p[sign] == '=' && is_one_of(text, sign + 1, ">"), is_word = text.p[sign] == '=' && !has_arrow;
	size_t begin = skip_spaces(text, sign + 1 + has_arrow);

	if (!is_word && !has_quotes && !is_header(name))
		return false;
	/* b'bytes', u'text' */
	if (is_one_of(text, begin, "bu") && is_one_of(text, begin + 1, "'\""))
		begin++;
	ret->is_exact = skip_quote(text, begin) > begin || span_eq_ci(name, "Sec-WebSocket-Protocol");
	if (skip_quote(text, begin) > begin) {
		begin = skip_quote(text, begin);
		end = end_of_quoted(text, begin);
	} else if (has_quotes && is_one_of(text, begin, "[(")) {
		end = end_of_list(text, begin++);
	} else {
		end = is_word ? end_of_word(text, begin) : find_one(text, begin, has_quotes ? ",}\r\n" : "\r\n");
	}
	ret->value = (struct span){ text.p + begin, end - begin };
	return end > begin;
}

static struct span
name_at(struct span text, size_t begin)
{
	size_t end = begin;

	while (end < text.n && is_name_char(text.p[end]))
		end++;
	return (struct span){ text.p + begin, end - begin };
}

void
redact_text(struct buf *out, struct span text)
{
	struct buf clean CLEANUP(buf_deinit) = { 0 };
	size_t from = 0, at = 0;

	while (at < text.n) {
		struct span name = name_at(text, at);
		struct mention m;

		at += MAX(name.n, (size_t)1);
		if (name.n == 0 || !find_value(text, name, &m))
			continue;
		at = (size_t)(m.value.p - text.p);
		buf_append(&clean, text.p + from, at - from);
		if (m.is_exact)
			redact_header(&clean, name, m.value);
		else
			buf_puts(&clean, "***");
		from = at += m.value.n;
	}
	if (from < text.n)
		buf_append(&clean, text.p + from, text.n - from);
	url_redact(out, buf_span(&clean));
}
