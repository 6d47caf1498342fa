/* SPDX-License-Identifier: MIT */
/* Certificates and handshakes that fail: each for its reason, in words. */
#include "net/tls_verify.h"

#include "net/tls_context.h"
#include "support/pipe_transport.h"
#include "support/tls_pair.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

START_TEST(names_match_as_rfc_6125_has_it)
{
	static const struct {
		const char *pattern, *name;
		bool matches;
	} rows[] = {
		{ "example.org", "example.org", true },
		{ "Example.ORG", "eXample.org", true },
		{ "example.org.", "example.org", true },
		{ "example.org", "example.org.", true },
		{ "example.org", "www.example.org", false },
		{ "*.example.org", "www.example.org", true },
		{ "*.example.org", "WWW.EXAMPLE.org", true },
		{ "*.example.org", "example.org", false },
		{ "*.example.org", ".example.org", false },
		{ "*.example.org", "a.b.example.org", false },
		{ "w*.example.org", "www.example.org", false },
		{ "*w.example.org", "www.example.org", false },
		{ "www.*.org", "www.example.org", false },
		{ "*.*.org", "www.example.org", false },
		{ "*.org", "example.org", false },
		{ "*", "org", false },
		{ "*.", "a.", false },
		{ "", "", false },
		{ "", "a", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(tls_name_matches(span_of(rows[i].pattern), span_of(rows[i].name)) == rows[i].matches, "%s for %s", rows[i].pattern,
		    rows[i].name);
	/* A NUL inside is no end (CVE-2009-2408). */
	ck_assert(!tls_name_matches((struct span){ "example.org\0.evil.test", 22 }, span_of("example.org")));
	ck_assert(!tls_name_matches((struct span){ "a\0b", 3 }, (struct span){ "a\0b", 3 }));
}
END_TEST

START_TEST(addresses_are_told_from_names)
{
	uint8_t ip[16];

	ck_assert_uint_eq(tls_parse_ip("127.0.0.1", ip), 4);
	ck_assert_uint_eq(tls_parse_ip("::1", ip), 16);
	ck_assert_uint_eq(tls_parse_ip("fe80::1%eth0", ip), 16);
	ck_assert_uint_eq(tls_parse_ip("127.0.0.1.nip.test", ip), 0);
	ck_assert_uint_eq(tls_parse_ip("localhost", ip), 0);
	ck_assert_uint_eq(tls_parse_ip("", ip), 0);
}
END_TEST

static const struct {
	const char *server, *name;
	enum cause cause;
	const char *text;      /* "": opens */
} certificates[] = {
	{ "server", "localhost", CAUSE_NONE, "" },
	{ "server", "LOCALHOST.", CAUSE_NONE, "" },
	{ "server", "a.wild.test", CAUSE_NONE, "" },
	{ "server", "wild.test", CAUSE_CERT_NAME, "certificate is for localhost, *.wild.test, not wild.test" },
	{ "server", "a.b.wild.test", CAUSE_CERT_NAME, "certificate is for localhost, *.wild.test, not a.b.wild.test" },
	{ "server", "127.0.0.1", CAUSE_CERT_NAME, "certificate is for localhost, *.wild.test, not 127.0.0.1" },
	{ "ip", "127.0.0.1", CAUSE_NONE, "" },
	{ "ip", "::1", CAUSE_NONE, "" },
	{ "ip", "0:0:0:0:0:0:0:1", CAUSE_NONE, "" },
	{ "ip", "127.0.0.2", CAUSE_CERT_NAME, "certificate is for 127.0.0.1, ::1, not 127.0.0.2" },
	{ "ip", "localhost", CAUSE_CERT_NAME, "certificate is for 127.0.0.1, ::1, not localhost" },
	{ "wrong-name", "example.org", CAUSE_CERT_NAME, "certificate is for *.example.net, a.test, b.test and 4 more, not example.org" },
	/* With a SAN the CN says nothing. */
	{ "wrong-name", "example.net", CAUSE_CERT_NAME, "certificate is for *.example.net, a.test, b.test and 4 more, not example.net" },
	{ "wrong-name", "2001:db8:0::1", CAUSE_NONE, "" },
	{ "cn-only", "localhost", CAUSE_NONE, "" },
	{ "cn-only", "127.0.0.1", CAUSE_CERT_NAME, "certificate is for localhost, not 127.0.0.1" },
	{ "chain", "localhost", CAUSE_NONE, "" },
	{ "expired", "localhost", CAUSE_CERT_EXPIRED, "certificate expired on 2025-01-02 (" },
	{ "future", "localhost", CAUSE_CERT_FUTURE, "certificate is not valid before 2100-01-01 (" },
	{ "self-signed", "localhost", CAUSE_CERT_UNTRUSTED,
	    "self-signed certificate: CN=localhost (use --cacert FILE if you trust it, -k to ignore)" },
	{ "untrusted", "localhost", CAUSE_CERT_UNTRUSTED,
	    "unknown issuer: O=wsdiag tests, CN=Unknown CA (use --cacert FILE if you trust it, -k to ignore)" },
	{ "untrusted", "other", CAUSE_CERT_UNTRUSTED,
	    "unknown issuer: O=wsdiag tests, CN=Unknown CA (use --cacert FILE if you trust it, -k to ignore); "
	    "certificate is for localhost, not other" },
};

START_TEST(each_certificate_is_judged_in_each_version)
{
	int minors[2], n = tls_test_minors(minors);

	for (int v = 0; v < n; v++) {
		for (size_t i = 0; i < ARRAY_LEN(certificates); i++) {
			const char *text = certificates[i].text;
			struct tls_pair p;

			tls_pair_init(&p, tls_test_server(certificates[i].server), NULL);
			tls_compat_only_version(&p.client_ctx->conf, minors[v]);
			tls_pair_start(&p, certificates[i].name);
			tls_pair_run(&p);
			ck_assert_msg(p.client.opened == (text[0] == '\0'), "row %zu: %s", i, p.client.failure.text);
			ck_assert_int_eq(p.client.failure.cause, certificates[i].cause);
			ck_assert_msg(strncmp(p.client.failure.text, text, strlen(text)) == 0, "row %zu: %s", i, p.client.failure.text);
			ck_assert_int_eq(p.client.failed, text[0] != '\0');
			if (p.client.opened > 0) {
				uint8_t ip[16];
				const struct tls_facts *f = transport_tls(p.server.t);

				ck_assert_msg((f->sni.p != NULL) == (tls_parse_ip(certificates[i].name, ip) == 0), "row %zu", i);
			}
			tls_pair_end(&p);
		}
	}
}
END_TEST

START_TEST(insecure_opens_with_any_certificate_and_shows_it)
{
	static const char *const names[] = { "expired", "future", "wrong-name", "self-signed", "untrusted" };
	int minors[2], n = tls_test_minors(minors);

	for (size_t i = 0; i < ARRAY_LEN(names) * (size_t)n; i++) {
		struct tls_pair p;

		tls_pair_init(&p, tls_test_server(names[i / (size_t)n]), tls_test_client(NULL));
		tls_compat_only_version(&p.client_ctx->conf, minors[i % (size_t)n]);
		tls_pair_start(&p, i % 2 == 0 ? "localhost" : "127.0.0.1");
		tls_pair_run(&p);
		ck_assert_msg(p.client.opened == 1, "%s: %s", names[i / (size_t)n], p.client.failure.text);
		ck_assert(!transport_tls(p.client.t)->verified);
		ck_assert_uint_gt(transport_tls(p.client.t)->subject.n, 0);
		tls_pair_end(&p);
	}
}
END_TEST

START_TEST(a_self_signed_certificate_can_be_trusted_by_name)
{
	struct tls_pair p;

	tls_pair_init(&p, tls_test_server("self-signed"), tls_test_client("self-signed.pem"));
	tls_pair_start(&p, "localhost");
	tls_pair_run(&p);
	ck_assert_int_eq(p.client.opened, 1);
	tls_pair_end(&p);
}
END_TEST

START_TEST(the_server_hears_why_its_certificate_was_refused)
{
	struct tls_pair p;

	tls_pair_init(&p, tls_test_server("untrusted"), NULL);
	tls_compat_only_version(&p.client_ctx->conf, 2);
	tls_pair_start(&p, "localhost");
	tls_pair_run(&p);
	ck_assert_int_eq(p.server.failed, 1);
	ck_assert_int_eq(p.server.failure.cause, CAUSE_TLS_ALERT);
	ck_assert_int_eq(p.server.failure.code, 48);
	ck_assert_str_eq(p.server.failure.text, "the client refuses the TLS handshake with unknown_ca (48): it rejects our certificate");
	tls_pair_end(&p);
}
END_TEST

/* What a server that is none, or not ours, answers to the first bytes of a handshake. */
static const struct {
	const char *answer;
	size_t n;
	int end;               /* -1: stays open, 0: FIN, else RST */
	enum cause cause;
	const char *text;      /* its beginning */
} answers[] = {
	{ "HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", 39, -1, CAUSE_TLS_NOT_TLS,
	    "the server does not speak TLS on this port (it answered \"HTTP/1.1 400 Bad Request\"); try ws://" },
	{ "SSH-2.0-OpenSSH_9.2\r\n", 21, -1, CAUSE_TLS_NOT_TLS, "the server does not speak TLS on this port (it answered \"SSH-2.0-OpenSSH_9.2\")" },
	{ "\x1b[2J", 4, 0, CAUSE_TLS_NOT_TLS, "the server does not speak TLS on this port (it answered \"\\e[2J\")" },
	{ "no", 2, 0, CAUSE_TLS_NOT_TLS, "the server does not speak TLS on this port (it answered \"no\")" },
	{ "\x15\x03\x01\x00\x02\x02\x28", 7, -1, CAUSE_TLS_ALERT, "the server refuses the TLS handshake with handshake_failure (40)" },
	{ "\x15\x03\x01\x00\x02\x02\x28", 7, 0, CAUSE_TLS_ALERT, "the server refuses the TLS handshake with handshake_failure (40)" },
	{ "\x15\x03\x03\x00\x02\x02\x70", 7, 0, CAUSE_TLS_ALERT,
	    "the server refuses the TLS handshake with unrecognized_name (112): it knows no host localhost" },
	{ "\x15\x03\x03\x00\x02\x02\x46", 7, 0, CAUSE_TLS_VERSION, "the server refuses " },
	{ "\x15\x03\x03\x00\x02", 5, 0, CAUSE_TCP_CLOSED, "closed during the TLS handshake" },
	{ "", 0, 0, CAUSE_TCP_CLOSED, "closed during the TLS handshake" },
	{ "", 0, ECONNRESET, CAUSE_TCP_RESET, "Connection reset by peer, during the TLS handshake" },
	{ "\x16\x03", 2, ECONNRESET, CAUSE_TCP_RESET, "Connection reset by peer, during the TLS handshake" },
};

START_TEST(answers_that_are_no_handshake_are_named)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct tls_pair p;

		tls_pair_init(&p, NULL, NULL);
		struct transport *raw = tls_pair_start_one(&p, &p.client, "localhost");
		tls_pair_run(&p);
		ck_assert_uint_gt(pipe_arrived(raw), 100);
		pipe_inject(p.client.below, answers[i].answer, answers[i].n);
		if (answers[i].end >= 0)
			pipe_cut(p.client.below, answers[i].n, answers[i].end);
		tls_pair_run(&p);
		ck_assert_msg(p.client.failed == 1, "row %zu", i);
		ck_assert_int_eq(p.client.failure.stage, STAGE_TLS);
		ck_assert_msg(p.client.failure.cause == answers[i].cause, "row %zu: %s", i, p.client.failure.text);
		ck_assert_msg(strncmp(p.client.failure.text, answers[i].text, strlen(answers[i].text)) == 0, "row %zu: %s", i,
		    p.client.failure.text);
		tls_raw_close(raw, TRANSPORT_RST);
		tls_pair_end(&p);
	}
}
END_TEST

