/* SPDX-License-Identifier: MIT */
/*
 * Lives are generated with known faults, told by one or both ends on clocks that are wrong, and judged: a healthy run has no findings, and a fault has its
 * own and none that is not due to it.
 */
#include "report_world.h"

#include "codec/close_code.h"
#include "support/unit.h"

enum { CLIENT, PROXY, SERVER };

#define MS US_PER_MS
#define S US_PER_S

/* One session as it goes: the true time, the numbers of its dials, and those of connections, which the logs share. */
struct story_maker {
	struct world *w;
	unsigned number;
	int64_t now;
	uint32_t dial, conn;
	uint32_t *client_conns, *server_conns;
	char session[32];
	bool is_tagged;
};

static void
name_it(struct story_maker *s, struct world_event *e, uint32_t dial)
{
	snprintf(e->key, sizeof(e->key), "key-%u-%u", s->number, dial);
	if (e->log == CLIENT || s->is_tagged) {
		snprintf(e->session, sizeof(e->session), "%s", s->session);
		e->ev.dial = dial;
	}
}

/* A dial that opens at both ends; now is when the client sees it. */
struct pair {
	uint32_t client, server;
	int64_t opened;
};

static uint32_t
open_server(struct story_maker *s, int64_t at, uint32_t dial)
{
	struct world_event *e = world_put(s->w, SERVER, at, EV_OPENED, ++*s->server_conns);

	name_it(s, e, dial);
	snprintf(e->peer, sizeof(e->peer), "192.0.2.9:%u", 10000 + s->number * 100 + dial);
	return *s->server_conns;
}

static struct pair
open_both(struct story_maker *s)
{
	int64_t there = world_random(s->w, 1 * MS, 20 * MS), back = world_random(s->w, 1 * MS, 20 * MS);
	struct pair p = { .client = ++*s->client_conns };
	struct world_event *e;

	s->dial++;
	p.server = open_server(s, s->now + there, s->dial);
	s->now += there + back;
	e = world_put(s->w, CLIENT, s->now, EV_OPENED, p.client);
	name_it(s, e, s->dial);
	snprintf(e->local, sizeof(e->local), "10.0.0.1:%u", 10000 + s->number * 100 + s->dial);
	e->ev.u.opened.timing.upgrade = there + back;
	e->ev.u.opened.is_reconnect = s->dial > 1;
	p.opened = s->now;
	return p;
}

static struct ev_ended *
end(struct story_maker *s, uint32_t log, int64_t at, uint32_t conn, const struct pair *p, enum event_type type, enum party by, enum cause cause)
{
	struct world_event *e = world_put(s->w, log, at, type, conn);

	name_it(s, e, s->dial);
	e->ev.u.ended.by = by;
	e->ev.u.ended.cause = cause;
	e->ev.u.ended.age = at - p->opened;
	/* Traffic of some sort: what is silent for how long tells nothing here. */
	e->ev.u.ended.silent_rx = MIN(at - p->opened, world_random(s->w, 0, 2 * S));
	e->ev.u.ended.silent_tx = e->ev.u.ended.silent_rx;
	return &e->ev.u.ended;
}

static void
close_by(struct story_maker *s, const struct pair *p, bool is_client_first, int code)
{
	int64_t there = world_random(s->w, 1 * MS, 20 * MS);
	struct ev_ended *c, *v;

	v = end(s, SERVER, s->now + there, p->server, p, EV_CLOSE, is_client_first ? BY_PEER : BY_LOCAL, CAUSE_WS_CLOSE);
	c = end(s, CLIENT, s->now + 2 * there, p->client, p, EV_CLOSE, is_client_first ? BY_LOCAL : BY_PEER, CAUSE_WS_CLOSE);
	c->code = c->close_sent = v->code = v->close_sent = code;
	c->clean = v->clean = true;
	s->now += 2 * there;
}

static void
pause_a_while(struct story_maker *s)
{
	s->now += world_random(s->w, 100 * MS, 20 * S);
}

