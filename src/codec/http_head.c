/* SPDX-License-Identifier: MIT */
#include "codec/http_head.h"

#include <ctype.h>
#include <string.h>

/* No method is this long: what has no space by then is not a request. Nor does one begin with so many empty lines. */
enum { METHOD_MAX = 32, EMPTY_LINES_MAX = 8 };

/* RFC 9110 section 5.6.2: tchar. Not isalnum(): that asks the locale. */
static bool
is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool
http_is_token(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_token_char(s.p[i]))
			return false;
	return s.n > 0;
}

bool
http_is_field_value(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0')
			return false;
	return true;
}

/* RFC 9112 section 2.2: a server ignores empty lines before the request line. Returns how many bytes they are. */
static size_t
skip_empty_lines(struct span s)
{
	size_t i = 0;

	while (i < MIN(s.n, (size_t)EMPTY_LINES_MAX) && (s.p[i] == '\n' || (s.p[i] == '\r' && (i + 1 == s.n || s.p[i + 1] == '\n'))))
		i++;
	return i;
}

/* Whether these first bytes may still become a request or answer line. */
static bool
may_be_http(struct span s, bool is_answer)
{
	size_t i = 0;

	if (is_answer)
		return memcmp(s.p, "HTTP/", MIN(s.n, (size_t)5)) == 0;
	while (i < s.n && is_token_char(s.p[i]))
		i++;
	if (i > METHOD_MAX)
		return false;
	return i == s.n || (s.p[i] == ' ' && i > 0);
}

/* The offset behind the empty line that ends the head, 0 if there is none in s; looks from `from` on. */
static size_t
find_end(struct span s, size_t from)
{
	while (from < s.n) {
		const char *lf = memchr(s.p + from, '\n', s.n - from);

		if (lf == NULL)
			return 0;
		from = (size_t)(lf - s.p) + 1;
		if (from < s.n && s.p[from] == '\n')
			return from + 1;
		if (from + 1 < s.n && s.p[from] == '\r' && s.p[from + 1] == '\n')
			return from + 2;
	}
	return 0;
}

/* Takes one line without its end off the front of *rest; false when there is no whole one. */
static bool
next_line(struct span *rest, struct span *ret_line, const char **oddity)
{
	const char *lf = rest->n > 0 ? memchr(rest->p, '\n', rest->n) : NULL;

	if (lf == NULL)
		return false;
	*ret_line = (struct span){ rest->p, (size_t)(lf - rest->p) };
	rest->n -= ret_line->n + 1;
	rest->p = lf + 1;
	if (ret_line->n > 0 && ret_line->p[ret_line->n - 1] == '\r')
		ret_line->n--;
	else
		*oddity = "a line ends in LF without CR";
	return true;
}

/* RFC 9110 section 5.5: CR and NUL inside are dangerous, since others may read the line differently. NULL: none. */
static const char *
bad_byte(struct span line)
{
	if (line.n > 0 && memchr(line.p, '\0', line.n) != NULL)
		return "a NUL byte in the head";
	if (line.n > 0 && memchr(line.p, '\r', line.n) != NULL)
		return "a CR without LF in the head";
	return NULL;
}

/* "HTTP/1.1" */
static bool
parse_version(struct span s, struct http_head *h)
{
	if (s.n != 8 || memcmp(s.p, "HTTP/", 5) != 0 || !isdigit((unsigned char)s.p[5]) || s.p[6] != '.' || !isdigit((unsigned char)s.p[7]))
		return false;
	h->major = s.p[5] - '0';
	h->minor = s.p[7] - '0';
	return true;
}

static struct span
drop_spaces(struct span s, struct http_head *h)
{
	while (s.n > 0 && *s.p == ' ') {
		h->oddity = "more than one space in the first line";
		s.p++;
		s.n--;
	}
	return s;
}

/* RFC 9112 section 4. Returns what is wrong, NULL if nothing. */
static const char *
parse_status_line(struct http_head *h)
{
	struct span rest = h->first_line, item = SPAN_NONE;

	if (!span_next(&rest, ' ', &item) || !parse_version(item, h))
		return "the HTTP version in the status line is malformed";
	rest = drop_spaces(rest, h);
	if (!span_next(&rest, ' ', &item) || item.n != 3 || !isdigit((unsigned char)item.p[0]) || !isdigit((unsigned char)item.p[1]) ||
	    !isdigit((unsigned char)item.p[2]) || item.p[0] == '0')
		return "the status is not a number of three digits";
	h->status = (item.p[0] - '0') * 100 + (item.p[1] - '0') * 10 + (item.p[2] - '0');
	if (rest.p == NULL)
		h->oddity = "no space behind the status";
	h->reason = span_trim(rest);
	return NULL;
}

/* RFC 9112 section 3: method SP target SP version. */
static const char *
parse_request_line(struct http_head *h)
{
	struct span rest = h->first_line, version = SPAN_NONE;

	span_next(&rest, ' ', &h->method);
	rest = drop_spaces(rest, h);
	if (!span_next(&rest, ' ', &h->target) || h->target.n == 0)
		return "the request line has no target";
	rest = drop_spaces(rest, h);
	for (size_t i = 0; i < h->target.n; i++)
		if ((unsigned char)h->target.p[i] < 0x20 || h->target.p[i] == 0x7f)
			return "the request target has a control character";
	if (!span_next(&rest, ' ', &version) || !parse_version(version, h))
		return "the HTTP version in the request line is missing or malformed";
	if (rest.n > 0)
		return "the request line goes on behind the HTTP version";
	return NULL;
}

