/* SPDX-License-Identifier: MIT */
#include "net/tls_verify.h"

#include "base/clock.h"

#include <mbedtls/md.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DN_MAX = 512, SECONDS_A_DAY = 86400 };

static const enum cause causes[WRONG_COUNT] = {
	[WRONG_AUTHORITY] = CAUSE_CERT_UNTRUSTED,
	[WRONG_NAME] = CAUSE_CERT_NAME,
	[WRONG_EXPIRED] = CAUSE_CERT_EXPIRED,
	[WRONG_FUTURE] = CAUSE_CERT_FUTURE,
	[WRONG_OTHER] = CAUSE_CERT_INVALID,
};

/* What the sentences above speak of; the rest is WRONG_OTHER. */
static const uint32_t told_by_us = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE | MBEDTLS_X509_BADCERT_NOT_TRUSTED |
    MBEDTLS_X509_BADCERT_CN_MISMATCH;

void
tls_verify_init(struct tls_verify *v, const char *name, bool insecure, int64_t now_us)
{
	*v = (struct tls_verify){ .name = name != NULL ? xstrdup(name) : NULL, .insecure = insecure, .now_us = now_us };
}

void
tls_verify_deinit(struct tls_verify *v)
{
	for (size_t i = 0; i < WRONG_COUNT; i++)
		free(v->wrong[i]);
	free(v->name);
	free(v->subject);
	free(v->issuer);
	*v = (struct tls_verify){ 0 };
}

static char *
distinguished_name(const mbedtls_x509_name *name)
{
	char text[DN_MAX] = "";

	/* What does not fit is cut; the library leaves what it had written. */
	mbedtls_x509_dn_gets(text, sizeof(text), name);
	text[sizeof(text) - 1] = '\0';
	return xstrdup(text[0] != '\0' ? text : "(no name)");
}

static void
format_time(char *out, size_t size, const mbedtls_x509_time *t)
{
	/* In range anyhow; it tells the compiler that they fit. */
	unsigned year = (unsigned)t->year % 10000, mon = (unsigned)t->mon % 100, day = (unsigned)t->day % 100;
	unsigned hour = (unsigned)t->hour % 100, min = (unsigned)t->min % 100, sec = (unsigned)t->sec % 100;

	snprintf(out, size, "%04u-%02u-%02uT%02u:%02u:%02uZ", year, mon, day, hour, min, sec);
}

static int64_t
seconds_of(const mbedtls_x509_time *t)
{
	struct tm tm = { .tm_year = t->year - 1900, .tm_mon = t->mon - 1, .tm_mday = t->day, .tm_hour = t->hour, .tm_min = t->min, .tm_sec = t->sec };

	return timegm(&tm);
}

static void
note_peer(struct tls_verify *v, const mbedtls_x509_crt *crt)
{
	uint8_t digest[32] = { 0 };

	free(v->subject);
	free(v->issuer);
	v->subject = distinguished_name(&crt->subject);
	v->issuer = distinguished_name(&crt->issuer);
	format_time(v->not_before, sizeof(v->not_before), &crt->valid_from);
	format_time(v->not_after, sizeof(v->not_after), &crt->valid_to);
	if (mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), crt->raw.p, crt->raw.len, digest) != 0)
		return;
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(v->sha256 + 2 * i, 3, "%02x", digest[i]);
}

/* Takes the sentence over. The walk goes from the top down: what is wrong nearer to the peer's own certificate replaces what is wrong above. */
static void
find_wrong(struct tls_verify *v, enum tls_wrong wrong, char *sentence)
{
	free(v->wrong[wrong]);
	v->wrong[wrong] = sentence;
}

/* "certificate", or whose it is when it is not the peer's own. */
static char *
certificate_at(const mbedtls_x509_crt *crt, int depth)
{
	char *subject CLEANUP(free_charp) = distinguished_name(&crt->subject);

	return depth == 0 ? xstrdup("certificate") : xasprintf("the authority's certificate (%.80s)", subject);
}

static void
append_distance(struct buf *out, int64_t seconds, const char *suffix)
{
	int64_t days = seconds / SECONDS_A_DAY;

	if (days > 0)
		buf_printf(out, " (%" PRId64 " day%s%s)", days, days == 1 ? "" : "s", suffix);
	else
		buf_printf(out, " (less than a day%s)", suffix);
}

