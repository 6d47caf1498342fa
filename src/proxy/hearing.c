/* SPDX-License-Identifier: MIT */
#include "proxy/hearing.h"

#include "base/list.h"

#include <string.h>

struct client {
	struct list link;        /* the least recently heard first */
	char *session, *host;    /* session: NULL without a tag */
	struct library_model *model;
};

struct hearing {
	struct library library;
	struct list clients;
	size_t n;
};

struct hearing *
hearing_new(const struct library *l)
{
	struct hearing *h = xcalloc(1, sizeof(*h));

	h->library = *l;
	list_init(&h->clients);
	return h;
}

static void
forget(struct hearing *h, struct client *c)
{
	list_remove(&c->link);
	h->n--;
	library_model_free(c->model);
	free(c->session);
	free(c->host);
	free(c);
}

void
hearing_free(struct hearing *h)
{
	if (h == NULL)
		return;
	while (!list_is_empty(&h->clients))
		forget(h, container_of(h->clients.next, struct client, link));
	free(h);
}

/* A dial that ended before its request has no tag: it belongs to whoever from there was heard last. */
static struct client *
find(struct hearing *h, struct span session, struct span host)
{
	for (struct list *l = h->clients.prev; l != &h->clients; l = l->prev) {
		struct client *c = container_of(l, struct client, link);

		if (session.n > 0 ? c->session != NULL && span_eq(session, c->session) : span_eq(host, c->host))
			return c;
	}
	return NULL;
}

static struct client *
client_of(struct hearing *h, struct span session, struct span host)
{
	struct client *c = find(h, session, host);

	if (c != NULL) {
		list_remove(&c->link);
	} else {
		if (h->n == HEARING_CLIENTS)
			forget(h, container_of(h->clients.next, struct client, link));
		c = xcalloc(1, sizeof(*c));
		c->session = session.n > 0 ? span_dup(session) : NULL;
		c->host = span_dup(host);
		c->model = library_model_new(&h->library);
		h->n++;
	}
	list_append(&h->clients, &c->link);
	return c;
}

bool
hearing_feed(struct hearing *h, const struct event *ev, struct span client, struct buf *out)
{
	const char *colon = client.n > 0 ? memrchr(client.p, ':', client.n) : NULL;

	if (colon != NULL)
		client.n = (size_t)(colon - client.p);
	return library_feed(client_of(h, ev->session, client)->model, ev, out);
}