/* --- what may happen to a connection --- */

typedef void fault_fn(struct story_maker *s);

static void
healthy(struct story_maker *s)
{
	struct pair p = open_both(s);

	s->now += world_random(s->w, 10 * MS, 600 * S);
	close_by(s, &p, world_random(s->w, 0, 1) == 0, CLOSE_NORMAL);
}

static void
fin_both(struct story_maker *s)
{
	struct pair p = open_both(s);

	s->now += world_random(s->w, 10 * S, 600 * S);
	end(s, CLIENT, s->now, p.client, &p, EV_LOST, BY_PEER, CAUSE_TCP_CLOSED);
	end(s, SERVER, s->now + 5 * MS, p.server, &p, EV_LOST, BY_PEER, CAUSE_TCP_CLOSED);
}

static void
reset_client(struct story_maker *s)
{
	struct pair p = open_both(s);

	s->now += world_random(s->w, 10 * S, 600 * S);
	end(s, CLIENT, s->now, p.client, &p, EV_LOST, BY_PEER, CAUSE_TCP_RESET);
	end(s, SERVER, s->now + 5 * MS, p.server, &p, EV_LOST, BY_PEER, CAUSE_TCP_RESET);
}

static void
cut_tls(struct story_maker *s)
{
	struct pair p = open_both(s);

	s->now += world_random(s->w, 10 * S, 600 * S);
	end(s, CLIENT, s->now, p.client, &p, EV_LOST, BY_PEER, CAUSE_TLS_TRUNCATED);
	end(s, SERVER, s->now + 5 * MS, p.server, &p, EV_LOST, BY_PEER, CAUSE_TCP_CLOSED);
}

/* The client gives up and dials anew; the server holds the old one for a while. */
static void
go_dark(struct story_maker *s, bool is_acked)
{
	struct pair p = open_both(s), next;
	struct world_event *e;

	s->now += world_random(s->w, 10 * S, 600 * S);
	e = world_put(s->w, CLIENT, s->now, EV_PING, p.client);
	e->ev.u.ping.dir = DIR_OUT;
	e->ev.u.ping.waiting = 5 * S;
	e->ev.u.ping.tcp = is_acked ? SPAN_LIT("acked") : SPAN_LIT("not acked");
	name_it(s, e, s->dial);
	s->now += 5 * S;
	end(s, CLIENT, s->now, p.client, &p, EV_LOST, BY_LOCAL, CAUSE_WS_PING_TIMEOUT);
	s->now += 1 * S;
	next = open_both(s);
	s->dial--;
	end(s, SERVER, s->now + world_random(s->w, 1 * S, 30 * S), p.server, &p, EV_LOST, BY_LOCAL, CAUSE_WS_PING_TIMEOUT);
	s->dial++;
	s->now += world_random(s->w, 40 * S, 600 * S);
	close_by(s, &next, true, CLOSE_NORMAL);
}

static void
zombie(struct story_maker *s)
{
	go_dark(s, true);
}

static void
path_dead(struct story_maker *s)
{
	go_dark(s, false);
}

static void
unseen(struct story_maker *s)
{
	struct pair p = open_both(s);

	s->now += world_random(s->w, 10 * S, 600 * S);
	end(s, SERVER, s->now, p.server, &p, EV_LOST, BY_PEER, CAUSE_TCP_CLOSED);
	s->now += world_random(s->w, 60 * S, 300 * S);
	end(s, CLIENT, s->now, p.client, &p, EV_CLOSE, BY_LOCAL, CAUSE_WS_CLOSE)->clean = true;
}