START_TEST(a_refused_version_says_what_this_build_has)
{
	struct tls_pair p;

	tls_pair_init(&p, NULL, NULL);
	struct transport *raw = tls_pair_start_one(&p, &p.client, "localhost");
	pipe_inject(p.client.below, "\x15\x03\x03\x00\x02\x02\x46", 7);
	tls_pair_run(&p);
	if (tls_compat_has_tls13())
		ck_assert_str_eq(p.client.failure.text, "the server refuses both TLS 1.2 and TLS 1.3");
	else
		ck_assert_ptr_nonnull(strstr(p.client.failure.text, "the server refuses TLS 1.2, and this build's mbedTLS 2."));
	tls_raw_close(raw, TRANSPORT_RST);
	tls_pair_end(&p);
}
END_TEST

START_TEST(an_old_version_from_the_other_end_is_named)
{
	/* A ServerHello of TLS 1.1, no extensions. */
	uint8_t hello[] = { 22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2, [43] = 0, [44] = 0xc0, [45] = 0x13, [46] = 0 };
	struct tls_pair p;

	tls_pair_init(&p, NULL, NULL);
	struct transport *raw = tls_pair_start_one(&p, &p.client, "localhost");
	pipe_inject(p.client.below, hello, sizeof(hello));
	tls_pair_run(&p);
	ck_assert_msg(p.client.failure.cause == CAUSE_TLS_VERSION, "%s", p.client.failure.text);
	tls_raw_close(raw, TRANSPORT_RST);
	tls_pair_end(&p);
}
END_TEST

