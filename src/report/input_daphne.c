/* SPDX-License-Identifier: MIT */
/*
 * input_daphne: the access log of Daphne, the server of Django Channels (--access-log FILE).
 *
 *	127.0.0.1:43210 - - [24/Nov/2026:16:13:15] "WSCONNECTING /ws" - -     a request; the application is asked
 *	127.0.0.1:43210 - - [24/Nov/2026:16:13:15] "WSCONNECT /ws" - -        open
 *	127.0.0.1:43210 - - [24/Nov/2026:16:13:15] "WSREJECT /ws" - -         the application refused: 403
 *	127.0.0.1:43210 - - [24/Nov/2026:16:13:16] "WSDISCONNECT /ws" - -     the end of any of them, however it came about
 *
 * Times are local. Behind a reverse proxy the address is that of X-Forwarded-For, where Daphne was told to believe it (--proxy-headers).
 */
#include "base/list.h"
#include "report/input_kind.h"
#include "report/input_stamp.h"

#include <string.h>

/* Connections that are open at once, as far as they are told apart: the oldest is forgotten. */
enum { OPEN_MAX = 65536, BUCKETS = 4096, PEER_MAX = 128 };

struct open_conn {
	struct list in_bucket, by_age;
	uint32_t conn;
	char peer[];
};

struct daphne_log {
	struct input_out *out;
	struct source source;
	struct stamp_clock clock;
	uint32_t conns;
	size_t n_open;
	struct list buckets[BUCKETS], by_age;
};

struct entry {
	struct span peer, what, path;
	int64_t us;
};

static struct list *
bucket_of(struct daphne_log *d, struct span peer)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < peer.n; i++)
		hash = (hash ^ (uint8_t)peer.p[i]) * 16777619u;
	return &d->buckets[hash % BUCKETS];
}

static void
forget(struct daphne_log *d, struct open_conn *c)
{
	list_remove(&c->in_bucket);
	list_remove(&c->by_age);
	free(c);
	d->n_open--;
}

static struct open_conn *
find_open(struct daphne_log *d, struct span peer)
{
	struct list *bucket = bucket_of(d, peer);

	for (struct list *l = bucket->next; l != bucket; l = l->next) {
		struct open_conn *c = container_of(l, struct open_conn, in_bucket);

		if (span_eq(peer, c->peer))
			return c;
	}
	return NULL;
}

static void
remember(struct daphne_log *d, struct span peer, uint32_t conn)
{
	struct open_conn *c = xcalloc(1, sizeof(*c) + peer.n + 1);

	if (d->n_open == OPEN_MAX)
		forget(d, container_of(d->by_age.next, struct open_conn, by_age));
	c->conn = conn;
	memcpy(c->peer, peer.p, peer.n);
	list_append(bucket_of(d, peer), &c->in_bucket);
	list_append(&d->by_age, &c->by_age);
	d->n_open++;
}

/* --- events --- */

static void
tell(struct daphne_log *d, uint64_t line, const struct entry *e, struct event *ev)
{
	ev->src = &d->source;
	ev->wall_us = e->us;
	ev->mono_us = INPUT_NO_MONO;
	input_tell(d->out, line, ev);
}

static void
on_connect(struct daphne_log *d, uint64_t line, const struct entry *e)
{
	struct event ev = event_blank(EV_OPENED);
	struct open_conn *old = find_open(d, e->peer);

	/* A port that is used again: its end was not logged. */
	if (old != NULL)
		forget(d, old);
	ev.conn = ++d->conns;
	ev.u.opened.url = e->path;
	ev.u.opened.peer = e->peer;
	ev.u.opened.status = 101;
	remember(d, e->peer, ev.conn);
	tell(d, line, e, &ev);
}

static void
on_reject(struct daphne_log *d, uint64_t line, const struct entry *e)
{
	struct event ev = event_blank(EV_REJECT);

	ev.u.reject.peer = e->peer;
	ev.u.reject.status = 403;
	ev.u.reject.cause = CAUSE_HTTP_REFUSED;
	ev.u.reject.text = SPAN_LIT("the application refused");
	ev.u.reject.request = e->path;
	tell(d, line, e, &ev);
}