static void
orphan(struct story_maker *s)
{
	struct world_event *e;
	struct pair p = { .opened = s->now };

	s->dial++;
	p.server = open_server(s, s->now + 3 * S, s->dial);
	e = world_put(s->w, CLIENT, s->now + 2 * S, EV_FAILED, 0);
	name_it(s, e, s->dial);
	e->ev.u.failed.stage = STAGE_UPGRADE;
	e->ev.u.failed.cause = CAUSE_DIAL_TIMEOUT;
	e->ev.u.failed.text = SPAN_LIT("no answer");
	s->now += 4 * S;
	end(s, SERVER, s->now, p.server, &p, EV_LOST, BY_PEER, CAUSE_TCP_CLOSED);
	s->now += 1 * S;
	healthy(s);
}

static void
replay(struct story_maker *s)
{
	struct pair p = open_both(s), twin = p;

	twin.server = open_server(s, p.opened + 1 * MS, s->dial);
	s->now += world_random(s->w, 10 * S, 60 * S);
	close_by(s, &p, true, CLOSE_NORMAL);
	end(s, SERVER, s->now, twin.server, &twin, EV_CLOSE, BY_LOCAL, CAUSE_WS_CLOSE)->clean = true;
}

static void
hop_close(struct story_maker *s)
{
	struct pair p = open_both(s);
	struct ev_ended *e;

	s->now += world_random(s->w, 10 * S, 60 * S);
	e = end(s, CLIENT, s->now, p.client, &p, EV_CLOSE, BY_PEER, CAUSE_WS_CLOSE);
	e->code = e->close_sent = CLOSE_GOING_AWAY;
	e->clean = true;
	end(s, SERVER, s->now + 5 * MS, p.server, &p, EV_LOST, BY_PEER, CAUSE_TCP_CLOSED);
}

static void
close_lost(struct story_maker *s)
{
	struct pair p = open_both(s);
	struct ev_ended *e;

	s->now += world_random(s->w, 10 * S, 60 * S);
	e = end(s, SERVER, s->now, p.server, &p, EV_CLOSE, BY_LOCAL, CAUSE_WS_CLOSE);
	e->close_sent = e->code = CLOSE_INTERNAL_ERROR;
	e->clean = true;
	end(s, CLIENT, s->now + 5 * MS, p.client, &p, EV_LOST, BY_PEER, CAUSE_TCP_CLOSED);
}

static void
close_timeout(struct story_maker *s)
{
	struct pair p = open_both(s);

	s->now += world_random(s->w, 10 * S, 60 * S);
	end(s, CLIENT, s->now + 5 * S, p.client, &p, EV_LOST, BY_LOCAL, CAUSE_WS_CLOSE_TIMEOUT)->close_sent = CLOSE_NORMAL;
	end(s, SERVER, s->now + 5 * S + 5 * MS, p.server, &p, EV_LOST, BY_PEER, CAUSE_TCP_CLOSED);
	s->now += 5 * S;
}

static void
refused(struct story_maker *s)
{
	struct world_event *e;

	s->dial++;
	e = world_put(s->w, CLIENT, s->now, EV_FAILED, 0);
	name_it(s, e, s->dial);
	e->ev.u.failed.stage = STAGE_UPGRADE;
	e->ev.u.failed.cause = CAUSE_HTTP_REFUSED;
	e->ev.u.failed.status = 502;
	e->ev.u.failed.text = SPAN_LIT("HTTP 502 Bad Gateway");
	s->now += 1 * S;
	healthy(s);
}

static void
unreachable(struct story_maker *s)
{
	struct world_event *e;

	s->dial++;
	e = world_put(s->w, CLIENT, s->now, EV_FAILED, 0);
	name_it(s, e, s->dial);
	e->ev.u.failed.stage = STAGE_TCP;
	e->ev.u.failed.cause = CAUSE_TCP_REFUSED;
	e->ev.u.failed.text = SPAN_LIT("nothing listens there");
	s->now += 1 * S;
	healthy(s);
}

