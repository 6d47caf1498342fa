/* SPDX-License-Identifier: MIT */
#include "net/tls_words.h"

#include "base/escape.h"

#include <stdio.h>
#include <string.h>

enum { FIRST_SHOWN = 60 };

/* RFC 8446 section 6 and the names of its predecessors. */
static const struct {
	int number;
	const char *name;
} alerts[] = {
	{ 0, "close_notify" }, { 10, "unexpected_message" }, { 20, "bad_record_mac" }, { 21, "decryption_failed" },
	{ 22, "record_overflow" }, { 30, "decompression_failure" }, { 40, "handshake_failure" }, { 41, "no_certificate" },
	{ 42, "bad_certificate" }, { 43, "unsupported_certificate" }, { 44, "certificate_revoked" }, { 45, "certificate_expired" },
	{ 46, "certificate_unknown" }, { 47, "illegal_parameter" }, { 48, "unknown_ca" }, { 49, "access_denied" },
	{ 50, "decode_error" }, { 51, "decrypt_error" }, { 60, "export_restriction" }, { 70, "protocol_version" },
	{ 71, "insufficient_security" }, { 80, "internal_error" }, { 86, "inappropriate_fallback" }, { 90, "user_canceled" },
	{ 100, "no_renegotiation" }, { 109, "missing_extension" }, { 110, "unsupported_extension" },
	{ 111, "certificate_unobtainable" }, { 112, "unrecognized_name" }, { 113, "bad_certificate_status_response" },
	{ 114, "bad_certificate_hash_value" }, { 115, "unknown_psk_identity" }, { 116, "certificate_required" },
	{ 120, "no_application_protocol" },
};

enum { ALERT_HANDSHAKE_FAILURE = 40, ALERT_CERT_FIRST = 41, ALERT_CERT_LAST = 48, ALERT_VERSION = 70, ALERT_NAME = 112, ALERT_CERT_REQUIRED = 116 };

void
tls_alert_text(int alert, char *text, size_t size)
{
	const char *name = "unknown alert";

	for (size_t i = 0; i < ARRAY_LEN(alerts); i++)
		if (alerts[i].number == alert)
			name = alerts[i].name;
	snprintf(text, size, "%s (%d)", name, alert);
}

bool
tls_is_not_tls(struct span first)
{
	/* ContentType 20 to 23, then the major version 3 (RFC 8446 section 5.1). */
	for (size_t i = 0; i < MIN(first.n, (size_t)2); i++) {
		uint8_t c = (uint8_t)first.p[i];

		if (i == 0 ? c < 20 || c > 23 : c != 3)
			return true;
	}
	return false;
}