START_TEST(a_client_that_does_not_speak_tls_is_named)
{
	struct tls_pair p;

	tls_pair_init(&p, NULL, NULL);
	struct transport *raw = tls_pair_start_one(&p, &p.server, NULL);
	pipe_inject(p.server.below, "GET /chat HTTP/1.1\r\nHost: x\r\n\r\n", 31);
	tls_pair_run(&p);
	ck_assert_int_eq(p.server.failure.cause, CAUSE_TLS_NOT_TLS);
	ck_assert_str_eq(p.server.failure.text, "the client does not speak TLS (it sent \"GET /chat HTTP/1.1\")");
	tls_raw_close(raw, TRANSPORT_RST);
	tls_pair_end(&p);
}
END_TEST

START_TEST(a_handshake_cut_anywhere_fails_at_stage_tls)
{
	for (size_t offset = 0; offset < 700; offset += 61) {
		for (int err = 0; err <= ECONNRESET; err += ECONNRESET) {
			struct tls_pair p;

			tls_pair_init(&p, NULL, NULL);
			tls_pair_start(&p, "localhost");
			pipe_cut(p.client.below, offset, err);
			tls_pair_run(&p);
			ck_assert_int_eq(p.client.failed, 1);
			ck_assert_int_eq(p.client.failure.stage, STAGE_TLS);
			ck_assert_int_eq(p.client.failure.cause, err == 0 ? CAUSE_TCP_CLOSED : CAUSE_TCP_RESET);
			tls_pair_end(&p);
		}
	}
}
END_TEST