static const char *
parse_header(struct span line, struct header *ret_header, const char **oddity)
{
	const char *colon = memchr(line.p, ':', line.n);

	if (line.p[0] == ' ' || line.p[0] == '\t')
		return "a header is folded over two lines (obs-fold)";
	if (colon == NULL)
		return "a header line without a colon";

	struct span name = { line.p, (size_t)(colon - line.p) }, bare = span_trim(name);

	if (bare.n < name.n)
		*oddity = "a space between a header's name and its colon";
	if (bare.n == 0)
		return "a header without a name";
	if (!http_is_token(bare))
		return "a header's name has a character that may not stand there";
	ret_header->name = bare;
	ret_header->value = span_trim((struct span){ colon + 1, line.n - name.n - 1 });
	return NULL;
}

static enum http_result
parse_headers(struct http_head *h, struct span rest, const char **ret_error)
{
	struct span line;

	if (h->headers == NULL)
		h->headers = xcalloc(HTTP_HEADERS_MAX, sizeof(*h->headers));
	while (next_line(&rest, &line, &h->oddity) && line.n > 0) {
		const char *error = bad_byte(line);
		struct header header;

		if (error == NULL)
			error = parse_header(line, &header, &h->oddity);
		if (error != NULL) {
			*ret_error = error;
			return HTTP_BAD;
		}
		if (h->n_headers == HTTP_HEADERS_MAX)
			return HTTP_TOO_LARGE;
		h->headers[h->n_headers++] = header;
	}
	return HTTP_DONE;
}

/* Judged as soon as it is whole: nobody has to wait for the end of a head that begins badly. */
static enum http_result
parse_first_line(struct http_head *h, struct span *rest, const char **ret_error)
{
	if (!next_line(rest, &h->first_line, &h->oddity))
		return HTTP_MORE;

	const char *error = bad_byte(h->first_line);

	if (error == NULL)
		error = h->is_answer ? parse_status_line(h) : parse_request_line(h);
	if (error == NULL)
		return HTTP_DONE;
	*ret_error = error;
	return HTTP_BAD;
}

enum http_result
http_head_parse(struct http_head *h, bool is_answer, const void *data, size_t n, size_t seen, const char **ret_error)
{
	struct span all = { data, MIN(n, (size_t)HTTP_HEAD_MAX) }, rest = all;
	enum http_result full = n >= HTTP_HEAD_MAX ? HTTP_TOO_LARGE : HTTP_MORE, result;

	*h = (struct http_head){ .is_answer = is_answer, .headers = h->headers };
	if (n == 0)
		return HTTP_MORE;
	if (!is_answer) {
		size_t skip = skip_empty_lines(all);

		if (skip > 0)
			h->oddity = "an empty line before the request line";
		rest = (struct span){ all.p + skip, all.n - skip };
	}
	if (rest.n == 0)
		return full;
	if (!may_be_http(rest, is_answer))
		return HTTP_NOT_HTTP;

	size_t begin = all.n - rest.n;

	result = parse_first_line(h, &rest, ret_error);
	if (result != HTTP_DONE)
		return result == HTTP_MORE ? full : result;
	/* The empty line is at most three bytes, counted from the LF before it. */
	h->length = find_end(all, MAX(begin, MIN(seen, all.n) > 3 ? MIN(seen, all.n) - 3 : 0));
	if (h->length == 0)
		return full;
	return parse_headers(h, (struct span){ rest.p, h->length - (size_t)(rest.p - all.p) }, ret_error);
}

void
http_head_deinit(struct http_head *h)
{
	free(h->headers);
	*h = (struct http_head){ 0 };
}

const struct header *
http_find(const struct http_head *h, const char *name, size_t nth)
{
	for (size_t i = 0; i < h->n_headers; i++)
		if (span_eq_ci(h->headers[i].name, name) && nth-- == 0)
			return &h->headers[i];
	return NULL;
}

size_t
http_count(const struct http_head *h, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n_headers; i++)
		n += span_eq_ci(h->headers[i].name, name);
	return n;
}

bool
http_has_token(const struct http_head *h, const char *name, const char *token)
{
	for (size_t i = 0; i < h->n_headers; i++) {
		struct span rest = h->headers[i].value, item;

		if (!span_eq_ci(h->headers[i].name, name))
			continue;
		while (span_next(&rest, ',', &item))
			if (span_eq_ci(span_trim(item), token))
				return true;
	}
	return false;
}

const char *
http_reason(int status)
{
	/* The IANA "HTTP Status Codes" registry. */
	static const struct {
		int status;
		const char *reason;
	} rows[] = {
		{ 100, "Continue" },
		{ 101, "Switching Protocols" },
		{ 102, "Processing" },
		{ 103, "Early Hints" },
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 203, "Non-Authoritative Information" },
		{ 204, "No Content" },
		{ 205, "Reset Content" },
		{ 206, "Partial Content" },
		{ 300, "Multiple Choices" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 305, "Use Proxy" },
		{ 307, "Temporary Redirect" },
		{ 308, "Permanent Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 402, "Payment Required" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 407, "Proxy Authentication Required" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 416, "Range Not Satisfiable" },
		{ 417, "Expectation Failed" },
		{ 421, "Misdirected Request" },
		{ 422, "Unprocessable Content" },
		{ 423, "Locked" },
		{ 424, "Failed Dependency" },
		{ 425, "Too Early" },
		{ 426, "Upgrade Required" },
		{ 428, "Precondition Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 451, "Unavailable For Legal Reasons" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
		{ 506, "Variant Also Negotiates" },
		{ 507, "Insufficient Storage" },
		{ 508, "Loop Detected" },
		{ 511, "Network Authentication Required" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].status == status)
			return rows[i].reason;
	return "";
}
