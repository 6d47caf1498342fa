/* SPDX-License-Identifier: MIT */
/* The names in a certificate: the SAN extension (RFC 5280 section 4.2.1.6), read from its own bytes. */
#include "base/escape.h"
#include "net/tls_verify.h"

#include <mbedtls/asn1.h>
#include <mbedtls/oid.h>

#include <arpa/inet.h>
#include <string.h>

enum { NAMES_SHOWN = 3, NAME_SHOWN_MAX = 80 };
/* GeneralName ::= CHOICE { dNSName [2], iPAddress [7], ... } */
enum { GENERAL_DNS = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2, GENERAL_IP = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7 };

/* One walk over the names: compares, and collects what to show. */
struct name_walk {
	struct span wanted;
	uint8_t ip[16];
	size_t ip_n;        /* 0: wanted is a host name */
	bool found;
	size_t seen;
	struct buf *names;
};

static struct span
without_final_dot(struct span name)
{
	if (name.n > 1 && name.p[name.n - 1] == '.')
		name.n--;
	return name;
}

static bool
equal_ci(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0) && (a.n == 0 || memchr(a.p, '\0', a.n) == NULL);
}

static struct span
behind(struct span s, const char *at)
{
	return (struct span){ at + 1, s.n - (size_t)(at + 1 - s.p) };
}

bool
tls_name_matches(struct span pattern, struct span name)
{
	pattern = without_final_dot(pattern);
	name = without_final_dot(name);
	if (pattern.n < 3 || pattern.p[0] != '*' || pattern.p[1] != '.')
		return pattern.n > 0 && equal_ci(pattern, name);
	struct span rest = { pattern.p + 2, pattern.n - 2 };
	const char *dot = name.n > 0 ? memchr(name.p, '.', name.n) : NULL;
	if (dot == NULL || dot == name.p || memchr(rest.p, '.', rest.n) == NULL || memchr(rest.p, '*', rest.n) != NULL)
		return false;
	return equal_ci(rest, behind(name, dot));
}

size_t
tls_parse_ip(const char *name, uint8_t ret[16])
{
	size_t n = strcspn(name, "%");
	char literal[INET6_ADDRSTRLEN];

	if (n >= sizeof(literal))
		return 0;
	memcpy(literal, name, n);
	literal[n] = '\0';
	if (inet_pton(AF_INET, literal, ret) == 1)
		return 4;
	return inet_pton(AF_INET6, literal, ret) == 1 ? 16 : 0;
}

static void
show_name(struct name_walk *w, struct span name)
{
	if (w->seen++ >= NAMES_SHOWN)
		return;
	if (w->names->len > 0)
		buf_puts(w->names, ", ");
	escape_text(w->names, name, NAME_SHOWN_MAX);
}

static void
visit_dns(struct name_walk *w, struct span name)
{
	w->found |= w->ip_n == 0 && tls_name_matches(name, w->wanted);
	show_name(w, name);
}

static void
visit_ip(struct name_walk *w, const uint8_t *ip, size_t n)
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (n != 4 && n != 16)
		return;
	inet_ntop(n == 4 ? AF_INET : AF_INET6, ip, text, sizeof(text));
	w->found |= w->ip_n == n && memcmp(ip, w->ip, n) == 0;
	show_name(w, span_of(text));
}

/* p is at GeneralNames ::= SEQUENCE OF GeneralName. Stops at the first thing that is not DER. */
static void
visit_general_names(struct name_walk *w, unsigned char *p, const unsigned char *end)
{
	size_t n;

	if (mbedtls_asn1_get_tag(&p, end, &n, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) != 0)
		return;
	end = p + n;
	while (end - p >= 2) {
		int tag = *p++;

		if (mbedtls_asn1_get_len(&p, end, &n) != 0)
			return;
		if (tag == GENERAL_DNS)
			visit_dns(w, (struct span){ (const char *)p, n });
		else if (tag == GENERAL_IP)
			visit_ip(w, p, n);
		p += n;
	}
}

/* Extension ::= SEQUENCE { extnID OID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }. true: it is the SAN, and *ret is its value. */
static bool
is_san(unsigned char *p, const unsigned char *end, unsigned char **ret, size_t *ret_n)
{
	size_t n;
	int critical;

	if (mbedtls_asn1_get_tag(&p, end, &n, MBEDTLS_ASN1_OID) != 0)
		return false;
	if (n != strlen(MBEDTLS_OID_SUBJECT_ALT_NAME) || memcmp(p, MBEDTLS_OID_SUBJECT_ALT_NAME, n) != 0)
		return false;
	p += n;
	int r = mbedtls_asn1_get_bool(&p, end, &critical);
	if (r != 0 && r != MBEDTLS_ERR_ASN1_UNEXPECTED_TAG)
		return false;
	if (mbedtls_asn1_get_tag(&p, end, &n, MBEDTLS_ASN1_OCTET_STRING) != 0)
		return false;
	*ret = p;
	*ret_n = n;
	return true;
}

/* false: there is no SAN extension. */
static bool
visit_san(struct name_walk *w, const mbedtls_x509_crt *crt)
{
	unsigned char *p = crt->v3_ext.p, *value;
	const unsigned char *end = p + crt->v3_ext.len;
	size_t n, value_n;

	if (p == NULL || mbedtls_asn1_get_tag(&p, end, &n, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) != 0)
		return false;
	while (p < end) {
		if (mbedtls_asn1_get_tag(&p, end, &n, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) != 0)
			return false;
		if (is_san(p, p + n, &value, &value_n)) {
			visit_general_names(w, value, value + value_n);
			return true;
		}
		p += n;
	}
	return false;
}

static void
visit_common_name(struct name_walk *w, const mbedtls_x509_crt *crt)
{
	for (const mbedtls_x509_name *at = &crt->subject; at != NULL; at = at->next)
		if (at->oid.p != NULL && MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &at->oid) == 0)
			visit_dns(w, (struct span){ (const char *)at->val.p, at->val.len });
}

bool
tls_cert_is_for(const mbedtls_x509_crt *crt, const char *name, struct buf *names)
{
	struct name_walk w = { .wanted = span_of(name), .names = names };

	w.ip_n = tls_parse_ip(name, w.ip);
	if (!visit_san(&w, crt))
		visit_common_name(&w, crt);
	if (w.seen > NAMES_SHOWN)
		buf_printf(names, " and %zu more", w.seen - NAMES_SHOWN);
	return w.found;
}
