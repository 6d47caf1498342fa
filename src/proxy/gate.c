/* SPDX-License-Identifier: MIT */
#include "proxy/gate.h"

#include "fault/everybody.h"
#include "proxy/hearing.h"
#include "ws/door.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct gate {
	struct gate_options opt;
	const struct gate_events *up;
	void *up_arg;
	struct door *door;
	struct list guests;
	uint64_t n_guests;
	int open_objects;
	bool is_stopping;
	struct hearing *hearing;     /* NULL without "as" */

	int64_t began_us;
	uint32_t accepts, conns, lost;
	struct traffic up_sum, down_sum;
};

struct guest {
	struct list link;
	struct gate *gate;
	struct pair *pair;
};

static struct loop *
loop_of(const struct gate *g)
{
	return g->opt.pair.loop;
}

static void
release(struct gate *g)
{
	if (--g->open_objects == 0 && g->is_stopping)
		g->up->stopped(g->up_arg);
}

/* --- pairs --- */

static uint32_t
on_opens(void *arg)
{
	struct guest *guest = arg;

	return ++guest->gate->conns;
}

static void
on_told(void *arg, const struct event *ev, const char *client)
{
	struct gate *g = ((struct guest *)arg)->gate;
	struct event hears = { .type = EV_HEARS, .session = ev->session, .conn = ev->conn, .dial = ev->dial, .leg = ev->leg };
	struct buf callback CLEANUP(buf_deinit) = { 0 };

	if (g->hearing == NULL || !hearing_feed(g->hearing, ev, span_of(client), &callback))
		return;
	hears.u.hears = (struct ev_hears){ span_of(g->opt.as_name), buf_span(&callback) };
	journal_emit(g->opt.pair.journal, &hears);
}

static void
add_traffic(struct traffic *sum, const struct traffic *t)
{
	sum->messages += t->messages;
	sum->bytes += t->bytes;
}

static void
on_ended(void *arg, enum leg leg, bool is_lost, const struct traffic *sent, const struct traffic *received)
{
	struct gate *g = ((struct guest *)arg)->gate;

	if (leg != LEG_CLIENT)
		return;
	g->lost += is_lost;
	add_traffic(&g->up_sum, received);
	add_traffic(&g->down_sum, sent);
}

static void
on_gone(void *arg)
{
	struct guest *guest = arg;
	struct gate *g = guest->gate;

	list_remove(&guest->link);
	g->n_guests--;
	free(guest);
	release(g);
}

static void
kill_all(struct gate *g, const struct plan_action *how)
{
	for (struct list *l = g->guests.next; l != &g->guests; l = l->next) {
		struct guest *other = container_of(l, struct guest, link);
		int64_t within = how->time_us > 0 ? (int64_t)(rng_u64(loop_of(g)->rng) % (uint64_t)(how->time_us + 1)) : 0;

		if (other->pair != NULL && pair_is_open(other->pair))
			pair_kill(other->pair, how, within);
	}
}

static void
unlisten(struct gate *g, const struct plan_action *a)
{
	if (!g->is_stopping)
		door_shut(g->door, a->is_timed ? a->time_us : -1);
}

static void
on_unlisten(void *arg, const struct plan_action *a)
{
	unlisten(((struct guest *)arg)->gate, a);
}

static void
on_kill_all(void *arg, const struct plan_action *how)
{
	kill_all(((struct guest *)arg)->gate, how);
}

static const struct pair_events pair_up = {
	.opens = on_opens,
	.told = on_told,
	.ended = on_ended,
	.unlisten = on_unlisten,
	.kill_all = on_kill_all,
	.gone = on_gone,
};

/* --- the door --- */

static void
refuse(int fd)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

static void
on_accepted(void *arg, int fd, const char *peer)
{
	struct gate *g = arg;
	struct guest *guest;

	if (g->n_guests >= g->opt.max_connections) {
		journal_note(g->opt.pair.journal, "%s was refused: %llu connections are the limit (--max-connections)", peer,
		    (unsigned long long)g->opt.max_connections);
		refuse(fd);
		return;
	}
	guest = xcalloc(1, sizeof(*guest));
	guest->gate = g;
	g->open_objects++;
	g->n_guests++;
	list_append(&g->guests, &guest->link);
	guest->pair = pair_accept(&g->opt.pair, fd, peer, ++g->accepts, &pair_up, guest);
}

