/* SPDX-License-Identifier: MIT */
/* redact: what must not get into a log: the values of headers that carry credentials, and secrets in URLs (codec/url). */
#ifndef WSDIAG_LOG_REDACT_H
#define WSDIAG_LOG_REDACT_H

#include "base/buf.h"

/* "***" for what Authorization and alike, Cookie, Set-Cookie, X-Api-Key and other names that tell of a credential hold, with the scheme of an Authorization
 * and the names of cookies kept; for credentials among subprotocols; and in all other values for the secrets of URLs. wsdiag-log(5), SECRETS, has the list. */
void redact_header(struct buf *out, struct span name, struct span value);
/* One subprotocol of several. *is_announced, false before the first: the one before it was a word such as "bearer", and so this is the credential. */
void redact_subprotocol(struct buf *out, struct span item, bool *is_announced);
/* A whole HTTP head as on the wire. */
void redact_head(struct buf *out, struct span head);

#endif
