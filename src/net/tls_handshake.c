/* SPDX-License-Identifier: MIT */
#include "net/tls_layer.h"
#include "net/tls_words.h"

#include <string.h>

enum { FIRST_LINE = 256 }; /* read to show what is not TLS */

static void
note_facts(struct tls *s)
{
	s->facts = (struct tls_facts){
		.version = span_of(mbedtls_ssl_get_version(&s->ssl)),
		.cipher = span_of(mbedtls_ssl_get_ciphersuite(&s->ssl)),
		.sni = span_of(s->sni),
		.verified = !s->ctx->is_server && !s->ctx->insecure,
	};
	if (s->verify.subject == NULL)
		return;
	s->facts.subject = span_of(s->verify.subject);
	s->facts.issuer = span_of(s->verify.issuer);
	s->facts.not_before = span_of(s->verify.not_before);
	s->facts.not_after = span_of(s->verify.not_after);
	s->facts.sha256 = span_of(s->verify.sha256);
}

static void
explain(struct tls *s, int ret, struct failure *f)
{
	enum tls_ret what = tls_compat_classify(ret);
	uint8_t line[FIRST_LINE];
	struct transport_end cut = { .kind = END_FIN };
	struct tls_handshake_end end = { .is_server = s->ctx->is_server, .name = s->verify.name, .ret = ret, .first = { (char *)line, s->n_first } };

	memcpy(line, s->first, s->n_first);
	if (tls_is_not_tls(end.first)) {
		ssize_t n = transport_read(s->t.below, line + s->n_first, sizeof(line) - s->n_first);

		end.first.n += n > 0 ? (size_t)n : 0;
		tls_explain_handshake(&end, f);
	} else if (what == TLS_RET_EOF) {
		tls_first_end_below(s, &cut);
		tls_explain_cut(cut.kind == END_ERRNO ? cut.code : 0, f);
	} else if (what != TLS_RET_CERT || !tls_verify_failure(&s->verify, mbedtls_ssl_get_verify_result(&s->ssl), f)) {
		end.alert = what == TLS_RET_ALERT ? tls_compat_alert(&s->ssl) : 0;
		tls_explain_handshake(&end, f);
	}
}

static void
finish_handshake(struct tls *s, int ret)
{
	struct failure f;

	if (ret == 0) {
		s->state = TLS_OPEN;
		note_facts(s);
		tls_update_below(s);
		s->t.up->opened(s->t.up_arg);
		return;
	}
	s->state = TLS_FAILED;
	explain(s, ret, &f);
	tls_update_below(s);
	s->t.up->failed(s->t.up_arg, &f);
}

void
tls_handshake(struct tls *s)
{
	int ret = s->setup_error;

	for (int i = 0; ret == 0 && i < TLS_SPINS; i++) {
		s->starved = false;
		ret = mbedtls_ssl_handshake(&s->ssl);
		enum tls_ret what = tls_compat_classify(ret);
		if (what != TLS_RET_AGAIN && what != TLS_RET_RETRY) {
			finish_handshake(s, ret);
			return;
		}
		ret = 0;
		if (s->starved) {
			tls_update_below(s);
			return;
		}
	}
	if (ret != 0)
		finish_handshake(s, ret);
	else
		loop_defer(s->loop, &s->wake);
}

int
tls_note_sni(void *arg UNUSED, mbedtls_ssl_context *ssl, const unsigned char *name, size_t n)
{
	struct tls *s = container_of(ssl, struct tls, ssl);

	free(s->sni);
	s->sni = xstrndup((const char *)name, n);
	return 0;
}

/* SNI carries host names only (RFC 6066 section 3), without the final dot. NULL must be said too: 3.6 refuses to forget the name. */
static int
set_name(struct tls *s, const char *name)
{
	uint8_t ip[16];

	if (s->ctx->is_server)
		return 0;
	if (name != NULL && tls_parse_ip(name, ip) == 0) {
		size_t n = strlen(name);

		s->sni = xstrndup(name, n > 1 && name[n - 1] == '.' ? n - 1 : n);
	}
	return mbedtls_ssl_set_hostname(&s->ssl, s->sni);
}

struct transport *
tls_start(struct loop *l, struct tls_context *ctx, const char *name, struct transport *below, const struct transport_events *up, void *arg)
{
	struct tls *s = xcalloc(1, sizeof(*s));

	s->t = (struct transport){ .ops = &tls_ops, .below = below, .up = up, .up_arg = arg };
	s->loop = l;
	s->ctx = ctx;
	s->wake.run = tls_on_wake;
	tls_verify_init(&s->verify, name, ctx->insecure, clock_wall(l->clock));
	mbedtls_ssl_init(&s->ssl);
	s->setup_error = mbedtls_ssl_setup(&s->ssl, &ctx->conf);
	if (s->setup_error == 0)
		s->setup_error = set_name(s, name);
	mbedtls_ssl_set_bio(&s->ssl, s, tls_bio_send, tls_bio_recv, NULL);
	mbedtls_ssl_set_verify(&s->ssl, tls_verify_callback, &s->verify);
	if (ctx->keylog >= 0)
		tls_compat_export_ssl(&s->ssl, &ctx->secrets);
	transport_set_owner(below, &tls_from_below, s);
	loop_defer(l, &s->wake);
	return &s->t;
}
