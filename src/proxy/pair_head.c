/* SPDX-License-Identifier: MIT */
/* pair_head: the two heads as they are passed on: the request as a reverse proxy words it, the answer as it came; and what the lines of a plan change in them. */
#include "proxy/pair_state.h"

#include "codec/head_edit.h"

#include <string.h>

enum { OWN_EDITS = 8 };

struct edits {
	struct head_edit items[PAIR_EDITS + OWN_EDITS];
	size_t n;
};

static void
add_edit(struct edits *e, const char *name, struct span value)
{
	e->items[e->n++] = (struct head_edit){ span_of(name), value };
}

/* Behind our own: the last one of a name counts. */
static void
add_edits_of_plan(struct edits *e, const struct pair *p, bool is_answer)
{
	for (unsigned i = 0; i < p->n_edits; i++) {
		const struct plan_action *a = p->edits[i].action;

		if (p->edits[i].is_answer == is_answer)
			add_edit(e, a->name, a->what == DO_SET_HEADER ? span_of(a->text != NULL ? a->text : "") : SPAN_NONE);
	}
}

/* All that the headers of this name say, as one list (RFC 9110 section 5.3), and more behind it. */
static void
write_list(struct buf *out, const struct http_head *h, const char *name, struct span more)
{
	const struct header *said;

	for (size_t nth = 0; (said = http_find(h, name, nth)) != NULL; nth++) {
		buf_append(out, said->value.p, said->value.n);
		buf_puts(out, ", ");
	}
	buf_append(out, more.p, more.n);
}

/*
 * One request a connection: behind another one an upgrade would pass unseen. Who keeps connections is told to dial anew (RFC 9112 section 9.6); what else
 * is said there, as the Upgrade of a 426, stays.
 */
static void
add_close(struct edits *e, const struct http_head *h, struct buf *room)
{
	const struct header *said;

	if (http_has_token(h, "Connection", "close"))
		return;
	for (size_t nth = 0; (said = http_find(h, "Connection", nth)) != NULL; nth++) {
		struct span rest = said->value, item;

		while (span_next(&rest, ',', &item)) {
			item = span_trim(item);
			if (item.n == 0 || span_eq_ci(item, "keep-alive"))
				continue;
			buf_append(room, item.p, item.n);
			buf_puts(room, ", ");
		}
	}
	buf_puts(room, "close");
	add_edit(e, "Connection", buf_span(room));
}

/* 192.0.2.1:1234, [2001:db8::1]:1234: without the port. */
static struct span
host_of(const char *address)
{
	const char *colon = strrchr(address, ':');
	struct span s = { address, colon != NULL ? (size_t)(colon - address) : strlen(address) };

	if (s.n > 2 && *s.p == '[')
		s = (struct span){ s.p + 1, s.n - 2 };
	return s;
}

bool
pair_asks_for_upgrade(struct pair *p)
{
	return http_has_token(&pair_client(p)->io.head, "Connection", "Upgrade");
}

/* As a reverse proxy does: who asked, how, and of whom (RFC 9110 section 7.6.3; X-Forwarded-* as everybody has them). */
void
pair_write_request(struct pair *p)
{
	struct leg_side *c = pair_client(p);
	const struct http_head *h = &c->io.head;
	const struct header *host = http_find(h, "Host", 0);
	struct buf via CLEANUP(buf_deinit) = { 0 }, forwarded CLEANUP(buf_deinit) = { 0 }, connection CLEANUP(buf_deinit) = { 0 };
	struct edits e = { .n = 0 };

	write_list(&via, h, "Via", SPAN_LIT("1.1 wsdiag"));
	write_list(&forwarded, h, "X-Forwarded-For", host_of(c->peer));
	if (!p->opt->keeps_host)
		add_edit(&e, "Host", span_of(p->opt->upstream->host_header));
	if (!pair_asks_for_upgrade(p))
		add_close(&e, h, &connection);
	add_edit(&e, "Via", buf_span(&via));
	add_edit(&e, "X-Forwarded-For", buf_span(&forwarded));
	add_edit(&e, "X-Forwarded-Proto", p->opt->client_tls != NULL ? SPAN_LIT("https") : SPAN_LIT("http"));
	if (host != NULL)
		add_edit(&e, "X-Forwarded-Host", host->value);
	add_edits_of_plan(&e, p, false);
	buf_clear(&p->request);
	head_edit_write(&p->request, h, e.items, e.n);
}

void
pair_write_answer(struct pair *p, struct buf *out)
{
	struct head_io *io = &pair_origin(p)->io;
	struct buf connection CLEANUP(buf_deinit) = { 0 };
	struct edits e = { .n = 0 };

	if (io->head.status != 101)
		add_close(&e, &io->head, &connection);
	add_edits_of_plan(&e, p, true);
	if (e.n > 0)
		head_edit_write(out, &io->head, e.items, e.n);
	else
		buf_append(out, buf_head(&io->in), io->head.length);
}