static void
suspended(struct story_maker *s)
{
	struct world_event *e;
	struct pair p = open_both(s);

	s->now += world_random(s->w, 10 * S, 60 * S);
	e = world_put(s->w, CLIENT, s->now, EV_SUSPEND, 0);
	e->ev.u.suspend.slept = 300 * S;
	s->now += 1 * S;
	end(s, CLIENT, s->now, p.client, &p, EV_LOST, BY_PEER, CAUSE_TCP_RESET);
	end(s, SERVER, s->now + 1 * MS, p.server, &p, EV_LOST, BY_PEER, CAUSE_TCP_RESET);
}

static void
idle_timeouts(struct story_maker *s)
{
	for (int i = 0; i < 4; i++) {
		struct pair p = open_both(s);
		struct ev_ended *e;

		s->now += 100 * S + i * world_random(s->w, 10 * S, 60 * S);
		e = end(s, CLIENT, s->now, p.client, &p, EV_LOST, BY_PEER, CAUSE_TCP_CLOSED);
		e->silent_rx = 60 * S + world_random(s->w, 0, 500 * MS);
		e->silent_tx = 70 * S;
		e = end(s, SERVER, s->now + 5 * MS, p.server, &p, EV_LOST, BY_PEER, CAUSE_TCP_CLOSED);
		e->silent_rx = e->silent_tx = 60 * S;
		pause_a_while(s);
	}
}

static void
lifetime_caps(struct story_maker *s)
{
	for (int i = 0; i < 4; i++) {
		struct pair p = open_both(s);

		s->now += 900 * S + world_random(s->w, 0, 500 * MS);
		end(s, CLIENT, s->now, p.client, &p, EV_LOST, BY_PEER, CAUSE_TCP_CLOSED);
		end(s, SERVER, s->now + 5 * MS, p.server, &p, EV_LOST, BY_PEER, CAUSE_TCP_CLOSED);
		pause_a_while(s);
	}
}

static void
flapping(struct story_maker *s)
{
	for (int i = 0; i < 4; i++) {
		struct pair p = open_both(s);

		s->now += world_random(s->w, 100 * MS, 1 * S) + i * 300 * MS;
		close_by(s, &p, false, CLOSE_POLICY);
		s->now += 5 * S;
	}
}

static void
violation(struct story_maker *s)
{
	struct pair p = open_both(s);
	struct world_event *e;

	s->now += world_random(s->w, 10 * S, 60 * S);
	e = world_put(s->w, CLIENT, s->now, EV_VIOLATION, p.client);
	e->ev.u.violation.dir = DIR_IN;
	e->ev.u.violation.rule = SPAN_LIT("reserved bit RSV2 set");
	e->ev.u.violation.section = SPAN_LIT("RFC 6455 5.2");
	end(s, CLIENT, s->now, p.client, &p, EV_LOST, BY_PEER, CAUSE_WS_PROTOCOL)->close_sent = CLOSE_PROTOCOL_ERROR;
	end(s, SERVER, s->now + 5 * MS, p.server, &p, EV_LOST, BY_PEER, CAUSE_TCP_CLOSED)->code = CLOSE_PROTOCOL_ERROR;
}

/* Somebody pulled it down on purpose: by the log of who did, it is no fault, whatever the other end makes of it. */
static void
pull(struct story_maker *s, uint32_t log, enum cause why, enum cause seen)
{
	struct pair p = open_both(s);
	uint32_t other = CLIENT + SERVER - log;

	s->now += world_random(s->w, 10 * S, 600 * S);
	end(s, log, s->now, log == CLIENT ? p.client : p.server, &p, EV_LOST, BY_LOCAL, why);
	end(s, other, s->now + 5 * MS, other == CLIENT ? p.client : p.server, &p, EV_LOST, BY_PEER, seen);
	s->now += 1 * S;
}

static void
client_drops(struct story_maker *s)
{
	for (int i = 0; i < 3; i++)
		pull(s, CLIENT, CAUSE_LOCAL_DROP, CAUSE_TCP_CLOSED);
}

