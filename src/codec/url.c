/* SPDX-License-Identifier: MIT */
/*
 * Two steps: what was typed becomes an absolute URI in ASCII, with everything percent-encoded that may not stand there; uriparser
 * cuts that, and its parts become a struct url.
 */
#include "codec/url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <idn2.h>
#include <uriparser/Uri.h>

/* RFC 9110 section 4.1 asks for 8000. uriparser recurses with the length. */
enum { URL_MAX = 16 * 1024, NAME_MAX_LENGTH = 253, LABEL_MAX = 63 };

static int fail(char **ret_error, const char *fmt, ...) PRINTF_LIKE(2, 3);

static int
fail(char **ret_error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(ret_error, fmt, ap) < 0)
		*ret_error = xstrdup("not a URL");
	va_end(ap);
	return -EINVAL;
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
in(const char *set, char c)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static int
nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : in("abcdefABCDEF", c) ? (c | 0x20) - 'a' + 10 : -1;
}

static bool
is_escape(struct span s, size_t at)
{
	return s.n - at >= 3 && s.p[at] == '%' && nibble(s.p[at + 1]) >= 0 && nibble(s.p[at + 2]) >= 0;
}

/* Appends s; unreserved characters and sub-delims (RFC 3986 section 2) pass, and those of `also`. */
static void
put_encoded(struct buf *out, struct span s, const char *also)
{
	for (size_t i = 0; i < s.n; i++) {
		if (is_alnum(s.p[i]) || in("-._~!$&'()*+,;=", s.p[i]) || in(also, s.p[i]) || is_escape(s, i))
			buf_putc(out, s.p[i]);
		else
			buf_printf(out, "%%%02X", (unsigned char)s.p[i]);
	}
}

static char *
decode_percent(struct span s)
{
	char *text = xmalloc(s.n + 1), *at = text;

	for (size_t i = 0; i < s.n; i++) {
		if (is_escape(s, i)) {
			*at++ = (char)(nibble(s.p[i + 1]) << 4 | nibble(s.p[i + 2]));
			i += 2;
		} else {
			*at++ = s.p[i];
		}
	}
	*at = '\0';
	return text;
}

/* The length of "scheme://", 0 if s does not begin so. */
static size_t
scheme_length(struct span s)
{
	size_t n = 0;

	while (n < s.n && (is_alnum(s.p[n]) || in("+-.", s.p[n])))
		n++;
	return n > 0 && s.n - n >= 3 && memcmp(s.p + n, "://", 3) == 0 ? n + 3 : 0;
}

static size_t
authority_length(struct span s)
{
	size_t n = 0;

	while (n < s.n && !in("/?#", s.p[n]))
		n++;
	return n;
}

/* Appends authority, path and query. A password may hold what it likes but "/?#": the last @ ends it. */
static void
put_hierarchy(struct buf *out, struct span s)
{
	struct span authority = { s.p, authority_length(s) };
	const char *at = authority.n > 0 ? memrchr(authority.p, '@', authority.n) : NULL;

	if (at != NULL) {
		put_encoded(out, (struct span){ authority.p, (size_t)(at - authority.p) }, ":");
		buf_putc(out, '@');
		authority.n -= (size_t)(at + 1 - authority.p);
		authority.p = at + 1;
	}
	put_encoded(out, authority, ":[]");
	put_encoded(out, (struct span){ authority.p + authority.n, (size_t)(s.p + s.n - authority.p) - authority.n }, ":@/?#");
}

/* What people type becomes a URI with scheme and authority. */
static int
complete(struct buf *out, struct span typed, char **ret_error)
{
	static const char *const schemes[] = { "ws:", "wss:", "http:", "https:" };
	size_t scheme = scheme_length(typed);

	if (memchr(typed.p, '#', typed.n) != NULL)
		return fail(ret_error, "a WebSocket URL has no fragment (RFC 6455 section 3): write \"#\" as %%23");
	for (size_t i = 0; scheme == 0 && i < ARRAY_LEN(schemes); i++) {
		size_t n = strlen(schemes[i]);

		/* "ws:9000" may be a host's name and its port. */
		if (span_starts_ci(typed, schemes[i]) && (typed.n == n || !in("0123456789", typed.p[n])))
			return fail(ret_error, "\"%s\" must be followed by \"//\"", schemes[i]);
	}
	if (scheme > 0)
		buf_append(out, typed.p, scheme);
	else
		buf_puts(out, typed.p[0] == ':' && !span_starts_ci(typed, "::") ? "ws://localhost" : "ws://");
	put_hierarchy(out, (struct span){ typed.p + scheme, typed.n - scheme });
	return 0;
}

