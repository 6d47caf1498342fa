/* SPDX-License-Identifier: MIT */
/*
 * A URL that was read must be fit for a request line, a header and a log, and be read from its own text again. No password that is
 * found by reading is left by redacting, and no secret where a plain URL has one.
 */
#include "fuzz/fuzz.h"

#include "codec/url.h"

#include <string.h>

static void
check_printable(const char *s)
{
	for (; *s != '\0'; s++)
		MUST_HOLD(*s > 0x20 && *s < 0x7f);
}

static void
check_url(const struct url *u)
{
	struct url again;
	char *error = NULL;

	check_printable(u->text);
	check_printable(u->host);
	check_printable(u->host_header);
	check_printable(u->target);
	MUST_HOLD(u->target[0] == '/' && strchr(u->target, '#') == NULL);
	MUST_HOLD(u->host[0] != '\0' && u->port > 0);
	/* Percent-encoding may take a text that was just short enough over the limit. */
	if (url_parse(u->text, &again, &error) < 0) {
		MUST_HOLD(strlen(u->text) > 5000);
		free(error);
		return;
	}
	MUST_HOLD(strcmp(u->text, again.text) == 0 && strcmp(u->host, again.host) == 0 && strcmp(u->target, again.target) == 0);
	MUST_HOLD(strcmp(u->host_header, again.host_header) == 0 && u->port == again.port && u->is_tls == again.is_tls);
	MUST_HOLD(u->is_literal == again.is_literal && again.userinfo == NULL);
	url_deinit(&again);
}

/* Spaces and quotes may end a port in a sentence: a password with such is hidden as far as can be told. */
static void
check_hidden(const char *text, const struct url *u, struct buf *redacted)
{
	const char *password = u->userinfo != NULL ? strchr(u->userinfo, ':') : NULL, *found;

	if (password == NULL || strlen(++password) < 4 || strcspn(password, " \t\"<>*") < strlen(password) || strlen(text) > 4096)
		return;
	found = strstr(text, password);
	/* Elsewhere in the text it is no secret; percent-encoded it is not found. */
	if (found == NULL || strstr(found + 1, password) != NULL)
		return;
	MUST_HOLD(strstr(buf_cstr(redacted), password) == NULL);
}

static void
check_replaced(const char *before, struct span secret, const char *behind)
{
	struct buf text CLEANUP(buf_deinit) = { 0 }, redacted CLEANUP(buf_deinit) = { 0 }, expected CLEANUP(buf_deinit) = { 0 };

	for (size_t i = 0; i < secret.n; i++)
		if ((unsigned char)secret.p[i] <= ' ' || strchr("&#\"<>/?@", secret.p[i]) != NULL)
			return;
	buf_puts(&text, before);
	buf_append(&text, secret.p, secret.n);
	buf_puts(&text, behind);
	buf_printf(&expected, "%s%s%s", before, secret.n > 0 ? "***" : "", behind);
	url_redact(&redacted, buf_span(&text));
	MUST_HOLD(strcmp(buf_cstr(&redacted), buf_cstr(&expected)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = xstrndup((const char *)data, n), *error = NULL;
	struct buf redacted = { 0 };
	struct url base, u;

	check_replaced("ws://h/?token=", (struct span){ (const char *)data, MIN(n, (size_t)1000) }, "&x=1");
	check_replaced("ws://user:", (struct span){ (const char *)data, MIN(n, (size_t)1000) }, "@h:80/");
	if (url_parse(text, &u, &error) == 0) {
		check_url(&u);
		url_redact(&redacted, span_of(text));
		check_hidden(text, &u, &redacted);
		url_deinit(&u);
	} else {
		MUST_HOLD(strlen(error) > 0);
		for (const char *c = error; *c != '\0'; c++)
			MUST_HOLD(*c >= 0x20 && *c < 0x7f);
		free(error);
	}
	MUST_HOLD(url_parse("wss://u:p@example.org:8443/a/b?q", &base, &error) == 0);
	if (url_resolve(&base, (struct span){ (const char *)data, n }, &u, &error) == 0) {
		check_url(&u);
		url_deinit(&u);
	} else {
		free(error);
	}
	url_deinit(&base);
	buf_deinit(&redacted);
	free(text);
	return 0;
}