static void
server_drops(struct story_maker *s)
{
	for (int i = 0; i < 3; i++)
		pull(s, SERVER, CAUSE_LOCAL_DROP, CAUSE_TCP_CLOSED);
}

static void
client_interrupted(struct story_maker *s)
{
	pull(s, CLIENT, CAUSE_LOCAL_INTERRUPT, CAUSE_TCP_RESET);
}

static void
server_interrupted(struct story_maker *s)
{
	pull(s, SERVER, CAUSE_LOCAL_INTERRUPT, CAUSE_TCP_RESET);
}

/* A client that has one key for all its connections, as health checks do. */
static void
one_key_for_all(struct story_maker *s)
{
	for (int i = 0; i < 3; i++) {
		uint32_t from = s->w->n;
		struct pair p = open_both(s);

		for (uint32_t k = from; k < s->w->n; k++)
			snprintf(s->w->events[k].key, sizeof(s->w->events[k].key), "the-same-key");
		s->now += world_random(s->w, 100 * MS, 600 * S);
		close_by(s, &p, true, CLOSE_NORMAL);
		pause_a_while(s);
	}
}

#define K(kind) (UINT64_C(1) << FINDING_##kind)
/* What follows from any loss that a client knows of. */
#define AFTER_LOSS K(SECOND_OPEN)

/* Which findings a fault must bring, and which it may: with both ends' logs, the client's alone, the server's alone. */
static const struct {
	fault_fn *make;
	uint64_t both, client, server, may;
} rows[] = {
	{ healthy, 0, 0, 0, 0 },
	{ fin_both, K(LOSS_BOTH), K(LOSS), K(LOSS), AFTER_LOSS },
	{ reset_client, K(RESET), K(RESET), K(RESET), AFTER_LOSS },
	{ cut_tls, K(TRUNCATED_TLS), K(TRUNCATED_TLS), K(LOSS), AFTER_LOSS },
	{ zombie, K(OVERLAP) | K(ZOMBIE_LEG), K(ZOMBIE_LEG), K(SILENCE), AFTER_LOSS | K(OVERLAP) },
	{ path_dead, K(OVERLAP) | K(PATH_DEAD), K(PATH_DEAD), K(SILENCE), AFTER_LOSS | K(OVERLAP) },
	{ unseen, K(UNSEEN_END), 0, K(LOSS), 0 },
	{ orphan, K(ORPHAN) | K(DIAL_FAILED), K(DIAL_FAILED), K(LOSS), 0 },
	{ replay, K(REPLAY), 0, K(REPLAY), 0 },
	{ hop_close, K(HOP_CLOSE), K(RESTART), K(LOSS), AFTER_LOSS },
	{ close_lost, K(CLOSE_LOST), K(LOSS), 0, AFTER_LOSS },
	{ close_timeout, K(CLOSE_LOST), K(CLOSE_TIMEOUT), K(LOSS), AFTER_LOSS },
	{ refused, K(REFUSED), K(REFUSED), 0, 0 },
	{ unreachable, K(DIAL_FAILED), K(DIAL_FAILED), 0, 0 },
	{ suspended, K(SUSPEND), K(SUSPEND), K(RESET), AFTER_LOSS },
	{ idle_timeouts, K(IDLE_TIMEOUT), K(IDLE_TIMEOUT), K(IDLE_TIMEOUT), AFTER_LOSS },
	{ lifetime_caps, K(LIFETIME_CAP), K(LIFETIME_CAP), K(LIFETIME_CAP), AFTER_LOSS },
	{ one_key_for_all, 0, 0, 0, 0 },
	{ client_drops, 0, 0, K(LOSS), 0 },
	{ server_drops, 0, K(LOSS), 0, AFTER_LOSS },
	{ client_interrupted, 0, 0, K(RESET), AFTER_LOSS },
	{ server_interrupted, 0, K(RESET), 0, AFTER_LOSS },
	{ flapping, K(FLAPPING), K(FLAPPING), 0, 0 },
	{ violation, K(VIOLATION), K(VIOLATION), 0, K(LOSS) | K(LOSS_BOTH) | K(PEER_CLOSED) | AFTER_LOSS },
};

