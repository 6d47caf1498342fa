/* SPDX-License-Identifier: MIT */
/* The part of join that sets clocks right. */
#include "report/join_state.h"

#include "base/clock.h"
#include "report/model_index.h"

/* How long an upgrade is taken to have lasted at most where the log does not tell. */
#define UPGRADE_ASSUMED_US US_PER_S
/* Who sent and who saw a head log it in a moment of their own. */
#define LOGGING_US US_PER_MS
#define CLOCK_MOST_US (INT64_C(1) << 56)
/* A group of lives this large is no single connection. */
enum { GROUP_MAX = 64 };

/* What one pair says of a clock: own clock of far + [lo, hi] = own clock of near. */
struct bound {
	uint32_t near, far;
	int64_t lo, hi;
};

struct bounds {
	struct join *j;
	struct bound *items;
	size_t n;
};

/* What all pairs of two participants say. */
struct edge {
	uint32_t near, far;
	int64_t shift_us, uncertainty_us;
	uint32_t pairs;
	bool is_same_boot;
};

struct edges {
	const struct model *m;
	struct edge *items;
	size_t n;
};

/* --- pairs --- */

static int64_t
rounding(const struct participant *p)
{
	return p->resolution_us > 1 ? p->resolution_us : 0;
}

static int64_t
upgrade_of(const struct life *l)
{
	if (l->upgrade_us != US_UNKNOWN)
		return l->upgrade_us;
	return moment_is_known(&l->dialled) ? l->opened.own_us - l->dialled.own_us : UPGRADE_ASSUMED_US;
}

static void
add_bound(struct bounds *b, const struct life *near, const struct life *far)
{
	const struct model *m = b->j->m;
	const struct participant *p = &m->participants[near->participant], *q = &m->participants[far->participant];
	int64_t apart = near->opened.own_us - far->opened.own_us;

	b->items = model_grow(b->items, (uint32_t)b->n, sizeof(*b->items));
	b->items[b->n++] = (struct bound){
		.near = near->participant, .far = far->participant,
		.lo = apart - upgrade_of(near) - rounding(q) - LOGGING_US,
		.hi = apart + rounding(p) + LOGGING_US,
	};
}

/* Who dials comes before who is dialled; between two proxies nobody can tell. */
static bool
is_pair(const struct model *m, const struct life *near, const struct life *far)
{
	enum hop_rank a = join_rank(m, near), b = join_rank(m, far);

	return near->participant != far->participant && a < b && (a == RANK_CLIENT || a == RANK_PROXY_ORIGIN)
	    && (b == RANK_SERVER || b == RANK_PROXY_CLIENT) && near->opened.place.line > 0 && far->opened.place.line > 0;
}

struct member {
	uint32_t root, life;
};

static int
compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return (x->root > y->root) - (x->root < y->root);
}

static void
add_group(void *arg, const void *items, size_t n)
{
	const struct member *of = items;
	struct bounds *b = arg;
	const struct life *lives = b->j->m->lives;

	for (size_t i = 0; i < n && n <= GROUP_MAX; i++)
		for (size_t k = 0; k < n; k++)
			if (is_pair(b->j->m, &lives[of[i].life], &lives[of[k].life]))
				add_bound(b, &lives[of[i].life], &lives[of[k].life]);
}

static void
gather_bounds(struct bounds *b)
{
	struct model *m = b->j->m;
	struct member *members = xcalloc(MAX(m->n_lives, UINT32_C(1)), sizeof(*members));

	for (uint32_t i = 0; i < m->n_lives; i++)
		members[i] = (struct member){ join_root(b->j, i), i };
	join_group(members, m->n_lives, sizeof(*members), compare_members, add_group, b);
	free(members);
}

/* --- what most of them agree on --- */

static int
compare_bounds(const void *a, const void *b)
{
	const struct bound *x = a, *y = b;

	return x->near != y->near ? (x->near > y->near) - (x->near < y->near) : (x->far > y->far) - (x->far < y->far);
}

struct border {
	int64_t at;
	int step;                     /* 1: an interval begins here, -1: one ends */
};

static int
compare_borders(const void *a, const void *b)
{
	const struct border *x = a, *y = b;

	return x->at != y->at ? (x->at > y->at) - (x->at < y->at) : y->step - x->step;
}

/* The part of the line that lies in the most intervals. */
static uint32_t
most_agreed(const struct bound *of, size_t n, int64_t *ret_lo, int64_t *ret_hi)
{
	struct border *borders = xcalloc(2 * n, sizeof(*borders));
	uint32_t depth = 0, best = 0;

	for (size_t i = 0; i < n; i++) {
		borders[2 * i] = (struct border){ of[i].lo, 1 };
		borders[2 * i + 1] = (struct border){ of[i].hi, -1 };
	}
	qsort(borders, 2 * n, sizeof(*borders), compare_borders);
	for (size_t i = 0; i < 2 * n; i++) {
		depth += (uint32_t)borders[i].step;
		if (depth > best) {
			best = depth;
			*ret_lo = borders[i].at;
			*ret_hi = borders[i + 1].at;
		}
	}
	free(borders);
	return best;
}

static void
add_edge(struct edges *e, struct edge edge)
{
	e->items = model_grow(e->items, (uint32_t)e->n, sizeof(*e->items));
	e->items[e->n++] = edge;
}