static int
check_bytes(struct span typed, char **ret_error)
{
	if (typed.n == 0)
		return fail(ret_error, "the URL is empty");
	if (typed.n > URL_MAX)
		return fail(ret_error, "the URL is longer than %d bytes", URL_MAX);
	for (size_t i = 0; i < typed.n; i++)
		if ((unsigned char)typed.p[i] < 0x20 || typed.p[i] == 0x7f)
			return fail(ret_error, "the URL has a control character (0x%02X) at position %zu", (unsigned)typed.p[i], i + 1);
	return 0;
}

static struct span
range(UriTextRangeA r)
{
	return r.first != NULL ? (struct span){ r.first, (size_t)(r.afterLast - r.first) } : SPAN_NONE;
}

/* Why uriparser stopped at `at`, in words; all is the encoded URI. */
static int
explain(struct span all, const char *at, char **ret_error)
{
	size_t scheme = scheme_length(all);
	struct span rest = { all.p + scheme, all.n - scheme }, host = { rest.p, authority_length(rest) };
	const char *user = host.n > 0 ? memrchr(host.p, '@', host.n) : NULL;

	if (user != NULL)
		host = (struct span){ user + 1, host.n - (size_t)(user + 1 - host.p) };

	const char *closing = host.n > 0 ? memchr(host.p, ']', host.n) : NULL, *colon = host.n > 0 ? memchr(host.p, ':', host.n) : NULL;

	if (host.n > 0 && host.p[0] == '[') {
		if (closing == NULL)
			return fail(ret_error, "the \"[\" of the IPv6 address has no \"]\"");
		if (at <= closing)
			return fail(ret_error, "\"%.*s\" is not an IPv6 address", (int)(closing - host.p - 1), host.p + 1);
		return fail(ret_error, "behind the \"]\" of an IPv6 address only \":\" and a port may follow");
	}
	if (memchr(host.p, '[', host.n) != NULL || closing != NULL)
		return fail(ret_error, "\"[\" and \"]\" may stand only around an IPv6 address");
	/* What looks like a port may be the beginning of a password: do not repeat it. */
	if (colon != NULL && memchr(colon, '@', (size_t)(all.p + all.n - colon)) != NULL)
		return fail(ret_error, "the port is not a number; in a password, \"/\", \"?\" and \"#\" are written %%2F, %%3F and %%23");
	if (colon != NULL && memchr(colon + 1, ':', host.n - (size_t)(colon + 1 - host.p)) != NULL)
		return fail(ret_error, "an IPv6 address needs brackets around it: [%.*s]", (int)host.n, host.p);
	if (colon != NULL)
		return fail(ret_error, "the port \"%.*s\" is not a number", (int)(host.p + host.n - colon - 1), colon + 1);
	return fail(ret_error, "the URL cannot be read at character %zu, \"%.*s\"", (size_t)(at - all.p) + 1, at < all.p + all.n, at);
}

/* all begins with a scheme. */
static int
read_scheme(struct span all, bool *ret_is_tls, char **ret_error)
{
	static const struct {
		const char *name;
		bool is_tls;
	} rows[] = { { "ws", false }, { "wss", true }, { "http", false }, { "https", true } };
	struct span scheme = SPAN_NONE;

	span_next(&all, ':', &scheme);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (span_eq_ci(scheme, rows[i].name)) {
			*ret_is_tls = rows[i].is_tls;
			return 0;
		}
	}
	return fail(ret_error, "the scheme \"%.*s\" is not ws or wss", (int)scheme.n, scheme.p);
}

