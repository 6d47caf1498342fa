/* SPDX-License-Identifier: MIT */
/* redact: what must not get into a log or a report: the values of headers that carry credentials, and secrets in URLs (codec/url). */
#ifndef WSDIAG_LOG_REDACT_H
#define WSDIAG_LOG_REDACT_H

#include "base/buf.h"

/* "***" for what Authorization and alike, Cookie, Set-Cookie, X-Api-Key and other names that tell of a credential hold, with the scheme of an Authorization
 * and the names of cookies kept; for credentials among subprotocols; and in all other values for the secrets of URLs. wsdiag-log(5), SECRETS, has the list. */
void redact_header(struct buf *out, struct span name, struct span value);
/* One subprotocol of several. *is_announced, false before the first: the one before it was a word such as "bearer", and so this is the credential. */
void redact_subprotocol(struct buf *out, struct span item, bool *is_announced);
/* Whether a header or alike of this name may hold credentials, so that redact_header() hides at least some of it. */
bool redact_is_secret(struct span name);
/* A whole HTTP head as on the wire. */
void redact_head(struct buf *out, struct span head);
/* What any program may have logged: the secrets of URLs, and the values that stand behind the names of such headers, as languages print them:
 * "{'set-cookie': 'a=b'}", "Authorization: Bearer abc", "token=abc". Where it is not clear how far a value goes, the rest of the line is hidden. */
void redact_text(struct buf *out, struct span text);

#endif