static void
add_agreed(void *arg, const void *items, size_t n)
{
	const struct bound *of = items;
	struct edges *e = arg;
	struct edge edge = { .near = of->near, .far = of->far };
	bool is_coarse = rounding(&e->m->participants[of->near]) > 0 || rounding(&e->m->participants[of->far]) > 0;
	int64_t lo = of->lo, hi = of->hi;

	edge.pairs = most_agreed(of, n, &lo, &hi);
	edge.shift_us = lo + (hi - lo) / 2;
	edge.uncertainty_us = (hi - lo + 1) / 2;
	/* Clocks that may be right, read to the second: they are taken to be. */
	if (is_coarse && lo <= 0 && hi >= 0) {
		edge.uncertainty_us = MAX(-lo, hi);
		edge.shift_us = 0;
	}
	add_edge(e, edge);
}

/* One machine's monotonic clock is one clock. */
static void
add_boots(struct edges *e)
{
	const struct participant *of = e->m->participants;

	for (uint32_t i = 0; i < e->m->n_participants; i++) {
		for (uint32_t k = 0; k < i; k++) {
			if (of[i].boot == NULL || of[i].boot != of[k].boot || !of[i].has_mono || !of[k].has_mono)
				continue;
			add_edge(e, (struct edge){ .near = k, .far = i, .shift_us = of[k].mono_base_us - of[i].mono_base_us, .is_same_boot = true });
			break;
		}
	}
}

/* --- all clocks --- */

/* Whose clock the report goes by: one with a date and a zone; a client's; the first. */
static int
worth(const struct model *m, uint32_t participant, const bool *has_edge)
{
	const struct participant *p = &m->participants[participant];
	const struct log *log = &m->logs[p->log];

	return 8 * has_edge[participant] + 4 * log->has_date + 2 * log->has_zone + (p->role == ROLE_CLIENT);
}

static uint32_t
choose_reference(const struct edges *e)
{
	const struct model *m = e->m;
	bool *has_edge = xcalloc(m->n_participants, sizeof(*has_edge));
	uint32_t best = 0;

	for (size_t i = 0; i < e->n; i++)
		has_edge[e->items[i].near] = has_edge[e->items[i].far] = true;
	for (uint32_t i = 1; i < m->n_participants; i++)
		if (worth(m, i, has_edge) > worth(m, best, has_edge))
			best = i;
	free(has_edge);
	return best;
}

/* Whether to knows its clock better by way of from than before. */
static bool
set_by(struct participant *from, struct participant *to, int64_t shift, const struct edge *e)
{
	int64_t uncertainty = from->uncertainty_us + e->uncertainty_us;

	if (from->basis == CLOCK_UNKNOWN || to->basis == CLOCK_REFERENCE)
		return false;
	if (to->basis != CLOCK_UNKNOWN && to->uncertainty_us <= uncertainty)
		return false;
	/* By way of logs that say what cannot be. */
	if (uncertainty > CLOCK_MOST_US || llabs(from->shift_us + shift) > CLOCK_MOST_US)
		return false;
	to->basis = e->is_same_boot && from->basis != CLOCK_PAIRS ? CLOCK_SAME_BOOT : CLOCK_PAIRS;
	to->shift_us = from->shift_us + shift;
	to->uncertainty_us = uncertainty;
	to->pairs = e->is_same_boot ? from->pairs : e->pairs;
	return true;
}

static void
set_clocks(struct model *m, const struct edges *e)
{
	uint32_t reference = choose_reference(e);
	bool has_changed = true;

	for (uint32_t i = 0; i < m->n_participants; i++) {
		struct participant *p = &m->participants[i];

		p->basis = i == reference ? CLOCK_REFERENCE : CLOCK_UNKNOWN;
		p->shift_us = 0;
		p->uncertainty_us = i == reference ? 0 : US_UNKNOWN;
		p->pairs = 0;
	}
	for (uint32_t round = 0; has_changed && round <= m->n_participants; round++) {
		has_changed = false;
		for (size_t i = 0; i < e->n; i++) {
			const struct edge *x = &e->items[i];

			has_changed |= set_by(&m->participants[x->near], &m->participants[x->far], x->shift_us, x);
			has_changed |= set_by(&m->participants[x->far], &m->participants[x->near], -x->shift_us, x);
		}
	}
	m->is_dated = m->logs[m->participants[reference].log].has_date && m->participants[reference].first_us != NO_TIME;
	m->is_zoned = m->logs[m->participants[reference].log].has_zone;
}

static void
restamp(const struct model *m, uint32_t participant, struct moment *at)
{
	const struct participant *p = &m->participants[participant];
	int64_t own = p->is_untimed && at->own_us == 0 && p->first_us != NO_TIME ? p->first_us : at->own_us;

	at->at_us = moment_is_known(at) ? own + p->shift_us : NO_TIME;
}

void
join_restamp(struct model *m)
{
	for (uint32_t i = 0; i < m->n_lives; i++) {
		struct life *l = &m->lives[i];

		restamp(m, l->participant, &l->dialled);
		restamp(m, l->participant, &l->opened);
		restamp(m, l->participant, &l->ended);
		restamp(m, l->participant, &l->ghost);
		restamp(m, l->participant, &l->violated);
	}
	for (uint32_t i = 0; i < m->n_failed; i++)
		restamp(m, m->failed[i].participant, &m->failed[i].at);
	for (uint32_t i = 0; i < m->n_injections; i++)
		restamp(m, m->injections[i].participant, &m->injections[i].at);
	for (uint32_t i = 0; i < m->n_pauses; i++)
		restamp(m, m->pauses[i].participant, &m->pauses[i].at);
}

void
join_set_clocks(struct join *j)
{
	struct bounds bounds = { .j = j };
	struct edges edges = { .m = j->m };

	if (j->m->n_participants == 0)
		return;
	gather_bounds(&bounds);
	add_boots(&edges);
	join_group(bounds.items, bounds.n, sizeof(*bounds.items), compare_bounds, add_agreed, &edges);
	set_clocks(j->m, &edges);
	join_restamp(j->m);
	free(bounds.items);
	free(edges.items);
}
