/* SPDX-License-Identifier: MIT */
#include "net/tls_compat.h"

#include <mbedtls/error.h>
#include <mbedtls/version.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

#include <stdio.h>
#include <string.h>

/* X.509 and PEM errors: the module's own codes are multiples of 0x80, a low-level code may be added below them. */
static bool
is_x509_error(int ret)
{
	int high = -ret & 0xff80;

	return high >= -MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE && high <= -MBEDTLS_ERR_X509_FATAL_ERROR;
}

enum tls_ret
tls_compat_classify(int ret)
{
	if (ret >= 0)
		return TLS_RET_OK;
	switch (ret) {
	case MBEDTLS_ERR_SSL_WANT_READ:
	case MBEDTLS_ERR_SSL_WANT_WRITE: return TLS_RET_AGAIN;
	case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY: return TLS_RET_NOTIFY;
	case MBEDTLS_ERR_SSL_CONN_EOF: return TLS_RET_EOF;
	case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE: return TLS_RET_ALERT;
	case MBEDTLS_ERR_SSL_INVALID_MAC: return TLS_RET_BAD_MAC;
	case MBEDTLS_ERR_SSL_INVALID_RECORD: return TLS_RET_BAD_RECORD;
	case MBEDTLS_ERR_SSL_CA_CHAIN_REQUIRED: return TLS_RET_CERT;
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	/* 3.6.0 says so from read and write even when no ticket was asked for. */
	case MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET: return TLS_RET_RETRY;
	case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION: return TLS_RET_VERSION;
	case MBEDTLS_ERR_SSL_BAD_CERTIFICATE: return TLS_RET_CERT;
#else
	case MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION: return TLS_RET_VERSION;
	case MBEDTLS_ERR_SSL_BAD_HS_CERTIFICATE: return TLS_RET_CERT;
#endif
	default: return is_x509_error(ret) ? TLS_RET_CERT : TLS_RET_OTHER;
	}
}

void
tls_compat_describe(int ret, char *text, size_t size)
{
	char whole[256] = "";

	mbedtls_strerror(ret, whole, sizeof(whole));
	const char *dash = strstr(whole, " - ");
	snprintf(text, size, "%s", dash != NULL ? dash + 3 : whole);
}

const char *
tls_compat_version(void)
{
	static char version[18];

	mbedtls_version_get_string(version);
	return version;
}

bool
tls_compat_has_tls13(void)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000 && defined(MBEDTLS_SSL_PROTO_TLS1_3)
	return true;
#else
	return false;
#endif
}

int
tls_compat_init(void)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	/* TLS 1.3 does its cryptography through PSA. */
	return psa_crypto_init() == PSA_SUCCESS ? 0 : MBEDTLS_ERR_SSL_HW_ACCEL_FAILED;
#else
	return 0;
#endif
}

int
tls_compat_parse_key(mbedtls_pk_context *key, const uint8_t *data, size_t n, mbedtls_ctr_drbg_context *rng)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return mbedtls_pk_parse_key(key, data, n, NULL, 0, mbedtls_ctr_drbg_random, rng);
#else
	(void)rng;
	return mbedtls_pk_parse_key(key, data, n, NULL, 0);
#endif
}

int
tls_compat_check_pair(const mbedtls_pk_context *pub, const mbedtls_pk_context *key, mbedtls_ctr_drbg_context *rng)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return mbedtls_pk_check_pair(pub, key, mbedtls_ctr_drbg_random, rng);
#else
	(void)rng;
	return mbedtls_pk_check_pair(pub, key);
#endif
}

bool
tls_compat_is_password_required(int ret)
{
	return ret == MBEDTLS_ERR_PK_PASSWORD_REQUIRED;
}

void
tls_compat_configure(mbedtls_ssl_config *conf)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	mbedtls_ssl_conf_min_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
#else
	mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
