/* SPDX-License-Identifier: MIT */
/*
 * tls: TLS over any transport, by mbedTLS 2.28 or 3.6 (the difference is in tls_compat). At least TLS 1.2. No renegotiation, no tickets.
 *
 * A tls_context is made once and shared by every connection. Making one for a client loads the store of trusted authorities (unless insecure):
 * ca_file, else SSL_CERT_FILE, else where systems keep theirs. That takes milliseconds and half a megabyte, so it waits for the first wss: dial.
 * Names are checked by ourselves, on both versions: host names and IP addresses in SAN (RFC 6125, RFC 9110 section 4.3.4); never the CN when
 * there is a SAN.
 * SSLKEYLOGFILE is honoured (NSS key log format).
 */
#ifndef WSDIAG_NET_TLS_H
#define WSDIAG_NET_TLS_H

#include "net/transport.h"

struct tls_context;

struct tls_options {
	bool is_server;
	bool insecure;         /* client: accept any certificate; what is wrong with it is not judged */
	const char *ca_file;   /* PEM, instead of the system's store; NULL: the system's */
	const char *cert_file; /* PEM chain; NULL: none. A server needs both */
	const char *key_file;  /* PEM; NULL: in cert_file */
	const char *keylog;    /* file that secrets are appended to; NULL: none */
};

/* Loads the files. 0, or a negative errno with a sentence in *ret_error (caller frees) that names the file; *ret_what then says what was at fault. */
enum tls_fault { TLS_FAULT_NONE, TLS_FAULT_CA, TLS_FAULT_OWN_CERT, TLS_FAULT_OTHER };
MUST_CHECK int tls_context_new(const struct tls_options *opt, struct tls_context **ret, enum tls_fault *ret_what, char **ret_error);
void tls_context_free(struct tls_context *ctx);

/* Takes over `below`, which must be open. name: what the certificate must be for, and SNI unless it is an IP address; NULL on a server. Starts the
 * handshake; opened or failed (STAGE_TLS) follows. ctx is borrowed and must outlive it. */
struct transport *tls_start(struct loop *l, struct tls_context *ctx, const char *name, struct transport *below, const struct transport_events *up,
    void *arg);

/* "mbedTLS 3.6.6" */
const char *tls_library(void);

#endif
