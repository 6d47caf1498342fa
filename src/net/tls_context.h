/* SPDX-License-Identifier: MIT */
/* tls_context: what connections share: configuration, store, own certificate, randomness, key log. Internal to net/tls*; tls.h has the outside. */
#ifndef WSDIAG_NET_TLS_CONTEXT_H
#define WSDIAG_NET_TLS_CONTEXT_H

#include "net/tls.h"
#include "net/tls_compat.h"

#include <mbedtls/entropy.h>

struct tls_context {
	bool is_server, insecure;
	mbedtls_ssl_config conf;
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context rng;
	mbedtls_x509_crt store;         /* whom we trust */
	mbedtls_x509_crt own;           /* our chain */
	mbedtls_pk_context key;
	int keylog;                     /* descriptor, -1: none */
	struct tls_secret_sink secrets;
};

/* tls.c: keeps the name a client asked a server for. For mbedtls_ssl_conf_sni. */
int tls_note_sni(void *arg, mbedtls_ssl_context *ssl, const unsigned char *name, size_t n);

#endif
