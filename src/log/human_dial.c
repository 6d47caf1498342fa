/* SPDX-License-Identifier: MIT */
#include "log/human_words.h"

#include "log/redact.h"

#include <inttypes.h>
#include <string.h>

void
human_text_start(struct words *w)
{
	const struct ev_start *e = &w->ev->u.start;

	if (e->url.n > 0) {
		words_url(w, e->url);
		buf_puts(w->out, "  ");
	}
	if (w->opt->time == TIME_LOCAL) {
		clock_format_local_date(w->out, w->ev->wall_us);
		buf_puts(w->out, "  ");
	} else if (w->opt->time != TIME_ISO) {
		clock_format_rfc3339(w->out, w->ev->wall_us);
		buf_puts(w->out, "  ");
	}
	words_labelled(w, "wsdiag ", e->version);
	buf_printf(w->out, "  run %06x", (unsigned)(w->ev->src->run >> 40));
}

void
human_text_listen(struct words *w)
{
	const struct ev_listen *e = &w->ev->u.listen;

	words_url(w, e->url);
	if (e->address.n > 0 && (e->url.n == 0 || memmem(e->url.p, e->url.n, e->address.p, e->address.n) == NULL))
		words_labelled(w, e->url.n > 0 ? "  " : "", e->address);
	if (e->upstream.n > 0) {
		buf_puts(w->out, "  to ");
		words_url(w, e->upstream);
	}
}

/* Addresses that were tried in vain, but those that text has; why, where it is not the cause that is told anyway. */
static void
put_attempts(struct words *w, const struct attempt_list *list, enum cause told, struct span text)
{
	const char *before = "; tried ";

	for (size_t i = 0; i < list->n; i++) {
		const struct attempt *a = &list->items[i];

		if (text.n > 0 && memmem(text.p, text.n, a->address.p, a->address.n) != NULL)
			continue;
		buf_puts(w->out, before);
		words_escaped(w, a->address);
		if (a->cause != told)
			buf_printf(w->out, " (%s)", cause_name(a->cause));
		before = ", ";
	}
}

/* What a header of this name says. */
static void
put_header(struct words *w, const char *label, struct span name, struct span value)
{
	struct buf clean CLEANUP(buf_deinit) = { 0 };

	if (!w->opt->show_secrets) {
		redact_header(&clean, name, value);
		value = buf_span(&clean);
	}
	words_labelled(w, label, value);
}

/* The head and the beginning of the body of an answer that refused the upgrade: often the only place that says why. */
static void
put_answer(struct words *w, const struct ev_failed *e)
{
	struct span body = e->body, line;

	for (size_t i = 0; i < e->headers.n; i++) {
		const struct header *h = &e->headers.items[i];

		buf_putc(w->out, '\n');
		words_escaped(w, h->name);
		put_header(w, ": ", h->name, h->value);
	}
	while (body.n > 0 && span_next(&body, '\n', &line)) {
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		buf_putc(w->out, '\n');
		words_escaped(w, line);
	}
}

void
human_text_failed(struct words *w)
{
	const struct ev_failed *e = &w->ev->u.failed;

	buf_printf(w->out, "%s: ", stage_name(e->stage));
	words_private(w, e->text, words_sentence);
	words_duration(w, ", ", e->took, "");
	put_attempts(w, &e->attempts, e->cause, e->text);
	words_labelled(w, "; ", e->hop);
	if (e->status != 0)
		put_answer(w, e);
}

void
human_text_reject(struct words *w)
{
	const struct ev_reject *e = &w->ev->u.reject;
	struct span text = e->text;

	words_escaped(w, e->peer);
	if (e->status != 0)
		buf_printf(w->out, " HTTP %d", e->status);
	buf_puts(w->out, ": ");
	/* A sentence goes on here. */
	if (e->request.n > 0 && text.n > 0 && text.p[text.n - 1] == '.')
		text.n--;
	words_private(w, text, words_sentence);
	if (e->request.n > 0) {
		buf_puts(w->out, "; ");
		words_url(w, e->request);
	}
	words_duration(w, ", ", e->took, "");
}