static int
read_port(struct span text, bool is_tls, uint16_t *ret_port, char **ret_error)
{
	unsigned port = 0;

	for (size_t i = 0; i < text.n && port <= UINT16_MAX; i++)
		port = port * 10 + (unsigned)(text.p[i] - '0');
	if (text.n > 0 && (port == 0 || port > UINT16_MAX))
		return fail(ret_error, "the port %.*s is not between 1 and 65535", (int)text.n, text.p);
	*ret_port = text.n > 0 ? (uint16_t)port : is_tls ? 443 : 80;
	return 0;
}

/* Letters, digits, hyphen; and the underscore, which names in private networks have. Lengths as in RFC 1035 section 2.3.4. */
static int
check_name(const char *name, char **ret_error)
{
	size_t n = strlen(name), label = 0;

	if (n > 0 && name[n - 1] == '.')
		n--;
	if (n > NAME_MAX_LENGTH)
		return fail(ret_error, "the host's name is longer than %d characters", NAME_MAX_LENGTH);
	for (size_t i = 0; i <= n; i++) {
		if (i == n || name[i] == '.') {
			if (label == 0 || label > LABEL_MAX)
				return fail(ret_error, "the host's name has a part that is %s",
				    label == 0 ? "empty" : "longer than 63 characters");
			label = 0;
			continue;
		}
		label++;
		if (!is_alnum(name[i]) && !in("-_", name[i]))
			return fail(ret_error, "the host's name has a character that may not stand there at position %zu", i + 1);
	}
	return 0;
}

/* RFC 5891 by way of UTS 46, as browsers do. Takes *name over, replaces it. */
static int
to_ascii(char **name, char **ret_error)
{
	char *ascii = NULL;
	int err = idn2_to_ascii_8z(*name, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);

	if (err != IDN2_OK)
		return fail(ret_error, "the host's name has no IDNA form: %s", idn2_strerror(err));
	free(*name);
	*name = xstrdup(ascii);
	idn2_free(ascii);
	return 0;
}

static bool
is_ascii(const char *s)
{
	while (*s != '\0' && (unsigned char)*s < 0x80)
		s++;
	return *s == '\0';
}