static void
on_door_closed(void *arg)
{
	release(arg);
}

static const struct door_events door_up = { .accepted = on_accepted, .closed = on_door_closed };

/* --- the interface --- */

/* What to paste instead of the upstream's URL: its path too, which is passed on. */
static void
emit_listen(struct gate *g)
{
	struct event ev = { .type = EV_LISTEN };
	struct buf url CLEANUP(buf_deinit) = { 0 };
	char address[64], host[64];

	door_format(g->door, address, host);
	buf_printf(&url, "%s://%s%s", g->opt.pair.client_tls != NULL ? "wss" : "ws", host, g->opt.pair.upstream->target);
	ev.u.listen = (struct ev_listen){ .url = buf_span(&url), .address = span_of(address), .upstream = span_of(g->opt.pair.upstream->text) };
	journal_emit(g->opt.pair.journal, &ev);
}

int
gate_new(const struct gate_options *opt, const struct gate_events *up, void *arg, struct gate **ret)
{
	struct gate *g = xcalloc(1, sizeof(*g));
	int err;

	g->opt = *opt;
	g->up = up;
	g->up_arg = arg;
	list_init(&g->guests);
	g->began_us = clock_mono(loop_of(g)->clock);
	err = door_new(opt->pair.loop, opt->pair.journal, &opt->address, &door_up, g, &g->door);
	if (err != 0) {
		free(g);
		return err;
	}
	g->open_objects++;
	if (opt->as != NULL)
		g->hearing = hearing_new(opt->as);
	emit_listen(g);
	*ret = g;
	return 0;
}

void
gate_free(struct gate *g)
{
	if (g != NULL)
		hearing_free(g->hearing);
	free(g);
}

void
gate_stop(struct gate *g, bool at_once)
{
	if (!g->is_stopping) {
		g->is_stopping = true;
		door_close(g->door);
	}
	for (struct list *l = g->guests.next; l != &g->guests; l = l->next) {
		struct guest *guest = container_of(l, struct guest, link);

		if (guest->pair != NULL)
			pair_stop(guest->pair, at_once);
	}
}

/* --- what is done without any connection --- */

static void
on_unlisten_for_all(void *arg, const struct plan_action *a)
{
	unlisten(arg, a);
}

static void
on_kill_all_for_all(void *arg, const struct plan_action *how)
{
	kill_all(arg, how);
}

static const struct everybody_events for_all = { .unlisten = on_unlisten_for_all, .kill_all = on_kill_all_for_all };

void
gate_signal(struct gate *g, int signum)
{
	everybody_signal(g->opt.pair.plan, signum, g->opt.pair.journal, &for_all, g);
	for (struct list *l = g->guests.next; l != &g->guests; l = l->next)
		pair_signal(container_of(l, struct guest, link)->pair, signum);
}

void
gate_line(struct gate *g, struct span typed)
{
	everybody_line(g->opt.pair.plan, typed, g->opt.pair.journal, &for_all, g);
	for (struct list *l = g->guests.next; l != &g->guests; l = l->next)
		pair_line(container_of(l, struct guest, link)->pair, typed);
}

void
gate_emit_end(struct gate *g, int exit_status)
{
	struct event ev = { .type = EV_END };

	ev.u.end = (struct ev_end){
		.exit = exit_status,
		.up = US_UNKNOWN,
		.down = US_UNKNOWN,
		.overlaps = g->opt.pair.journal->overlaps,
		.total = clock_mono(loop_of(g)->clock) - g->began_us,
		.conns = g->conns,
		.lost = g->lost,
		.sent = g->down_sum,
		.received = g->up_sum,
		.rtt_min = US_UNKNOWN,
		.rtt_median = US_UNKNOWN,
		.rtt_max = US_UNKNOWN,
	};
	journal_emit(g->opt.pair.journal, &ev);
}