START_TEST(closing_from_inside_failed_is_safe)
{
	struct tls_pair p;

	tls_pair_init(&p, tls_test_server("expired"), NULL);
	p.client.close_at = p.server.close_at = AT_FAILED;
	tls_pair_start(&p, "localhost");
	tls_pair_run(&p);
	ck_assert_int_eq(p.client.closed, 1);
	tls_pair_end(&p);
}
END_TEST

static const struct {
	bool is_server;
	const char *cert, *key, *ca, *keylog;
	enum tls_fault what;
	const char *text;      /* part of it */
} files[] = {
	{ true, NULL, NULL, NULL, NULL, TLS_FAULT_OWN_CERT, "needs a certificate and a key" },
	{ true, "server.pem", NULL, NULL, NULL, TLS_FAULT_OWN_CERT, "no private key in " },
	{ true, "server.pem", "missing.key", NULL, NULL, TLS_FAULT_OWN_CERT, "missing.key: No such file" },
	{ true, "server.pem", "mismatched.key", NULL, NULL, TLS_FAULT_OWN_CERT, "does not belong to the certificate in " },
	{ true, "server.pem", "encrypted.key", NULL, NULL, TLS_FAULT_OWN_CERT, "encrypted.key is encrypted" },
	{ true, "server.pem", "ca.pem", NULL, NULL, TLS_FAULT_OWN_CERT, "no private key in " },
	{ true, "missing.pem", "server.key", NULL, NULL, TLS_FAULT_OWN_CERT, "missing.pem: No such file" },
	{ true, "server.key", "server.key", NULL, NULL, TLS_FAULT_OWN_CERT, "no certificate in " },
	{ true, "complete", "server.key", NULL, NULL, TLS_FAULT_OWN_CERT, "no certificate in " },
	{ true, ".", "server.key", NULL, NULL, TLS_FAULT_OWN_CERT, "Is a directory" },
	{ false, "client.pem", "server.key", "ca.pem", NULL, TLS_FAULT_OWN_CERT, "does not belong" },
	{ false, NULL, "server.key", "ca.pem", NULL, TLS_FAULT_OWN_CERT, "without a certificate" },
	{ false, NULL, NULL, "missing.pem", NULL, TLS_FAULT_CA, "missing.pem: No such file" },
	{ false, NULL, NULL, "server.key", NULL, TLS_FAULT_CA, "no certificate in " },
	{ false, NULL, NULL, "ca.pem", "missing/log", TLS_FAULT_OTHER, "missing/log: No such file" },
	{ false, "client.pem", "client.key", "bundle.pem", NULL, TLS_FAULT_NONE, NULL },
	{ false, NULL, NULL, "bundle.pem", NULL, TLS_FAULT_NONE, NULL },
};

