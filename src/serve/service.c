/* SPDX-License-Identifier: MIT */
#include "serve/service.h"

#include "codec/close_code.h"
#include "serve/faults.h"
#include "ws/door.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct service {
	struct service_options opt;
	const struct service_events *up;
	void *up_arg;
	struct door *door;
	struct list guests;          /* connections, until gone */
	struct list callers;         /* requests that are not connections yet */
	unsigned n_open, n_full;
	int open_objects;            /* door, callers, guests, faults */
	bool is_stopping, in_broadcast;
	struct faults_settings faults;
	uint32_t accepts;

	int64_t began_us;
	uint32_t conns, lost;
	struct traffic sent, received;
};

/* One connection. */
struct guest {
	struct list link;
	struct service *service;
	struct conn *conn;           /* NULL once it has ended */
	struct faults *faults;       /* NULL: the plan has no lines */
	bool is_full;
	bool hears;                  /* the broadcast message under way: not those who came in its middle */
};

/* A request. */
struct caller {
	struct list link;
	struct service *service;
	struct server *server;
	struct faults *faults;       /* until it is a guest's */
};

static struct loop *
loop_of(const struct service *s)
{
	return s->opt.server.conn.loop;
}

static void
release(struct service *s)
{
	if (--s->open_objects == 0 && s->is_stopping)
		s->up->stopped(s->up_arg);
}

/* --- connections --- */

static void
set_full(struct guest *g, bool full)
{
	struct service *s = g->service;

	if (g->is_full == full)
		return;
	g->is_full = full;
	s->n_full = full ? s->n_full + 1 : s->n_full - 1;
	if (s->opt.mode == SERVICE_ECHO && g->conn != NULL)
		conn_pause(g->conn, full);
	if (!full && s->n_full == 0 && s->opt.mode == SERVICE_SEND)
		s->up->writable(s->up_arg);
}

static void
on_chunk(void *arg, const struct stream_chunk *c)
{
	struct guest *g = arg;

	if (g->service->opt.mode != SERVICE_ECHO || g->conn == NULL)
		return;
	conn_send(g->conn, c->opcode, c->data, c->n, c->last);
	if (conn_is_full(g->conn))
		set_full(g, true);
}

static void
on_writable(void *arg)
{
	set_full(arg, false);
}

static void
on_pong(void *arg UNUSED, int64_t rtt_us UNUSED)
{
}

static void
add_traffic(struct traffic *sum, const struct traffic *t)
{
	sum->messages += t->messages;
	sum->bytes += t->bytes;
}

static void
on_ended(void *arg, enum event_type type, const struct ev_ended *e, bool we_closed_first UNUSED)
{
	struct guest *g = arg;
	struct service *s = g->service;

	g->conn = NULL;
	if (g->faults != NULL)
		faults_ended(g->faults);
	s->n_open--;
	s->lost += type == EV_LOST;
	add_traffic(&s->sent, &e->sent);
	add_traffic(&s->received, &e->received);
	set_full(g, false);
}

static void
on_conn_gone(void *arg)
{
	struct guest *g = arg;
	struct service *s = g->service;

	list_remove(&g->link);
	if (g->faults != NULL)
		faults_close(g->faults);
	free(g);
	release(s);
}

static const struct conn_events conn_up = {
	.chunk = on_chunk,
	.writable = on_writable,
	.pong = on_pong,
	.ended = on_ended,
	.gone = on_conn_gone,
};

/* --- requests --- */

static int
on_admit(void *arg, uint32_t *ret_id, void **ret_conn_arg, struct buf *sentence)
{
	struct caller *caller = arg;
	struct service *s = caller->service;
	struct guest *g;

	if (s->n_open >= s->opt.max_connections) {
		buf_printf(sentence, "This server takes %" PRIu64 " connections at a time.", s->opt.max_connections);
		return 503;
	}
	g = xcalloc(1, sizeof(*g));
	g->service = s;
	g->faults = steal(&caller->faults);
	*ret_id = ++s->conns;
	*ret_conn_arg = g;
	return 101;
}

static void
on_opened(void *arg, void *conn_arg, struct conn *c)
{
	struct service *s = ((struct caller *)arg)->service;
	struct guest *g = conn_arg;

	g->conn = c;
	list_append(&s->guests, &g->link);
	s->n_open++;
	s->open_objects++;
	if (g->faults != NULL)
		faults_open(g->faults, c, conn_id(c));
	if (s->is_stopping)
		conn_close(c, CLOSE_GOING_AWAY, SPAN_NONE);
	else if (s->opt.mode == SERVICE_SEND && !service_is_full(s))
		s->up->writable(s->up_arg);
}

static void
on_caller_gone(void *arg)
{
	struct caller *c = arg;
	struct service *s = c->service;

	list_remove(&c->link);
	if (c->faults != NULL)
		faults_close(c->faults);
	free(c);
	release(s);
}

static void
on_step(void *arg, enum server_step step, const struct http_head *request, struct buf *answer, struct server_turn *ret)
{
	faults_step(((struct caller *)arg)->faults, step, request, answer, ret);
}

static struct transport *
on_wrap(void *arg UNUSED, void *conn_arg, struct transport *t, struct span early, struct span unsent)
{
	return faults_wrap(((struct guest *)conn_arg)->faults, t, early, unsent);
}

static const struct server_events server_up = { .admit = on_admit, .opened = on_opened, .gone = on_caller_gone };
static const struct server_events server_up_with_faults = {
	.step = on_step, .wrap = on_wrap, .admit = on_admit, .opened = on_opened, .gone = on_caller_gone,
};

/* --- faults that concern everybody --- */

