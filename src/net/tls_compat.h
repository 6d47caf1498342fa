/* SPDX-License-Identifier: MIT */
/*
 * tls_compat: the one place where mbedTLS 2.28 and 3.6 differ, and where the library's numbers become ours.
 *
 * Internal to net/tls*: whoever includes this sees mbedTLS types. No other file looks at MBEDTLS_VERSION_NUMBER.
 */
#ifndef WSDIAG_NET_TLS_COMPAT_H
#define WSDIAG_NET_TLS_COMPAT_H

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

/* What a call into mbedTLS came to. */
enum tls_ret {
	TLS_RET_OK,         /* 0 or a count */
	TLS_RET_AGAIN,      /* wants to read or to write */
	TLS_RET_RETRY,      /* something was handled on the side (a session ticket): call again */
	TLS_RET_NOTIFY,     /* close_notify */
	TLS_RET_EOF,
	TLS_RET_ALERT,      /* fatal, from the peer: tls_compat_alert() has its number */
	TLS_RET_VERSION,    /* no protocol version in common */
	TLS_RET_CERT,       /* the peer's certificate was refused or cannot be read */
	TLS_RET_BAD_MAC,
	TLS_RET_BAD_RECORD, /* not a TLS record */
	TLS_RET_OTHER,
};

enum tls_ret tls_compat_classify(int ret);
/* The library's sentence for ret, without its "SSL - ". */
void tls_compat_describe(int ret, char *text, size_t size);

/* "3.6.6": of the library that is loaded, not of the headers. */
const char *tls_compat_version(void);
bool tls_compat_has_tls13(void);

/* What the library needs once in a process; harmless again. 0 or the library's error. */
MUST_CHECK int tls_compat_init(void);
/* Parses a private key in PEM (data[n - 1] is NUL) or DER. */
MUST_CHECK int tls_compat_parse_key(mbedtls_pk_context *key, const uint8_t *data, size_t n, mbedtls_ctr_drbg_context *rng);
/* 0 if the two belong together. */
MUST_CHECK int tls_compat_check_pair(const mbedtls_pk_context *pub, const mbedtls_pk_context *key, mbedtls_ctr_drbg_context *rng);
bool tls_compat_is_password_required(int ret);

/* TLS 1.2 and up, no renegotiation, no session tickets. */
void tls_compat_configure(mbedtls_ssl_config *conf);
/* For tests: TLS 1.minor and nothing else. */
void tls_compat_only_version(mbedtls_ssl_config *conf, int minor);
/* The number of the alert that TLS_RET_ALERT spoke of. */
int tls_compat_alert(const mbedtls_ssl_context *ssl);

/* One secret for the key log: label as in the NSS format. */
typedef void tls_secret_fn(void *arg, const char *label, const uint8_t client_random[32], const uint8_t *secret, size_t n);
/* 2.28 exports by configuration, 3.6 by connection: call both, each does its part. sink lives as long as they do. */
struct tls_secret_sink {
	tls_secret_fn *fn;
	void *arg;
};
void tls_compat_export_conf(mbedtls_ssl_config *conf, struct tls_secret_sink *sink);
void tls_compat_export_ssl(mbedtls_ssl_context *ssl, struct tls_secret_sink *sink);

#endif