static const char *
cert_or_null(const char *file)
{
	return file != NULL ? tls_cert(file) : NULL;
}

START_TEST(files_that_cannot_be_used_are_named)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		const struct tls_options opt = { .is_server = files[i].is_server, .cert_file = cert_or_null(files[i].cert),
			.key_file = cert_or_null(files[i].key), .ca_file = cert_or_null(files[i].ca), .keylog = cert_or_null(files[i].keylog) };
		struct tls_context *ctx = NULL;
		enum tls_fault what = TLS_FAULT_NONE;
		char *error CLEANUP(free_charp) = NULL;
		int r = tls_context_new(&opt, &ctx, &what, &error);

		ck_assert_msg(r == 0 || error != NULL, "row %zu", i);
		ck_assert_msg((r < 0) == (files[i].text != NULL) && what == files[i].what, "row %zu: %d %s", i, r, error);
		if (r < 0)
			ck_assert_msg(strstr(error, files[i].text) != NULL, "row %zu: %s", i, error);
		else
			tls_context_free(ctx);
	}
}
END_TEST

START_TEST(the_store_is_not_needed_where_nothing_is_judged)
{
	setenv("SSL_CERT_FILE", tls_cert("missing.pem"), 1);
	tls_context_free(tls_test_client(NULL));
	tls_context_free(tls_test_server("server"));
	const struct tls_options opt = { 0 };
	struct tls_context *ctx;
	enum tls_fault what;
	char *error CLEANUP(free_charp) = NULL;
	ck_assert_int_eq(tls_context_new(&opt, &ctx, &what, &error), -ENOENT);
	ck_assert_int_eq(what, TLS_FAULT_CA);
	ck_assert_ptr_nonnull(strstr(error, "SSL_CERT_FILE"));
	ck_assert_ptr_nonnull(strstr(error, "missing.pem"));
	setenv("SSL_CERT_FILE", tls_cert("ca.pem"), 1);
	ck_assert_int_eq(tls_context_new(&opt, &ctx, &what, &error), 0);
	tls_context_free(ctx);
	unsetenv("SSL_CERT_FILE");
}
END_TEST

TLS_UNIT_MAIN("tls_verify", names_match_as_rfc_6125_has_it, addresses_are_told_from_names, each_certificate_is_judged_in_each_version,
    insecure_opens_with_any_certificate_and_shows_it, a_self_signed_certificate_can_be_trusted_by_name,
    the_server_hears_why_its_certificate_was_refused, answers_that_are_no_handshake_are_named, a_refused_version_says_what_this_build_has,
    an_old_version_from_the_other_end_is_named, a_client_that_does_not_speak_tls_is_named, a_handshake_cut_anywhere_fails_at_stage_tls,
    closing_from_inside_failed_is_safe, files_that_cannot_be_used_are_named, the_store_is_not_needed_where_nothing_is_judged)
