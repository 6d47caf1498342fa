/* SPDX-License-Identifier: MIT */
/* The part of join that feeds the facts to lifecycle/ledger, a view at a time, and keeps its verdicts. */
#include "report/join_state.h"

#include "lifecycle/ledger.h"
#include "report/model_index.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Servers are one view: behind a balancer a session may come to any of them. Each client and each leg of a proxy is one of its own. */
enum { VIEW_SERVERS, VIEW_FIRST };

struct fact {
	uint32_t view, life;
	enum event_type type;         /* EV_OPENED, EV_LOST, EV_GHOST, EV_GONE */
	bool is_instant;              /* an open, or an end at the time of its open */
	int64_t at_us, sort_us;
};

struct judging {
	struct model *m;
	struct fact *facts;
	size_t n;
	struct ledger *ledger;
	const struct fact *now;
};

static uint32_t
view_of(const struct model *m, const struct life *l)
{
	enum hop_rank rank = join_rank(m, l);

	return rank == RANK_SERVER ? VIEW_SERVERS : VIEW_FIRST + 2 * l->participant + (rank == RANK_PROXY_ORIGIN);
}

/* Within one log order is order; between several servers' an end may have come earlier than its clock says. */
static int64_t
uncertainty_of(const struct model *m, const struct life *l, uint32_t n_servers)
{
	int64_t uncertainty = m->participants[l->participant].uncertainty_us;

	return n_servers > 1 && join_rank(m, l) == RANK_SERVER && uncertainty > 0 ? 2 * uncertainty : 0;
}

static void
add_fact(struct judging *g, uint32_t life, enum event_type type, int64_t at_us, int64_t early_us)
{
	const struct life *l = &g->m->lives[life];
	int64_t sort_us = type == EV_OPENED ? at_us : MAX(at_us - early_us, l->opened.at_us);

	g->facts[g->n++] = (struct fact){
		.view = view_of(g->m, l), .life = life, .type = type, .is_instant = sort_us == l->opened.at_us, .at_us = at_us, .sort_us = sort_us };
}

static void
add_life(struct judging *g, uint32_t life, uint32_t n_servers)
{
	const struct model *m = g->m;
	const struct life *l = &m->lives[life];
	const struct participant *p = &m->participants[l->participant];
	int64_t early = uncertainty_of(m, l, n_servers);

	/* Of one that ended at a time nobody logged its participant cannot say that it was still there. */
	if (!moment_is_known(&l->opened) || l->is_end_implied)
		return;
	add_fact(g, life, EV_OPENED, l->opened.at_us, 0);
	if (moment_is_known(&l->ended))
		add_fact(g, life, EV_LOST, l->ended.at_us, early);
	else /* behind its last line a log knows nothing */
		add_fact(g, life, EV_GONE, p->last_us + p->shift_us + 1, 0);
	if (moment_is_known(&l->ghost)) {
		add_fact(g, life, EV_GHOST, l->ghost.at_us, early);
		add_fact(g, life, EV_GONE, l->ghost.at_us, early);
	} else if (l->is_held) {
		add_fact(g, life, EV_GONE, p->last_us + p->shift_us + 1, 0);
	}
}

/* Of one life at one time. */
static int
fact_order(enum event_type type)
{
	return type == EV_LOST ? 0 : type == EV_GHOST ? 1 : 2;
}

/* By time; at one time ends come first, but none before its own open. */
static int
compare_facts(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;

	if (x->view != y->view)
		return (x->view > y->view) - (x->view < y->view);
	if (x->sort_us != y->sort_us)
		return (x->sort_us > y->sort_us) - (x->sort_us < y->sort_us);
	if (x->is_instant != y->is_instant)
		return x->is_instant - y->is_instant;
	if (x->life != y->life)
		return (x->life > y->life) - (x->life < y->life);
	if ((x->type == EV_OPENED) != (y->type == EV_OPENED))
		return x->type == EV_OPENED ? -1 : 1;
	return x->at_us != y->at_us ? (x->at_us > y->at_us) - (x->at_us < y->at_us) : fact_order(x->type) - fact_order(y->type);
}

/* --- verdicts --- */

static int64_t
end_of(const struct life *l)
{
	return moment_is_known(&l->ghost) && l->is_ghost_ended ? l->ghost.at_us : l->ended.at_us;
}