/* --- judging them --- */

static uint64_t
mask_of(const struct findings *f)
{
	uint64_t mask = 0;

	for (uint32_t i = 0; i < f->n; i++)
		mask |= UINT64_C(1) << f->items[i].kind;
	return mask;
}

static void
check_confidence(const struct findings *f)
{
	for (uint32_t i = 0; i < f->n; i++) {
		const struct finding *x = &f->items[i];

		ck_assert_msg(x->n_samples > 1 || x->confidence < CONFIDENCE_CERTAIN, "%s is certain of one sample", finding_spec(x->kind)->name);
		ck_assert_uint_gt(x->n_samples, 0);
		ck_assert_uint_gt(x->n_kept, 0);
		ck_assert_uint_gt(x->samples[0].places[0].line, 0);
		ck_assert_ptr_nonnull(x->text);
	}
}

static void
judge(struct world *w, const char *what, uint64_t must, uint64_t may)
{
	struct buf names CLEANUP(buf_deinit) = { 0 };
	struct findings f;
	struct model m;
	uint64_t mask;

	model_init(&m);
	world_feed(w, &m);
	join_model(&m);
	/* Again, as a report that follows its logs does. */
	join_model(&m);
	findings_look(&m, &f);
	world_findings(&f, &names);
	mask = mask_of(&f);
	ck_assert_msg((mask & must) == must, "%s: found only %s", what, buf_cstr(&names));
	ck_assert_msg((mask & ~(must | may)) == 0, "%s: found %s", what, buf_cstr(&names));
	check_confidence(&f);
	findings_deinit(&f);
	model_deinit(&m);
}

/* Which logs there are, and what is wrong with their clocks. */
static void
set_scene(struct world *w, bool has_client, bool has_server)
{
	static const int64_t skews[] = { 0, 3 * S, -3 * S, 5 * 3600 * S, -7200 * S };

	w->logs[CLIENT].is_missing = !has_client;
	w->logs[SERVER].is_missing = !has_server;
	w->logs[SERVER].wall_skew_us = skews[world_random(w, 0, 4)];
	w->logs[SERVER].mono_skew_us = world_random(w, 0, 1000) * S;
}

static void
make_sessions(struct world *w, unsigned n, unsigned conns, fault_fn *fault)
{
	uint32_t client_conns = 0, server_conns = 0;

	for (unsigned i = 0; i < n; i++) {
		struct story_maker s = { .w = w, .number = i, .now = world_random(w, 1 * S, 100 * S), .client_conns = &client_conns, .server_conns = &server_conns };

		s.is_tagged = world_random(w, 0, 1) == 0;
		snprintf(s.session, sizeof(s.session), "run-%u", i);
		for (unsigned k = 0; k < conns; k++) {
			(i == 0 && k == conns / 2 ? fault : healthy)(&s);
			pause_a_while(&s);
		}
	}
}

static void
judge_row(size_t row, unsigned seed, bool has_client, bool has_server, uint64_t must)
{
	struct world w;
	char what[64];

	world_init(&w, seed * 1000 + (unsigned)row);
	set_scene(&w, has_client, has_server);
	/* One after the other: which argument is made first is the compiler's choice. */
	unsigned sessions = (unsigned)world_random(&w, 1, 4), conns = (unsigned)world_random(&w, 1, 6);
	make_sessions(&w, sessions, conns, rows[row].make);
	snprintf(what, sizeof(what), "row %zu, seed %u, %s%s", row, seed, has_client ? "client " : "", has_server ? "server" : "");
	judge(&w, what, must, rows[row].may);
	world_deinit(&w);
}

START_TEST(faults_are_judged_as_they_were_made_by_the_logs_of_both_ends)
{
	for (size_t row = 0; row < ARRAY_LEN(rows); row++)
		judge_row(row, (unsigned)_i, true, true, rows[row].both);
}
END_TEST

