/* SPDX-License-Identifier: MIT */
/* tls_words: alerts and failed handshakes, as a person reads them. No I/O. Internal to net/tls*. */
#ifndef WSDIAG_NET_TLS_WORDS_H
#define WSDIAG_NET_TLS_WORDS_H

#include "base/span.h"
#include "lifecycle/cause.h"
#include "net/tls_compat.h"
#include "net/transport.h"

#include <stddef.h>

/* "handshake_failure (40)": the name of RFC 8446 section 6. */
void tls_alert_text(int alert, char *text, size_t size);

/* What is known when a handshake has failed. */
struct tls_handshake_end {
	bool is_server;
	const char *name;           /* asked for, NULL on a server */
	int ret;                    /* the library's */
	int alert;                  /* with TLS_RET_ALERT */
	struct span first;          /* the first bytes that came */
};

/* The peer's first bytes are no TLS record. Three are enough to tell. */
bool tls_is_not_tls(struct span first);
/* Everything but what is wrong with a certificate (tls_verify) and an end of the layer below. */
void tls_explain_handshake(const struct tls_handshake_end *end, struct failure *f);
/* The layer below ended during the handshake; err is a positive errno, 0: FIN. */
void tls_explain_cut(int err, struct failure *f);
/* For END_CORRUPT. */
void tls_corrupt_text(int ret, char *text, size_t size);

#endif