static void
keep_verdict(void *arg, struct event *ev)
{
	struct judging *g = arg;
	struct model *m = g->m;
	struct verdict v = { .type = ev->type, .life = ev->conn - 1, .with = NO_INDEX, .from_us = g->now->at_us, .to_us = NO_TIME };
	const struct life *l = &m->lives[v.life];

	if (ev->type == EV_OVERLAP) {
		const struct life *older = &m->lives[ev->u.overlap.with - 1];
		int64_t a = end_of(older), b = end_of(l);

		v.with = ev->u.overlap.with - 1;
		v.is_held = ev->u.overlap.held;
		v.to_us = a == NO_TIME ? b : b == NO_TIME ? a : MIN(a, b);
	} else if (ev->type == EV_REPLAY) {
		v.with = ev->u.replay.with - 1;
	} else {
		v.successor = ev->u.orphan.successor;
	}
	if (m->n_verdicts == MODEL_VERDICTS_MAX) {
		m->excess.verdicts++;
		return;
	}
	m->verdicts = model_grow(m->verdicts, m->n_verdicts, sizeof(*m->verdicts));
	m->verdicts[m->n_verdicts++] = v;
}

/* A session of servers whose clocks cannot be compared is judged for each alone. */
static struct span
session_name(const struct model *m, const struct life *l, char *text, size_t size)
{
	bool is_apart = m->participants[l->participant].basis == CLOCK_UNKNOWN;

	if (l->story == NO_INDEX)
		return SPAN_NONE;
	snprintf(text, size, "%" PRIu32 ":%" PRIu32, l->story, is_apart ? l->participant + 1 : 0);
	return span_of(text);
}

/* The client's number for the dial; of a tag's word, where it is not among the logs. */
static uint32_t
dial_of(const struct model *m, const struct life *l)
{
	const struct circuit *c = &m->circuits[l->circuit];
	uint32_t client = circuit_life(m, c, ROLE_CLIENT, LEG_NONE, NO_INDEX);

	if (client != NO_INDEX)
		return m->lives[client].dial;
	return c->failed != NO_INDEX ? m->failed[c->failed].dial : l->dial;
}

static void
feed(struct judging *g, const struct fact *f)
{
	const struct model *m = g->m;
	const struct life *l = &m->lives[f->life];
	struct source src = { .role = m->participants[l->participant].role };
	char name[32];
	struct event ev = { .type = f->type, .src = &src, .conn = f->life + 1, .leg = l->leg };

	ev.session = session_name(m, l, name, sizeof(name));
	if (f->type == EV_OPENED) {
		ev.dial = dial_of(m, l);
		ev.u.opened.ws_key = span_of(l->key);
	} else if (f->type == EV_LOST) {
		ev.u.ended.held = l->is_held;
		ev.u.ended.held_open = l->is_held_open;
	} else if (f->type == EV_GHOST) {
		ev.u.ghost.ended = l->is_ghost_ended;
	}
	/* Closed with a handshake: nobody would send its request again. */
	if (f->type == EV_LOST && !l->is_lost && !l->is_held)
		ev.type = EV_CLOSE;
	g->now = f;
	ledger_feed(g->ledger, &ev, f->at_us, keep_verdict, g);
}

static uint32_t
count_servers(const struct model *m)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n_participants; i++)
		n += m->participants[i].role == ROLE_SERVER;
	return n;
}

void
join_judge(struct model *m)
{
	struct judging g = { .m = m, .facts = xcalloc((size_t)m->n_lives * 4 + 1, sizeof(*g.facts)) };
	struct ledger_limits limits = { .sessions = (size_t)m->n_stories + 1, .conns = LEDGER_LIMITS.conns, .keys = (size_t)m->n_lives + 1 };
	uint32_t n_servers = count_servers(m);

	for (uint32_t i = 0; i < m->n_lives; i++)
		add_life(&g, i, n_servers);
	qsort(g.facts, g.n, sizeof(*g.facts), compare_facts);
	for (size_t i = 0; i < g.n; i++) {
		if (i == 0 || g.facts[i].view != g.facts[i - 1].view) {
			ledger_free(g.ledger);
			g.ledger = ledger_new(&limits);
		}
		feed(&g, &g.facts[i]);
	}
	ledger_free(g.ledger);
	free(g.facts);
}