static int
read_host(const UriUriA *uri, struct url *u, char **ret_error)
{
	struct span text = range(uri->hostText);
	struct in_addr ip4;
	int r;

	if (text.n == 0)
		return fail(ret_error, "the URL has no host");
	if (uri->hostData.ip6 != NULL) {
		char address[INET6_ADDRSTRLEN];

		inet_ntop(AF_INET6, uri->hostData.ip6->data, address, sizeof(address));
		u->host = xstrdup(address);
		u->is_literal = true;
		return 0;
	}
	if (uri->hostData.ipFuture.first != NULL)
		return fail(ret_error, "\"%.*s\" is not an IPv6 address", (int)text.n, text.p);
	u->host = decode_percent(text);
	if (strlen(u->host) < text.n && memmem(text.p, text.n, "%00", 3) != NULL)
		return fail(ret_error, "the host's name has a NUL");
	if (!is_ascii(u->host) && (r = to_ascii(&u->host, ret_error)) < 0)
		return r;
	for (char *c = u->host; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c |= 0x20;
	u->is_literal = inet_pton(AF_INET, u->host, &ip4) == 1;
	return check_name(u->host, ret_error);
}

static int
read_userinfo(struct span text, char **ret_userinfo, char **ret_error)
{
	if (text.n == 0)
		return 0;
	if (memmem(text.p, text.n, "%00", 3) != NULL)
		return fail(ret_error, "user and password must not have a NUL");
	*ret_userinfo = decode_percent(text);
	return 0;
}

/* all: absolute, encoded. */
static int
read_uri(struct span all, struct url *ret_url, char **ret_error)
{
	UriUriA uri CLEANUP(uriFreeUriMembersA) = { 0 };
	struct url u CLEANUP(url_deinit) = { 0 };
	const char *at = all.p;
	int r;

	if ((r = read_scheme(all, &u.is_tls, ret_error)) < 0)
		return r;
	if (uriParseSingleUriExA(&uri, all.p, all.p + all.n, &at) != URI_SUCCESS)
		return explain(all, at != NULL ? at : all.p, ret_error);
	if ((r = read_host(&uri, &u, ret_error)) < 0 || (r = read_port(range(uri.portText), u.is_tls, &u.port, ret_error)) < 0 ||
	    (r = read_userinfo(range(uri.userInfo), &u.userinfo, ret_error)) < 0)
		return r;

	size_t scheme = scheme_length(all);
	struct span rest = { all.p + scheme, all.n - scheme };
	size_t authority = authority_length(rest);
	bool is_ip6 = strchr(u.host, ':') != NULL;

	u.target = xasprintf("%s%.*s", rest.n > authority && rest.p[authority] == '/' ? "" : "/", (int)(rest.n - authority),
	    rest.p + authority);
	u.host_header = xasprintf("%s%s%s", is_ip6 ? "[" : "", u.host, is_ip6 ? "]" : "");
	if (u.port != (u.is_tls ? 443 : 80)) {
		char *name CLEANUP(free_charp) = u.host_header;

		u.host_header = xasprintf("%s:%u", name, u.port);
	}
	u.text = xasprintf("%s://%s%s", u.is_tls ? "wss" : "ws", u.host_header, u.target);
	*ret_url = u;
	u = (struct url){ 0 };
	return 0;
}

int
url_parse(const char *text, struct url *ret_url, char **ret_error)
{
	struct buf uri CLEANUP(buf_deinit) = { 0 };
	struct span typed = span_trim(span_of(text));
	int r = check_bytes(typed, ret_error);

	if (r < 0 || (r = complete(&uri, typed, ret_error)) < 0)
		return r;
	return read_uri(buf_span(&uri), ret_url, ret_error);
}

/* The fragment of a Location stays with the client (RFC 9110 section 10.2.2): it is dropped. */
static void
put_reference(struct buf *out, struct span reference)
{
	const char *hash = reference.n > 0 ? memchr(reference.p, '#', reference.n) : NULL;
	size_t n = hash != NULL ? (size_t)(hash - reference.p) : reference.n, before = scheme_length((struct span){ reference.p, n });

	if (before == 0 && n >= 2 && memcmp(reference.p, "//", 2) == 0)
		before = 2;
	buf_append(out, reference.p, before);
	if (before > 0)
		put_hierarchy(out, (struct span){ reference.p + before, n - before });
	else
		put_encoded(out, (struct span){ reference.p, n }, ":@/?");
}

int
url_resolve(const struct url *base, struct span reference, struct url *ret_url, char **ret_error)
{
	UriUriA from CLEANUP(uriFreeUriMembersA) = { 0 }, to CLEANUP(uriFreeUriMembersA) = { 0 }, sum CLEANUP(uriFreeUriMembersA) = { 0 };
	struct buf text CLEANUP(buf_deinit) = { 0 };
	const char *at = NULL;
	int r = check_bytes(reference = span_trim(reference), ret_error), n;

	if (r < 0)
		return r;
	/* Only a fragment leaves an empty text, which means the base itself. */
	buf_reserve(&text, reference.n);
	put_reference(&text, reference);

	struct span encoded = buf_span(&text);

	if (uriParseSingleUriExA(&to, encoded.p, encoded.p + encoded.n, &at) != URI_SUCCESS)
		return explain(encoded, at != NULL ? at : encoded.p, ret_error);
	if (uriParseSingleUriA(&from, base->text, &at) != URI_SUCCESS || uriAddBaseUriA(&sum, &to, &from) != URI_SUCCESS ||
	    uriToStringCharsRequiredA(&sum, &n) != URI_SUCCESS)
		return fail(ret_error, "the URL cannot be resolved against %s", base->text);

	char *absolute CLEANUP(free_charp) = xmalloc((size_t)n + 1);

	if (uriToStringA(absolute, &sum, n + 1, NULL) != URI_SUCCESS)
		return fail(ret_error, "the URL cannot be resolved against %s", base->text);
	return read_uri(span_of(absolute), ret_url, ret_error);
}

void
url_deinit(struct url *u)
{
	free(u->host);
	free(u->target);
	free(u->userinfo);
	free(u->text);
	free(u->host_header);
	*u = (struct url){ 0 };
}