START_TEST(and_by_the_clients_alone)
{
	for (size_t row = 0; row < ARRAY_LEN(rows); row++)
		judge_row(row, (unsigned)_i, true, false, rows[row].client);
}
END_TEST

START_TEST(and_by_the_servers_alone)
{
	for (size_t row = 0; row < ARRAY_LEN(rows); row++)
		judge_row(row, (unsigned)_i, false, true, rows[row].server);
}
END_TEST

START_TEST(a_healthy_run_of_a_thousand_connections_has_no_findings)
{
	struct world w;

	world_init(&w, 7000 + (unsigned)_i);
	set_scene(&w, true, true);
	make_sessions(&w, 50, 20, healthy);
	judge(&w, "a thousand", 0, 0);
	world_deinit(&w);
}
END_TEST

START_TEST(a_log_that_was_cut_short_raises_no_alarm)
{
	for (int log = CLIENT; log <= SERVER; log += SERVER) {
		struct world w;

		world_init(&w, 9000 + (unsigned)_i);
		set_scene(&w, true, true);
		make_sessions(&w, 5, 6, healthy);
		w.logs[log].cut_us = world_random(&w, 1 * S, 900 * S);
		judge(&w, log == CLIENT ? "client's cut" : "server's cut", 0, 0);
		world_deinit(&w);
	}
}
END_TEST

/* What a finding explains is left out of those that only say that it ended, and they say so. */
START_TEST(a_loss_that_is_explained_is_told_once)
{
	uint32_t client = 0, server = 0;
	struct story_maker s = { .session = "run", .now = 1 * S, .client_conns = &client, .server_conns = &server };
	struct findings f;
	struct model m;
	struct world w;

	world_init(&w, 300 + (unsigned)_i);
	s.w = &w;
	idle_timeouts(&s);
	fin_both(&s);
	model_init(&m);
	world_feed(&w, &m);
	join_model(&m);
	findings_look(&m, &f);
	for (uint32_t i = 0; i < f.n; i++)
		if (f.items[i].kind == FINDING_LOSS_BOTH) {
			ck_assert_uint_eq(f.items[i].n_samples, 1);
			ck_assert_ptr_nonnull(strstr(f.items[i].text, "What is explained above is not counted here."));
		}
	ck_assert_uint_eq(mask_of(&f) & ~AFTER_LOSS, K(IDLE_TIMEOUT) | K(LOSS_BOTH));
	findings_deinit(&f);
	model_deinit(&m);
	world_deinit(&w);
}
END_TEST

/* By the server's own word, and nobody came back: it was stopped on purpose. With a client that comes back it was restarted. */
START_TEST(a_server_that_is_stopped_is_no_finding_and_one_that_is_restarted_is)
{
	for (int comes_back = 0; comes_back < 2; comes_back++) {
		uint32_t client = 0, server = 0;
		struct story_maker s = { .session = "run", .now = 1 * S, .client_conns = &client, .server_conns = &server };
		struct world w;

		world_init(&w, 400 + (unsigned)_i);
		s.w = &w;
		healthy(&s);
		struct pair p = open_both(&s), q = open_both(&s);
		s.now += 60 * S;
		close_by(&s, &p, false, CLOSE_GOING_AWAY);
		close_by(&s, &q, false, CLOSE_GOING_AWAY);
		s.now += 5 * S;
		if (comes_back)
			healthy(&s);
		judge(&w, comes_back ? "restarted" : "stopped", comes_back ? K(RESTART) : 0, K(OVERLAP));
		world_deinit(&w);
	}
}
END_TEST

