/* SPDX-License-Identifier: MIT */
/*
 * http_head: the head of one HTTP/1.x message (RFC 9112), request or answer. Only the head: what follows is the caller's.
 *
 * The parser is lenient where a diagnostic tool must go on (bare LF, spaces around the colon, one byte at a time) and says what it
 * swallowed in `oddity`; it refuses what cannot be understood. Spans point into the buffer that was parsed.
 */
#ifndef WSDIAG_CODEC_HTTP_HEAD_H
#define WSDIAG_CODEC_HTTP_HEAD_H

#include "base/buf.h"

#include <stdbool.h>

enum { HTTP_HEAD_MAX = 64 * 1024, HTTP_HEADERS_MAX = 256 };

struct http_head {
	bool is_answer;
	int major, minor;             /* of HTTP-version */
	int status;                   /* answers */
	struct span reason;
	struct span method, target;   /* requests */
	struct span first_line;
	struct header *headers;       /* HTTP_HEADERS_MAX of them; owned */
	size_t n_headers;
	size_t length;                /* bytes up to and with the empty line */
	const char *oddity;           /* static text, or NULL */
};

enum http_result {
	HTTP_DONE,
	HTTP_MORE,         /* incomplete */
	HTTP_TOO_LARGE,    /* no end within HTTP_HEAD_MAX, or too many headers */
	HTTP_NOT_HTTP,     /* the first bytes are not a request or answer line; told as soon as that is certain */
	HTTP_BAD,          /* HTTP, but malformed: *ret_error names what (static text) */
};

/* Looks at data from its beginning each time: call again with more when HTTP_MORE. seen: how many of the bytes were there at the last call
 * (0 at first), so that the search for the end does not start over. h must be zeroed before its first use; it is reset at each call, and
 * keeps its memory for headers until http_head_deinit(). What it holds without HTTP_DONE is only as far as parsing came. */
enum http_result http_head_parse(struct http_head *h, bool is_answer, const void *data, size_t n, size_t seen, const char **ret_error);
void http_head_deinit(struct http_head *h);

/* The first header of that name, NULL if there is none; nth counts from 0. */
const struct header *http_find(const struct http_head *h, const char *name, size_t nth);
size_t http_count(const struct http_head *h, const char *name);
/* Whether a comma-separated list, over all headers of that name, has the token (ignoring case). */
bool http_has_token(const struct http_head *h, const char *name, const char *token);
/* "Bad Gateway" for 502; "" for what is unknown. */
const char *http_reason(int status);
/* Whether text may be a header's name (a token) or value (no CR, LF, NUL). */
bool http_is_token(struct span s);
bool http_is_field_value(struct span s);

#endif
