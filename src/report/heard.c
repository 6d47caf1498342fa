/* SPDX-License-Identifier: MIT */
/*
 * What a library would have told its user, session by session: the facts of a client go, in order, through lifecycle/library. Where the client's log is not
 * among the logs, those of the proxy's client leg, or the server's, turned round.
 */
#include "report/view.h"

#include "report/model_index.h"

#include <stdio.h>

struct fact {
	uint32_t story, life, failed;
	enum event_type type;
	struct moment at;
	bool is_before;
	unsigned order;               /* of those at one time: an end, a failed dial, an open */
};

struct facts {
	const struct model *m;
	enum role *tells;             /* by story: whose view is taken */
	struct fact *items;
	uint32_t n;
};

static void
add(struct facts *f, struct fact fact)
{
	static const unsigned orders[EV_TYPE_COUNT] = { [EV_FAILED] = 1, [EV_REJECT] = 1, [EV_OPENED] = 2, [EV_GHOST] = 3, [EV_END] = 4 };

	fact.order = orders[fact.type];
	f->items = model_grow(f->items, f->n, sizeof(*f->items));
	f->items[f->n++] = fact;
}

/* The nearest to the user of a story's views. */
static void
choose_views(struct facts *f)
{
	const struct model *m = f->m;

	f->tells = xcalloc((size_t)m->n_stories + 1, sizeof(*f->tells));
	for (uint32_t i = 0; i < m->n_stories; i++)
		f->tells[i] = ROLE_SERVER;
	for (uint32_t i = 0; i < m->n_lives; i++) {
		enum role role = m->participants[m->lives[i].participant].role;

		if (m->lives[i].story != NO_INDEX && m->lives[i].leg != LEG_ORIGIN)
			f->tells[m->lives[i].story] = MIN(f->tells[m->lives[i].story], role);
	}
	for (uint32_t i = 0; i < m->n_failed; i++) {
		enum role role = m->participants[m->failed[i].participant].role;

		if (m->failed[i].story != NO_INDEX && m->failed[i].leg != LEG_ORIGIN)
			f->tells[m->failed[i].story] = MIN(f->tells[m->failed[i].story], role);
	}
}

static bool
is_told(const struct facts *f, uint32_t story, uint32_t participant, enum leg leg, bool is_hidden)
{
	return story != NO_INDEX && !is_hidden && leg != LEG_ORIGIN && f->m->participants[participant].role == f->tells[story];
}

static void
add_life(struct facts *f, uint32_t i)
{
	const struct life *l = &f->m->lives[i];
	struct fact fact = { .story = l->story, .life = i, .failed = NO_INDEX };

	if (!is_told(f, l->story, l->participant, l->leg, l->is_hidden))
		return;
	if (moment_is_known(&l->opened)) {
		fact.type = EV_OPENED;
		fact.at = l->opened;
		add(f, fact);
	}
	fact.type = l->is_lost || l->is_end_implied ? EV_LOST : EV_CLOSE;
	fact.at = l->ended;
	fact.is_before = l->is_end_implied && view_next_open(f->m, l, &fact.at);
	if (moment_is_known(&l->ended) || fact.is_before)
		add(f, fact);
	if (moment_is_known(&l->ghost)) {
		fact.type = EV_GHOST;
		fact.at = l->ghost;
		add(f, fact);
	}
}

static void
add_rest(struct facts *f)
{
	const struct model *m = f->m;

	for (uint32_t i = 0; i < m->n_failed; i++) {
		const struct failed *x = &m->failed[i];

		if (is_told(f, x->story, x->participant, x->leg, x->is_hidden))
			add(f, (struct fact){ .story = x->story, .life = NO_INDEX, .failed = i, .type = x->is_reject ? EV_REJECT : EV_FAILED, .at = x->at });
	}
	for (uint32_t i = 0; i < m->n_stories; i++) {
		const struct story *s = &m->stories[i];
		const struct participant *p = s->participant != NO_INDEX ? &m->participants[s->participant] : NULL;

		if (p != NULL && p->has_end && p->role == ROLE_CLIENT)
			add(f, (struct fact){ .story = i, .life = NO_INDEX, .failed = NO_INDEX, .type = EV_END,
				.at = { .own_us = p->last_us, .at_us = p->last_us + p->shift_us } });
	}
}

