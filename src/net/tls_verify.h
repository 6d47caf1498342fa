/* SPDX-License-Identifier: MIT */
/*
 * tls_verify: is this certificate for the name that was asked for, and what is wrong with it, in words.
 *
 * The chain is mbedTLS's business; names are ours, because 2.28 knows no IP addresses in SAN and both fall back to the CN. Findings are
 * written down while the library walks the chain: when the handshake has failed the certificates are gone.
 *
 * Internal to net/tls*.
 */
#ifndef WSDIAG_NET_TLS_VERIFY_H
#define WSDIAG_NET_TLS_VERIFY_H

#include "base/buf.h"
#include "lifecycle/cause.h"
#include "net/tls_compat.h"

/* What can be wrong, the most telling first. */
enum tls_wrong { WRONG_AUTHORITY, WRONG_NAME, WRONG_EXPIRED, WRONG_FUTURE, WRONG_OTHER, WRONG_COUNT };

struct tls_verify {
	char *name;                     /* what the certificate must be for; NULL: no judgement (a server) */
	bool insecure;                  /* look, but find nothing wrong */
	int64_t now_us;                 /* wall clock, for "3 days ago" */
	char *wrong[WRONG_COUNT];       /* sentences */
	/* Of the peer's own certificate; NULL or empty: none was seen. */
	char *subject, *issuer;
	char not_before[24], not_after[24];
	char sha256[65];
};

void tls_verify_init(struct tls_verify *v, const char *name, bool insecure, int64_t now_us);
void tls_verify_deinit(struct tls_verify *v);
/* For mbedtls_ssl_set_verify; arg is the struct tls_verify. */
int tls_verify_callback(void *arg, mbedtls_x509_crt *crt, int depth, uint32_t *flags);
/* Turns the findings into f (stage tls), with result (mbedtls_ssl_get_verify_result) for what the library found after the walk.
 * false: there are none. */
bool tls_verify_failure(const struct tls_verify *v, uint32_t result, struct failure *f);

/* RFC 6125 section 6.4.3: without case; a wildcard only as the whole leftmost label, for exactly one label, not right above a top-level domain. */
bool tls_name_matches(struct span pattern, struct span name);
/* An IP address (a zone behind % is ignored): its bytes. 4, 16, or 0 when it is none. */
size_t tls_parse_ip(const char *name, uint8_t ret[16]);
/* Whether crt is for name, a host name or an IP address. The names it is for are appended to names: "a.example, *.b.example and 3 more". */
bool tls_cert_is_for(const mbedtls_x509_crt *crt, const char *name, struct buf *names);

#endif