/* A proxy between them that is stopped says 1001 to both, and that is no hop's doing: its log is there. */
START_TEST(a_proxy_that_is_stopped_is_no_finding)
{
	for (int comes_back = 0; comes_back < 2; comes_back++) {
		uint32_t client = 0, server = 0;
		struct story_maker s = { .session = "run", .now = 1 * S, .client_conns = &client, .server_conns = &server };
		struct world w;

		world_init(&w, 500 + (unsigned)_i);
		w.logs[PROXY].is_missing = false;
		s.w = &w;
		for (uint32_t n = 1; n <= 1U + (unsigned)comes_back; n++) {
			struct pair p = open_both(&s);
			struct world_event *legs[] = { world_put(&w, PROXY, p.opened, EV_OPENED, n), world_put(&w, PROXY, p.opened, EV_OPENED, n) };

			for (int leg = 0; leg < 2; leg++) {
				name_it(&s, legs[leg], s.dial);
				legs[leg]->ev.leg = leg == 0 ? LEG_CLIENT : LEG_ORIGIN;
			}
			s.now += 60 * S;
			for (uint32_t log = CLIENT; log <= SERVER; log++)
				for (int leg = 0; leg < (log == PROXY ? 2 : 1); leg++) {
					uint32_t conn = log == CLIENT ? p.client : log == SERVER ? p.server : n;
					struct ev_ended *e = end(&s, log, s.now, conn, &p, EV_CLOSE, log == PROXY ? BY_LOCAL : BY_PEER, CAUSE_WS_CLOSE);

					e->code = e->close_sent = CLOSE_GOING_AWAY;
					e->clean = true;
					if (log == PROXY)
						w.events[w.n - 1].ev.leg = leg == 0 ? LEG_CLIENT : LEG_ORIGIN;
				}
			s.now += 5 * S;
		}
		(void)world_put(&w, PROXY, s.now, EV_END, 0);
		judge(&w, comes_back ? "comes back" : "stopped", comes_back ? K(HOP_CLOSE) : 0, 0);
		world_deinit(&w);
	}
}
END_TEST

START_TEST(nothing_to_judge_is_said)
{
	struct findings f;
	struct model m;
	struct world w;

	world_init(&w, 1);
	model_init(&m);
	world_feed(&w, &m);
	join_model(&m);
	findings_look(&m, &f);
	ck_assert_uint_eq(f.n, 0);
	ck_assert_uint_eq(f.n_unjudged, 1);
	ck_assert_ptr_nonnull(strstr(f.unjudged[0].why, "no line of these logs tells of a connection"));
	ck_assert_ptr_nonnull(f.next);
	findings_deinit(&f);
	model_deinit(&m);
	world_deinit(&w);
}
END_TEST

START_TEST(the_clocks_offset_is_found_within_its_uncertainty)
{
	struct participant *p;
	struct model m;
	struct world w;
	int64_t skew;

	world_init(&w, 100 + (unsigned)_i);
	set_scene(&w, true, true);
	skew = w.logs[SERVER].wall_skew_us;
	make_sessions(&w, 3, 5, healthy);
	model_init(&m);
	world_feed(&w, &m);
	join_model(&m);
	p = &m.participants[1];
	ck_assert_int_eq(p->role, ROLE_SERVER);
	ck_assert_int_eq(p->basis, CLOCK_PAIRS);
	ck_assert_int_le(llabs(p->shift_us + skew), p->uncertainty_us);
	ck_assert_int_le(p->uncertainty_us, 25 * MS);
	model_deinit(&m);
	world_deinit(&w);
}
END_TEST

UNIT_LOOP_MAIN("finding", 20, faults_are_judged_as_they_were_made_by_the_logs_of_both_ends, and_by_the_clients_alone, and_by_the_servers_alone,
    a_healthy_run_of_a_thousand_connections_has_no_findings, a_log_that_was_cut_short_raises_no_alarm, a_loss_that_is_explained_is_told_once,
    a_server_that_is_stopped_is_no_finding_and_one_that_is_restarted_is, a_proxy_that_is_stopped_is_no_finding, nothing_to_judge_is_said, the_clocks_offset_is_found_within_its_uncertainty)
