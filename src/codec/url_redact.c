/* SPDX-License-Identifier: MIT */
/*
 * The part of url that hides secrets. It works on any text, so it cannot parse: it looks for what may be a secret, and where it is not
 * clear how far one goes, rather hides too much.
 */
#include "codec/url.h"

#include <string.h>

/* How far a password is looked for, so that a long text costs no more than its length. */
enum { USERINFO_MAX = 4096 };

/* Anywhere in a name. */
static const char *const secret_parts[] = { "token", "key", "secret", "passw", "passphrase", "pwd", "auth", "sig", "session", "jwt", "credential" };
/* Only the whole name: a part of too many that are ordinary. A code (OAuth) and a ticket let in whoever has them, if only once. */
static const char *const secret_names[] = { "pass", "code", "ticket" };

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0';
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character at s.p[*at], percent-decoded and in lower case; moves *at behind it. */
static char
next_char(struct span s, size_t *at)
{
	char c = s.p[(*at)++];

	if (c == '%' && s.n - *at >= 2 && nibble(s.p[*at]) >= 0 && nibble(s.p[*at + 1]) >= 0) {
		c = (char)(nibble(s.p[*at]) << 4 | nibble(s.p[*at + 1]));
		*at += 2;
	}
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Where word ends that begins at from, 0: it does not. */
static size_t
word_at(struct span name, size_t from, const char *word)
{
	while (*word != '\0' && from < name.n && next_char(name, &from) == *word)
		word++;
	return *word == '\0' ? from : 0;
}

static bool
is_secret_name(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(secret_names); i++)
		if (name.n > 0 && word_at(name, 0, secret_names[i]) == name.n)
			return true;
	for (size_t from = 0; from < name.n; next_char(name, &from))
		for (size_t i = 0; i < ARRAY_LEN(secret_parts); i++)
			if (word_at(name, from, secret_parts[i]) > 0)
				return true;
	return false;
}

/* s begins behind a "?", "&" and alike: the length of "name=" if its value is a secret, else 0. */
static size_t
secret_parameter(struct span s)
{
	size_t n = 0;

	while (n < s.n && !is_space(s.p[n]) && strchr("=?&;#\"<>", s.p[n]) == NULL)
		n++;
	return n < s.n && s.p[n] == '=' && is_secret_name((struct span){ s.p, n }) ? n + 1 : 0;
}

static size_t
value_length(struct span s)
{
	size_t n = 0;

	while (n < s.n && !is_space(s.p[n]) && strchr("&#\"<>", s.p[n]) == NULL)
		n++;
	return n;
}

/* The offset of the first of these characters, end if there is none. */
static size_t
find_any(struct span s, size_t from, size_t end, const char *set)
{
	bool wanted[256] = { false };

	while (*set != '\0')
		wanted[(unsigned char)*set++] = true;
	while (from < end && !wanted[(unsigned char)s.p[from]])
		from++;
	return from;
}

static bool
ends_word(struct span s, size_t at)
{
	return at >= s.n || is_space(s.p[at]) || strchr("\"<>", s.p[at]) != NULL;
}

/* Whether a port, or nothing at all, stands behind a colon: in a sentence, too. */
static bool
is_port(struct span s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	if (ends_word(s, n))
		return true;
	return n > 0 && (strchr("/?#", s.p[n]) != NULL || (strchr(",;.)", s.p[n]) != NULL && ends_word(s, n + 1)));
}

/*
 * s begins where an authority may. When it holds "user:password@", where the password is. The last "@" ends it, as url_parse() has it.
 * One with a "/", "?" or "#" in it makes no valid URL, but people type it: what follows the ":" is then not a port. has_spaces: the
 * password may have some, too; else s is looked at up to the first.
 */
static bool
find_password(struct span s, bool has_spaces, struct span *ret_password)
{
	size_t most = MIN(s.n, (size_t)USERINFO_MAX), colon = find_any(s, 0, most, has_spaces ? ":/?#\r\n" : ":/?# \t\r\n\"<>");

	if (colon == most || s.p[colon] != ':' || is_port((struct span){ s.p + colon + 1, s.n - colon - 1 }))
		return false;
	/* "[::1]:80": its colons are no user's. */
	if (s.p[0] == '[' && memchr(s.p, '@', find_any(s, 0, most, "/?# \t\r\n")) == NULL)
		return false;
	/* "http://": the authority comes later. */
	if (s.n - colon > 2 && s.p[colon + 1] == '/' && s.p[colon + 2] == '/')
		return false;

	size_t line = find_any(s, colon, most, has_spaces ? "\r\n" : " \t\r\n\"<>"), end = find_any(s, colon, line, "/?#");
	const char *at = memrchr(s.p + colon, '@', end - colon);

	if (at == NULL)
		at = memrchr(s.p + colon, '@', line - colon);
	if (at == NULL)
		return false;
	*ret_password = (struct span){ s.p + colon + 1, (size_t)(at - s.p) - colon - 1 };
	return true;
}

/* What is to be hidden at this place of the text: p NULL if nothing is. */
static struct span
find_secret(struct span text, size_t i)
{
	struct span rest = { text.p + i, text.n - i }, found = SPAN_NONE;
	bool is_url = i == 0 || (i >= 2 && text.p[i - 1] == '/' && text.p[i - 2] == '/');

	if (i > 0 && strchr("?&;#", text.p[i - 1]) != NULL && text.p[i - 1] != '\0') {
		size_t name = secret_parameter(rest);

		if (name > 0)
			return (struct span){ rest.p + name, value_length((struct span){ rest.p + name, rest.n - name }) };
	}
	if (is_url || is_space(text.p[i - 1]) || strchr("\"<>'(", text.p[i - 1]) != NULL)
		find_password(rest, is_url, &found);
	return found;
}

void
url_redact(struct buf *out, struct span text)
{
	size_t from = 0;

	for (size_t i = 0; i < text.n; i++) {
		struct span secret = find_secret(text, i);

		if (secret.p == NULL)
			continue;
		buf_append(out, text.p + from, (size_t)(secret.p - text.p) - from);
		if (secret.n > 0)
			buf_puts(out, "***");
		from = (size_t)(secret.p - text.p) + secret.n;
		/* The character behind it may begin the next. */
		i = from > 0 ? from - 1 : 0;
	}
	if (from < text.n)
		buf_append(out, text.p + from, text.n - from);
}
