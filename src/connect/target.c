/* SPDX-License-Identifier: MIT */
#include "connect/target.h"

#include "codec/encode.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static void
clear_url(struct url *u)
{
	if (u->host != NULL)
		url_deinit(u);
	*u = (struct url){ 0 };
}

/* user:password@ in the URL, or --auth: Basic authorization (RFC 7617). The option outranks the URL; an Authorization header outranks both. */
static char *
make_authorization(const char *credentials)
{
	struct buf value CLEANUP(buf_deinit) = { 0 };

	if (credentials == NULL)
		return NULL;
	buf_puts(&value, "Basic ");
	encode_base64(&value, credentials, strlen(credentials));
	return xstrdup(buf_cstr(&value));
}

int
target_init(struct target *t, const struct session_options *opt, char **ret_error)
{
	int err;

	*t = (struct target){ .opt = opt };
	err = url_parse(opt->url, &t->given, ret_error);
	if (err == 0)
		t->authorization = make_authorization(opt->auth != NULL ? opt->auth : t->given.userinfo);
	return err;
}

void
target_deinit(struct target *t)
{
	clear_url(&t->given);
	clear_url(&t->redirected);
	clear_url(&t->tagged);
	free(t->authorization);
	free(t->headers);
	free(t->tag);
}

const struct url *
target_url(const struct target *t)
{
	return t->redirected.host != NULL ? &t->redirected : &t->given;
}

void
target_reset(struct target *t)
{
	clear_url(&t->redirected);
	t->is_elsewhere = false;
	t->redirects = 0;
}

static bool
is_same_origin(const struct url *a, const struct url *b)
{
	return a->is_tls == b->is_tls && a->port == b->port && strcmp(a->host, b->host) == 0;
}

int
target_follow(struct target *t, struct span location, char **ret_error)
{
	struct url next;
	int err;

	if (++t->redirects > t->opt->max_redirects)
		return -ELOOP;
	err = url_resolve(target_url(t), location, &next, ret_error);
	if (err != 0)
		return err;
	t->is_elsewhere |= !is_same_origin(&t->given, &next);
	clear_url(&t->redirected);
	t->redirected = next;
	return 0;
}

static bool
is_credential(struct span name)
{
	return span_eq_ci(name, "Authorization") || span_eq_ci(name, "Cookie") || span_eq_ci(name, "Proxy-Authorization");
}

static void
gather_headers(struct target *t)
{
	const struct header_list *given = t->opt->dial.headers;
	size_t n_given = given != NULL ? given->n : 0, n = 0;

	free(t->headers);
	t->headers = xcalloc(n_given + 1, sizeof(*t->headers));
	for (size_t i = 0; i < n_given; i++)
		if (!t->is_elsewhere || !is_credential(given->items[i].name))
			t->headers[n++] = given->items[i];
	if (t->opt->tag == TAG_HEADER)
		t->headers[n++] = (struct header){ SPAN_LIT("Wsdiag-Session"), span_of(t->tag) };
	t->header_list = (struct header_list){ t->headers, n };
}

/* Some hops strip headers they do not know, but none touches the query. */
static const struct url *
tag_url(struct target *t)
{
	const struct url *u = target_url(t);
	char *text CLEANUP(free_charp) = NULL, *error CLEANUP(free_charp) = NULL;

	if (t->opt->tag != TAG_QUERY)
		return u;
	clear_url(&t->tagged);
	text = xasprintf("%s%c%s=%s", u->text, strchr(u->target, '?') != NULL ? '&' : '?', t->opt->tag_name, t->tag);
	return url_parse(text, &t->tagged, &error) == 0 ? &t->tagged : u;
}

void
target_aim(struct target *t, const char *session, uint32_t dial, struct client_options *ret)
{
	free(t->tag);
	t->tag = xasprintf(t->opt->tag == TAG_QUERY ? "%s.%" PRIu32 : "%s; dial=%" PRIu32, session, dial);
	gather_headers(t);
	ret->url = tag_url(t);
	ret->headers = t->header_list.n > 0 ? &t->header_list : NULL;
	ret->authorization = t->is_elsewhere ? NULL : t->authorization;
	ret->host = t->is_elsewhere ? NULL : t->opt->dial.host;
}