static void
judge_dates(struct tls_verify *v, const mbedtls_x509_crt *crt, int depth, uint32_t flags)
{
	char *which CLEANUP(free_charp) = certificate_at(crt, depth);
	struct buf text CLEANUP(buf_deinit) = { 0 };
	const mbedtls_x509_time *from = &crt->valid_from, *to = &crt->valid_to;

	if (flags & MBEDTLS_X509_BADCERT_EXPIRED) {
		buf_printf(&text, "%s expired on %04d-%02d-%02d", which, to->year, to->mon, to->day);
		append_distance(&text, v->now_us / US_PER_S - seconds_of(to), " ago");
		find_wrong(v, WRONG_EXPIRED, xstrdup(buf_cstr(&text)));
	}
	buf_clear(&text);
	if (flags & MBEDTLS_X509_BADCERT_FUTURE) {
		buf_printf(&text, "%s is not valid before %04d-%02d-%02d", which, from->year, from->mon, from->day);
		append_distance(&text, seconds_of(from) - v->now_us / US_PER_S, " from now");
		find_wrong(v, WRONG_FUTURE, xstrdup(buf_cstr(&text)));
	}
}

static void
judge_authority(struct tls_verify *v, const mbedtls_x509_crt *crt, int depth)
{
	char *issuer CLEANUP(free_charp) = distinguished_name(&crt->issuer);
	const mbedtls_x509_buf *by = &crt->issuer_raw, *of = &crt->subject_raw;
	bool is_self_signed = depth == 0 && by->len == of->len && memcmp(by->p, of->p, by->len) == 0;

	find_wrong(v, WRONG_AUTHORITY, xasprintf("%s: %.100s (use --cacert FILE if you trust it, -k to ignore)",
	    is_self_signed ? "self-signed certificate" : "unknown issuer", issuer));
}

static void
judge_name(struct tls_verify *v, const mbedtls_x509_crt *crt, uint32_t *flags)
{
	struct buf names CLEANUP(buf_deinit) = { 0 };

	*flags &= ~(uint32_t)MBEDTLS_X509_BADCERT_CN_MISMATCH;
	if (v->name == NULL || tls_cert_is_for(crt, v->name, &names))
		return;
	*flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
	if (names.len > 0)
		find_wrong(v, WRONG_NAME, xasprintf("certificate is for %s, not %.100s", buf_cstr(&names), v->name));
	else
		find_wrong(v, WRONG_NAME, xasprintf("certificate names no host, so it is not for %.100s", v->name));
}

static void
append_other(struct buf *out, uint32_t flags)
{
	char text[512] = "";
	int n = mbedtls_x509_crt_verify_info(text, sizeof(text), "", flags);
	struct span rest = { text, n > 0 ? (size_t)n : 0 }, line;

	while (span_next(&rest, '\n', &line)) {
		if (line.n > 0 && line.p[line.n - 1] == '.')
			line.n--;
		if (line.n > 0)
			buf_printf(out, "%s%.*s", out->len > 0 ? "; " : "", (int)line.n, line.p);
	}
}

int
tls_verify_callback(void *arg, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	struct tls_verify *v = arg;

	if (depth == 0)
		note_peer(v, crt);
	if (v->insecure) {
		*flags = 0;
		return 0;
	}
	if (depth == 0)
		judge_name(v, crt, flags);
	judge_dates(v, crt, depth, *flags);
	if (*flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED)
		judge_authority(v, crt, depth);
	if (*flags & ~told_by_us) {
		struct buf text CLEANUP(buf_deinit) = { 0 };

		append_other(&text, *flags & ~told_by_us);
		find_wrong(v, WRONG_OTHER, xstrdup(buf_cstr(&text)));
	}
	return 0;
}

bool
tls_verify_failure(const struct tls_verify *v, uint32_t result, struct failure *f)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };
	enum cause cause = CAUSE_NONE;

	for (size_t i = 0; i < WRONG_COUNT; i++) {
		if (v->wrong[i] == NULL)
			continue;
		buf_printf(&text, "%s%s", text.len > 0 ? "; " : "", v->wrong[i]);
		if (cause == CAUSE_NONE)
			cause = causes[i];
	}
	/* Key usage and curve are judged by the library after the walk. All bits set: it never got that far. */
	if (text.len == 0 && result != UINT32_MAX)
		append_other(&text, result & ~told_by_us);
	if (text.len == 0)
		return false;
	failure_set(f, STAGE_TLS, cause != CAUSE_NONE ? cause : CAUSE_CERT_INVALID, 0, "%s", buf_cstr(&text));
	return true;
}