static int
compare_facts(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;

	if (x->story != y->story)
		return (x->story > y->story) - (x->story < y->story);
	if (x->at.at_us != y->at.at_us)
		return (x->at.at_us > y->at.at_us) - (x->at.at_us < y->at.at_us);
	/* The end of one before the open of the next, but not before its own open. */
	if (x->life == y->life && x->order != y->order)
		return x->type == EV_OPENED ? -1 : y->type == EV_OPENED ? 1 : (x->order > y->order) - (x->order < y->order);
	if (x->order != y->order)
		return (x->order > y->order) - (x->order < y->order);
	return (x->life > y->life) - (x->life < y->life);
}

/* Whether a reset was done to a leg by a fault plan: what a leg's own end does not say. */
static bool
is_reset_by_plan(const struct model *m, const struct life *l)
{
	for (uint32_t i = 0; i < m->n_injections; i++)
		if (m->injections[i].participant == l->participant && m->injections[i].conn == l->id &&
		    span_contains_ci(span_of(m->injections[i].action), "rst"))
			return true;
	return false;
}

static void
fill_end(const struct model *m, const struct life *l, struct event *ev)
{
	struct ev_ended *e = &ev->u.ended;
	bool is_plain_close = !l->is_how_known && !l->is_lost && !l->is_end_implied;

	/* "closed" in a log of words: the peer's Close if it has a code, else the app's own close(). */
	e->by = is_plain_close ? (l->code != 0 ? BY_PEER : BY_LOCAL) : l->by;
	e->cause = is_plain_close ? CAUSE_WS_CLOSE : l->cause;
	e->code = l->code;
	e->close_sent = l->close_sent;
	e->clean = l->is_clean;
	if (l->cause == CAUSE_LOCAL_FAULT && is_reset_by_plan(m, l))
		e->text = SPAN_LIT("RST");
}

static void
feed(struct library_model *library, const struct model *m, const struct fact *fact, struct heard_list *ret)
{
	struct event ev = event_blank(fact->type);
	struct source src = { .role = ROLE_CLIENT };
	struct buf text CLEANUP(buf_deinit) = { 0 };
	struct heard h = { .story = fact->story, .life = fact->life, .failed = fact->failed, .at = fact->at, .is_before = fact->is_before };

	ev.src = &src;
	if (fact->life != NO_INDEX) {
		src.role = m->participants[m->lives[fact->life].participant].role;
		ev.leg = m->lives[fact->life].leg;
		ev.u.opened.is_reconnect = fact->type == EV_OPENED && m->lives[fact->life].is_reconnect;
		if (fact->type == EV_LOST || fact->type == EV_CLOSE)
			fill_end(m, &m->lives[fact->life], &ev);
	} else if (fact->failed != NO_INDEX) {
		src.role = m->participants[m->failed[fact->failed].participant].role;
	}
	if (!library_feed(library, &ev, &text))
		return;
	h.event = event_name(&ev);
	snprintf(h.text, sizeof(h.text), "%s", buf_cstr(&text));
	ret->items = model_grow(ret->items, (uint32_t)ret->n, sizeof(*ret->items));
	ret->items[ret->n++] = h;
}

void
heard_of(const struct view *v, struct heard_list *ret)
{
	struct facts f = { .m = v->m };
	struct library_model *library = NULL;

	*ret = (struct heard_list){ 0 };
	if (v->as == NULL)
		return;
	choose_views(&f);
	for (uint32_t i = 0; i < v->m->n_lives; i++)
		add_life(&f, i);
	add_rest(&f);
	if (f.n > 0)
		qsort(f.items, f.n, sizeof(*f.items), compare_facts);
	for (uint32_t i = 0; i < f.n; i++) {
		if (i == 0 || f.items[i].story != f.items[i - 1].story) {
			library_model_free(library);
			library = library_model_new(v->as);
		}
		feed(library, v->m, &f.items[i], ret);
	}
	library_model_free(library);
	free(f.items);
	free(f.tells);
}

void
heard_free(struct heard_list *l)
{
	free(l->items);
	*l = (struct heard_list){ 0 };
}