/* Stages one by one, in milliseconds: a unit each would be noise. */
static void
put_timing(struct words *w, const struct dial_timing *t, bool with_stages)
{
	const struct {
		const char *name;
		int64_t us;
	} stages[] = { { "dns", t->dns }, { "tcp", t->tcp }, { "tunnel", t->tunnel }, { "tls", t->tls }, { "upgrade", t->upgrade } };
	int64_t sum = US_UNKNOWN;
	const char *before = " (";

	for (size_t i = 0; i < ARRAY_LEN(stages); i++)
		if (stages[i].us != US_UNKNOWN)
			sum = MAX(sum, INT64_C(0)) + stages[i].us;
	words_duration(w, " ", sum, "");
	if (!with_stages || sum == US_UNKNOWN)
		return;
	for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
		if (stages[i].us == US_UNKNOWN)
			continue;
		buf_printf(w->out, "%s%s %.*f", before, stages[i].name, stages[i].us < US_PER_MS ? 1 : 0, (double)stages[i].us / 1000);
		before = " ";
	}
	buf_puts(w->out, ")");
}

/* "ws://host:port/path" -> "/path": on a server the rest is known. */
static struct span
path_of(struct span url)
{
	const char *authority = url.n > 0 ? memmem(url.p, url.n, "://", 3) : NULL;
	struct span rest = url;

	if (authority != NULL) {
		rest.p = authority + 3;
		rest.n = url.n - (size_t)(rest.p - url.p);
		const char *slash = rest.n > 0 ? memchr(rest.p, '/', rest.n) : NULL;
		rest.n = slash != NULL ? rest.n - (size_t)(slash - rest.p) : 0;
		rest.p = slash;
	}
	return rest;
}

/* A server, and a proxy towards its clients: they were dialled. */
static bool
was_accepted(const struct words *w)
{
	return w->ev->src->role == ROLE_SERVER || w->ev->leg == LEG_CLIENT;
}

static void
put_tls(struct words *w, const struct tls_facts *tls)
{
	words_labelled(w, " ", tls->version);
	if (!tls->verified && !was_accepted(w))
		buf_puts(w->out, " not verified");
}

void
human_text_opened(struct words *w)
{
	const struct ev_opened *e = &w->ev->u.opened;
	bool is_server = was_accepted(w);

	if (w->ev->dial != 0)
		buf_printf(w->out, "d%" PRIu32 " ", w->ev->dial);
	words_escaped(w, e->peer);
	if (is_server) {
		buf_putc(w->out, ' ');
		words_url(w, path_of(e->url));
	}
	if (e->tls != NULL)
		put_tls(w, e->tls);
	if (!is_server)
		put_timing(w, &e->timing, !e->is_reconnect);
	if (e->is_reconnect)
		words_duration(w, "; down ", e->down, "");
	if (e->failed > 0)
		buf_printf(w->out, ", %" PRIu32 " dial%s failed", e->failed, e->failed == 1 ? "" : "s");
	put_attempts(w, &e->attempts, CAUSE_NONE, SPAN_NONE);
	put_header(w, "; subprotocol ", SPAN_LIT("Sec-WebSocket-Protocol"), e->subprotocol);
	words_labelled(w, "; extensions ", e->extensions);
	if (is_server)
		words_labelled(w, "; session ", w->ev->session);
	words_labelled(w, "; forwarded for ", e->forwarded_for);
	words_labelled(w, "; ", e->hop);
}

/* Line by line, each with the side it came from. */
void
human_text_head(struct words *w)
{
	const struct ev_head *e = &w->ev->u.head;
	struct buf clean CLEANUP(buf_deinit) = { 0 };
	struct span rest = e->text, line;

	if (!w->opt->show_secrets) {
		redact_head(&clean, rest);
		rest = buf_span(&clean);
	}
	while (rest.n > 0 && (rest.p[rest.n - 1] == '\n' || rest.p[rest.n - 1] == '\r'))
		rest.n--;
	for (bool first = true; span_next(&rest, '\n', &line); first = false) {
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		buf_puts(w->out, first ? "" : "\n");
		buf_puts(w->out, e->dir == DIR_IN ? "< " : "> ");
		words_escaped(w, line);
	}
}