static struct span
first_line(struct span s)
{
	const char *end = memchr(s.p, '\n', s.n);

	if (end != NULL)
		s.n = (size_t)(end - s.p);
	if (s.n > 0 && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

static void
explain_not_tls(const struct tls_handshake_end *end, struct failure *f)
{
	struct buf shown CLEANUP(buf_deinit) = { 0 };
	struct span line = first_line(end->first);
	bool is_http = line.n >= 5 && memcmp(line.p, "HTTP/", 5) == 0;

	escape_text(&shown, line, FIRST_SHOWN);
	if (end->is_server)
		failure_set(f, STAGE_TLS, CAUSE_TLS_NOT_TLS, 0, "the client does not speak TLS (it sent \"%s\")", buf_cstr(&shown));
	else
		failure_set(f, STAGE_TLS, CAUSE_TLS_NOT_TLS, 0, "the server does not speak TLS on this port (it answered \"%s\")%s",
		    buf_cstr(&shown), is_http ? "; try ws://" : "");
}

static const char *
other_end(const struct tls_handshake_end *end)
{
	return end->is_server ? "client" : "server";
}

static void
explain_version(const struct tls_handshake_end *end, struct failure *f)
{
	if (tls_compat_has_tls13())
		failure_set(f, STAGE_TLS, CAUSE_TLS_VERSION, end->alert, "the %s refuses both TLS 1.2 and TLS 1.3", other_end(end));
	else
		failure_set(f, STAGE_TLS, CAUSE_TLS_VERSION, end->alert, "the %s refuses TLS 1.2, and this build's mbedTLS %s has no TLS 1.3",
		    other_end(end), tls_compat_version());
}

static void
explain_alert(const struct tls_handshake_end *end, struct failure *f)
{
	const char *who = other_end(end);
	char alert[64], hint[128] = "";

	if (end->alert == ALERT_VERSION) {
		explain_version(end, f);
		return;
	}
	tls_alert_text(end->alert, alert, sizeof(alert));
	if (end->alert == ALERT_HANDSHAKE_FAILURE && !end->is_server && !tls_compat_has_tls13())
		snprintf(hint, sizeof(hint), ": nothing in common; this build's mbedTLS %s has no TLS 1.3", tls_compat_version());
	else if (end->alert == ALERT_HANDSHAKE_FAILURE)
		snprintf(hint, sizeof(hint), ": no cipher or parameter in common, or a client certificate is missing");
	else if (end->alert == ALERT_NAME && end->name != NULL)
		snprintf(hint, sizeof(hint), ": it knows no host %.90s", end->name);
	else if (end->alert == ALERT_CERT_REQUIRED)
		snprintf(hint, sizeof(hint), ": it wants a client certificate (--cert)");
	else if (end->alert >= ALERT_CERT_FIRST && end->alert <= ALERT_CERT_LAST)
		snprintf(hint, sizeof(hint), ": it rejects our certificate");
	failure_set(f, STAGE_TLS, CAUSE_TLS_ALERT, end->alert, "the %s refuses the TLS handshake with %s%s", who, alert, hint);
}

void
tls_corrupt_text(int ret, char *text, size_t size)
{
	switch (tls_compat_classify(ret)) {
	case TLS_RET_BAD_MAC: snprintf(text, size, "a record failed its integrity check (bad record MAC)"); break;
	case TLS_RET_BAD_RECORD: snprintf(text, size, "what came is not a TLS record"); break;
	default: tls_compat_describe(ret, text, size); break;
	}
}

void
tls_explain_handshake(const struct tls_handshake_end *end, struct failure *f)
{
	char why[200];

	if (end->first.n > 0 && tls_is_not_tls(end->first)) {
		explain_not_tls(end, f);
		return;
	}
	switch (tls_compat_classify(end->ret)) {
	case TLS_RET_ALERT: explain_alert(end, f); return;
	case TLS_RET_VERSION:
		failure_set(f, STAGE_TLS, CAUSE_TLS_VERSION, 0, "the %s has no TLS version that we accept (TLS 1.2%s)", other_end(end),
		    tls_compat_has_tls13() ? " and 1.3" : "; this build has no TLS 1.3");
		return;
	case TLS_RET_CERT:
		tls_compat_describe(end->ret, why, sizeof(why));
		failure_set(f, STAGE_TLS, CAUSE_CERT_INVALID, 0, "the %s's certificate cannot be used: %s", other_end(end), why);
		return;
	case TLS_RET_BAD_MAC:
	case TLS_RET_BAD_RECORD:
		tls_corrupt_text(end->ret, why, sizeof(why));
		failure_set(f, STAGE_TLS, CAUSE_TLS_CORRUPT, 0, "%s, during the TLS handshake", why);
		return;
	default:
		tls_compat_describe(end->ret, why, sizeof(why));
		failure_set(f, STAGE_TLS, CAUSE_TLS_HANDSHAKE, 0, "the TLS handshake with the %s failed: %s", other_end(end), why);
	}
}

void
tls_explain_cut(int err, struct failure *f)
{
	if (err == 0)
		failure_set(f, STAGE_TLS, CAUSE_TCP_CLOSED, 0, "closed during the TLS handshake");
	else
		failure_set(f, STAGE_TLS, cause_of_errno(err), err, "%s, during the TLS handshake", strerror(err));
}