#if defined(MBEDTLS_SSL_RENEGOTIATION)
	mbedtls_ssl_conf_renegotiation(conf, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
#if defined(MBEDTLS_SSL_SESSION_TICKETS) && defined(MBEDTLS_SSL_CLI_C)
	mbedtls_ssl_conf_session_tickets(conf, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
#endif
}

void
tls_compat_only_version(mbedtls_ssl_config *conf, int minor)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	mbedtls_ssl_conf_min_tls_version(conf, (mbedtls_ssl_protocol_version)(0x0301 + minor));
	mbedtls_ssl_conf_max_tls_version(conf, (mbedtls_ssl_protocol_version)(0x0301 + minor));
#else
	mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3, minor + 1);
	mbedtls_ssl_conf_max_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3, minor + 1);
#endif
}

int
tls_compat_alert(const mbedtls_ssl_context *ssl)
{
	/* Level, then description (RFC 8446 section 6); the library keeps the record but offers no accessor. */
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return ssl->MBEDTLS_PRIVATE(in_msg)[1];
#else
	return ssl->in_msg[1];
#endif
}

#if MBEDTLS_VERSION_NUMBER >= 0x03000000

static const char *
label_of(mbedtls_ssl_key_export_type type)
{
	switch (type) {
	case MBEDTLS_SSL_KEY_EXPORT_TLS12_MASTER_SECRET: return "CLIENT_RANDOM";
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
	case MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_EARLY_SECRET: return "CLIENT_EARLY_TRAFFIC_SECRET";
	case MBEDTLS_SSL_KEY_EXPORT_TLS1_3_EARLY_EXPORTER_SECRET: return "EARLY_EXPORTER_SECRET";
	case MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_HANDSHAKE_TRAFFIC_SECRET: return "CLIENT_HANDSHAKE_TRAFFIC_SECRET";
	case MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_HANDSHAKE_TRAFFIC_SECRET: return "SERVER_HANDSHAKE_TRAFFIC_SECRET";
	case MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_APPLICATION_TRAFFIC_SECRET: return "CLIENT_TRAFFIC_SECRET_0";
	case MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_APPLICATION_TRAFFIC_SECRET: return "SERVER_TRAFFIC_SECRET_0";
#endif
	default: return NULL;
	}
}

static void
export_secret(void *arg, mbedtls_ssl_key_export_type type, const unsigned char *secret, size_t n, const unsigned char client_random[32],
    const unsigned char server_random[32] UNUSED, mbedtls_tls_prf_types prf UNUSED)
{
	const struct tls_secret_sink *sink = arg;
	const char *label = label_of(type);

	if (label != NULL)
		sink->fn(sink->arg, label, client_random, secret, n);
}

void
tls_compat_export_conf(mbedtls_ssl_config *conf UNUSED, struct tls_secret_sink *sink UNUSED)
{
}

void
tls_compat_export_ssl(mbedtls_ssl_context *ssl, struct tls_secret_sink *sink)
{
	mbedtls_ssl_set_export_keys_cb(ssl, export_secret, sink);
}

#else

enum { MASTER_SECRET = 48 };

static int
export_secret(void *arg, const unsigned char *master, const unsigned char *keys UNUSED, size_t mac_len UNUSED, size_t key_len UNUSED,
    size_t iv_len UNUSED, const unsigned char client_random[32], const unsigned char server_random[32] UNUSED, mbedtls_tls_prf_types prf UNUSED)
{
	const struct tls_secret_sink *sink = arg;

	sink->fn(sink->arg, "CLIENT_RANDOM", client_random, master, MASTER_SECRET);
	return 0;
}

void
tls_compat_export_conf(mbedtls_ssl_config *conf UNUSED, struct tls_secret_sink *sink UNUSED)
{
#if defined(MBEDTLS_SSL_EXPORT_KEYS)
	mbedtls_ssl_conf_export_keys_ext_cb(conf, export_secret, sink);
#else
	(void)export_secret;
#endif
}

void
tls_compat_export_ssl(mbedtls_ssl_context *ssl UNUSED, struct tls_secret_sink *sink UNUSED)
{
}

#endif
