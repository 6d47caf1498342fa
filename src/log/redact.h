/* SPDX-License-Identifier: MIT */
/* redact: what must not get into a log: the values of headers that carry credentials, and secrets in URLs (codec/url). */
#ifndef WSDIAG_LOG_REDACT_H
#define WSDIAG_LOG_REDACT_H

#include "base/buf.h"

/* Authorization, Proxy-Authorization, Cookie, Set-Cookie, X-Api-Key and alike (names with token, secret, api-key, password): "***", with
 * the scheme of an Authorization and the names of cookies kept. Location, Referer, Origin: as a URL. Other values as they are. */
void redact_header(struct buf *out, struct span name, struct span value);
/* A whole HTTP head as on the wire. */
void redact_head(struct buf *out, struct span head);

#endif
