/* SPDX-License-Identifier: MIT */
/*
 * json: writes JSON text (RFC 8259) on one line. The caller keeps the nesting right; commas come by themselves.
 *
 *	json_begin(&w, out, '{'); json_key(&w, "a"); json_u64(&w, 1); json_end(&w, '}');	-> {"a":1}
 */
#ifndef WSDIAG_CODEC_JSON_H
#define WSDIAG_CODEC_JSON_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct json {
	struct buf *out;
	bool comma; /* the next value needs one before it */
};

static inline struct json
json_on(struct buf *out)
{
	return (struct json){ .out = out };
}

void json_begin(struct json *w, char bracket); /* '{' or '[' */
void json_end(struct json *w, char bracket);   /* '}' or ']' */
/* key must need no escaping. */
void json_key(struct json *w, const char *key);
void json_nil(struct json *w); /* null; jansson, which reads, has a json_null() of its own */
void json_bool(struct json *w, bool v);
void json_u64(struct json *w, uint64_t v);
void json_i64(struct json *w, int64_t v);
/* Microseconds as seconds, with six decimals. */
void json_seconds(struct json *w, int64_t us);
/* Must be UTF-8: bytes that are not become U+FFFD each. Control characters, and U+2028/2029, are escaped. */
void json_text(struct json *w, struct span s);

#endif