/* It comes, too, for what never opened. */
static void
on_disconnect(struct daphne_log *d, uint64_t line, const struct entry *e)
{
	struct event ev = event_blank(EV_CLOSE);
	struct open_conn *c = find_open(d, e->peer);

	if (c == NULL)
		return;
	ev.conn = c->conn;
	forget(d, c);
	tell(d, line, e, &ev);
}

static void
on_connecting(struct daphne_log *d UNUSED, uint64_t line UNUSED, const struct entry *e UNUSED)
{
}

static const struct {
	const char *what;
	void (*handle)(struct daphne_log *d, uint64_t line, const struct entry *e);
} actions[] = {
	{ "WSCONNECTING", on_connecting },
	{ "WSCONNECT", on_connect },
	{ "WSREJECT", on_reject },
	{ "WSDISCONNECT", on_disconnect },
};

/* --- lines --- */

/* Up to text; takes text off, too. */
static bool
take_until(struct span *rest, const char *text, struct span *ret)
{
	size_t n = strlen(text);
	const char *p = rest->n >= n ? memmem(rest->p, rest->n, text, n) : NULL;

	if (p == NULL)
		return false;
	*ret = (struct span){ rest->p, (size_t)(p - rest->p) };
	rest->n -= ret->n + n;
	rest->p = p + n;
	return true;
}

/* false: the line is of something else (an HTTP request, a traceback). */
static bool
read_entry(struct span line, struct entry *ret, struct stamp *ret_stamp)
{
	struct span rest = line, who, request;

	if (!take_until(&rest, " [", &who) || !span_next(&who, ' ', &ret->peer) || ret->peer.n == 0 || ret->peer.n > PEER_MAX)
		return false;
	if (!stamp_find(rest, ret_stamp) || !ret_stamp->has_date || !take_until(&rest, "] \"", &who) || !take_until(&rest, "\" ", &request))
		return false;
	if (!span_starts_ci(request, "WS") || !take_until(&request, " ", &ret->what))
		return false;
	ret->path = request;
	return true;
}

static void
daphne_line(void *reader, const struct input_line *line)
{
	struct daphne_log *d = reader;
	struct stamp stamp;
	struct entry e;

	if (!read_entry(line->text, &e, &stamp)) {
		/* Every line that is whole has four quotes or brackets at least. */
		if (line->text.n > 0 && memchr(line->text.p, '\0', line->text.n) != NULL)
			input_tell_unreadable(d->out, line->number);
		return;
	}
	e.us = stamp_clock_us(&d->clock, &stamp);
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (span_eq(e.what, actions[i].what))
			actions[i].handle(d, line->number, &e);
}

static bool
daphne_knows(struct span head)
{
	struct span line;
	struct entry e;
	struct stamp stamp;

	while (span_next(&head, '\n', &line))
		if (read_entry(line, &e, &stamp))
			return true;
	return false;
}

static void *
daphne_open(struct input_out *out, struct span head UNUSED)
{
	struct daphne_log *d = xcalloc(1, sizeof(*d));

	d->out = out;
	d->source.role = ROLE_SERVER;
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&d->buckets[i]);
	list_init(&d->by_age);
	out->about.has_date = true;
	out->about.resolution_us = INT64_C(1000000);
	return d;
}

static void
daphne_close(void *reader)
{
	struct daphne_log *d = reader;

	while (!list_is_empty(&d->by_age))
		forget(d, container_of(d->by_age.next, struct open_conn, by_age));
	free(d);
}

const struct input_kind input_daphne = {
	.name = "daphne",
	.title = "Daphne access log",
	.help = "access log of Daphne: daphne --access-log FILE",
	.knows = daphne_knows,
	.open = daphne_open,
	.line = daphne_line,
	.close = daphne_close,
};