static void
on_unlisten(void *arg, const struct plan_action *a)
{
	struct service *s = arg;

	if (!s->is_stopping)
		door_shut(s->door, a->is_timed ? a->time_us : -1);
}

static void
on_kill_all(void *arg, const struct plan_action *how)
{
	struct service *s = arg;

	for (struct list *l = s->guests.next; l != &s->guests; l = l->next) {
		uint64_t within = how->time_us > 0 ? rng_u64(loop_of(s)->rng) % (uint64_t)(how->time_us + 1) : 0;

		faults_kill(container_of(l, struct guest, link)->faults, how, (int64_t)within);
	}
}

static void
on_faults_gone(void *arg)
{
	release(arg);
}

static const struct faults_events faults_up = { .all = { .unlisten = on_unlisten, .kill_all = on_kill_all }, .gone = on_faults_gone };

static bool
has_faults(const struct service *s)
{
	return s->opt.plan != NULL && s->opt.plan->n_lines > 0;
}

/* --- the door --- */

static void
on_accepted(void *arg, int fd, const char *peer)
{
	struct service *s = arg;
	struct caller *c = xcalloc(1, sizeof(*c));

	s->open_objects++;
	s->accepts++;
	list_append(&s->callers, &c->link);
	c->service = s;
	if (has_faults(s)) {
		s->open_objects++;
		c->faults = faults_new(&s->faults, s->accepts, peer, &faults_up, s);
	}
	c->server = server_accept(&s->opt.server, fd, peer, c->faults != NULL ? &server_up_with_faults : &server_up, c);
}

static void
on_door_closed(void *arg)
{
	release(arg);
}

static const struct door_events door_up = { .accepted = on_accepted, .closed = on_door_closed };

/* --- the interface --- */

/* What to paste. */
static void
emit_listen(struct service *s)
{
	struct event ev = { .type = EV_LISTEN };
	char address[64], host[64];
	struct buf url = { 0 };

	door_format(s->door, address, host);
	buf_printf(&url, "%s://%s/", s->opt.server.tls != NULL ? "wss" : "ws", host);
	ev.u.listen = (struct ev_listen){ .url = buf_span(&url), .address = span_of(address) };
	journal_emit(s->opt.server.conn.journal, &ev);
	buf_deinit(&url);
}

int
service_new(const struct service_options *opt, const struct service_events *up, void *arg, struct service **ret)
{
	struct service *s = xcalloc(1, sizeof(*s));
	int err;

	s->opt = *opt;
	s->opt.server.conn_up = &conn_up;
	s->opt.server.conn.is_server = true;
	s->up = up;
	s->up_arg = arg;
	list_init(&s->guests);
	list_init(&s->callers);
	s->began_us = clock_mono(loop_of(s)->clock);
	s->faults = (struct faults_settings){ loop_of(s), opt->server.conn.journal, opt->plan, opt->server.tag_query };
	err = door_new(loop_of(s), opt->server.conn.journal, &opt->address, &door_up, s, &s->door);
	if (err != 0) {
		free(s);
		return err;
	}
	s->open_objects++;
	emit_listen(s);
	*ret = s;
	return 0;
}

void
service_free(struct service *s)
{
	free(s);
}

void
service_stop(struct service *s, bool at_once)
{
	if (!s->is_stopping) {
		s->is_stopping = true;
		door_close(s->door);
		for (struct list *l = s->callers.next; l != &s->callers; l = l->next)
			server_cancel(container_of(l, struct caller, link)->server);
	}
	for (struct list *l = s->guests.next; l != &s->guests; l = l->next) {
		struct guest *g = container_of(l, struct guest, link);

		if (g->conn == NULL)
			continue;
		if (at_once || (g->faults != NULL && faults_is_half_closed(g->faults)))
			conn_abort(g->conn, ENDING_INTERRUPTED, TRANSPORT_RST);
		else
			conn_close(g->conn, CLOSE_GOING_AWAY, SPAN_NONE);
	}
}

void
service_signal(struct service *s, int signum)
{
	if (!has_faults(s) || s->is_stopping)
		return;
	everybody_signal(s->opt.plan, signum, s->faults.journal, &faults_up.all, s);
	for (struct list *l = s->guests.next; l != &s->guests; l = l->next)
		faults_signal(container_of(l, struct guest, link)->faults, signum);
}

void
service_broadcast(struct service *s, uint8_t opcode, const void *data, size_t n, bool last)
{
	for (struct list *l = s->guests.next; l != &s->guests; l = l->next) {
		struct guest *g = container_of(l, struct guest, link);

		if (!s->in_broadcast)
			g->hears = true;
		if (g->conn == NULL || !g->hears)
			continue;
		conn_send(g->conn, opcode, data, n, last);
		if (conn_is_full(g->conn))
			set_full(g, true);
	}
	s->in_broadcast = !last;
}

bool
service_is_full(const struct service *s)
{
	return s->n_full > 0 || s->n_open == 0;
}

void
service_emit_end(struct service *s, int exit_status)
{
	struct event ev = { .type = EV_END };

	ev.u.end = (struct ev_end){
		.exit = exit_status,
		.up = US_UNKNOWN, /* many are up at a time */
		.down = US_UNKNOWN,
		.overlaps = s->opt.server.conn.journal->overlaps,
		.total = clock_mono(loop_of(s)->clock) - s->began_us,
		.conns = s->conns,
		.lost = s->lost,
		.sent = s->sent,
		.received = s->received,
		.rtt_min = US_UNKNOWN,
		.rtt_median = US_UNKNOWN,
		.rtt_max = US_UNKNOWN,
	};
	journal_emit(s->opt.server.conn.journal, &ev);
}
