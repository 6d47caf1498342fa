/* SPDX-License-Identifier: MIT */
/* The part of join that goes by what the ends call a connection: its key, its tag, its addresses. */
#include "report/join_state.h"

#include "base/clock.h"
#include "lifecycle/ledger.h"

#include <string.h>

/* Two clocks that are known may still differ by this much more where a connection is recognised by its addresses. */
#define ADDRESS_SLACK_US (2 * US_PER_S)

/* A life, or a dial that never opened, under one of its names. */
struct named {
	const char *name;
	uint32_t dial;
	uint32_t life, failed;        /* one of them is NO_INDEX */
	enum hop_rank rank;
};

struct names {
	struct join *j;
	enum join_by by;
	struct named *items;
	size_t n;
};

static int
compare_names(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : (x->dial > y->dial) - (x->dial < y->dial);
}

static struct names
names_start(struct join *j, enum join_by by)
{
	return (struct names){ .j = j, .by = by, .items = xcalloc((size_t)j->m->n_lives + j->m->n_failed + 1, sizeof(struct named)) };
}

static void
add(struct names *names, const char *name, uint32_t dial, uint32_t life, uint32_t failed, enum hop_rank rank)
{
	if (name != NULL && *name != '\0')
		names->items[names->n++] = (struct named){ name, dial, life, failed, rank };
}

/* More alike than a replay leaves. */
enum { REPLAYS_MAX = 64 };

/* a was over before the same participant had b, by the ledger's measure for replays. */
static bool
is_over_before(const struct life *a, const struct life *b)
{
	if (a->participant != b->participant || a->leg != b->leg || !moment_is_known(&a->ended) || !moment_is_known(&b->opened)
	    || a->ended.own_us > b->opened.own_us)
		return false;
	return !a->is_lost || b->opened.own_us - a->opened.own_us > LEDGER_REPLAY_US;
}

/* A client that uses one key again and again: it tells nothing. */
static bool
is_key_reused(const struct model *m, const struct named *of, size_t n)
{
	if (n > REPLAYS_MAX)
		return true;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			if (i != k && of[i].life != NO_INDEX && of[k].life != NO_INDEX && is_over_before(&m->lives[of[i].life], &m->lives[of[k].life]))
				return true;
	return false;
}

/* All of one name are one connection. */
static void
join_named(void *arg, const void *items, size_t n)
{
	const struct named *of = items;
	const struct names *names = arg;
	uint32_t first = NO_INDEX;

	if (names->by == JOIN_KEY && is_key_reused(names->j->m, of, n))
		return;
	for (size_t i = 0; i < n; i++) {
		if (of[i].life == NO_INDEX)
			continue;
		if (first == NO_INDEX)
			first = of[i].life;
		else if (!join_lives(names->j, first, of[i].life, names->by))
			names->j->m->joining.ambiguous++;
	}
	for (size_t i = 0; i < n && first != NO_INDEX; i++) {
		uint32_t root = join_root(names->j, first);

		if (of[i].failed != NO_INDEX && !join_has(names->j, root, RANK_CLIENT) && names->j->failed[root] == NO_INDEX) {
			names->j->failed[root] = of[i].failed;
			names->j->by[root] = MAX(names->j->by[root], names->by);
			names->j->m->joining.by[names->by]++;
		}
	}
}

/* A dial of a client's that never opened may have opened further on. */
static bool
is_clients(const struct model *m, const struct failed *f)
{
	return !f->is_reject && m->participants[f->participant].role == ROLE_CLIENT;
}

static void
join_by_key(struct join *j)
{
	const struct model *m = j->m;
	struct names names = names_start(j, JOIN_KEY);

	for (uint32_t i = 0; i < m->n_lives; i++)
		add(&names, m->lives[i].key, 0, i, NO_INDEX, join_rank(m, &m->lives[i]));
	for (uint32_t i = 0; i < m->n_failed; i++)
		if (is_clients(m, &m->failed[i]))
			add(&names, m->failed[i].key, 0, NO_INDEX, i, RANK_CLIENT);
	join_group(names.items, names.n, sizeof(*names.items), compare_names, join_named, &names);
	free(names.items);
}

static void
join_by_tag(struct join *j)
{
	const struct model *m = j->m;
	struct names names = names_start(j, JOIN_TAG);

	for (uint32_t i = 0; i < m->n_lives; i++)
		if (m->lives[i].dial != 0)
			add(&names, m->lives[i].session, m->lives[i].dial, i, NO_INDEX, join_rank(m, &m->lives[i]));
	for (uint32_t i = 0; i < m->n_failed; i++)
		if (m->failed[i].dial != 0 && is_clients(m, &m->failed[i]))
			add(&names, m->failed[i].session, m->failed[i].dial, NO_INDEX, i, RANK_CLIENT);
	join_group(names.items, names.n, sizeof(*names.items), compare_names, join_named, &names);
	free(names.items);
}

void
join_by_names(struct join *j)
{
	join_by_key(j);
	join_by_tag(j);
}

/* --- addresses --- */

static bool
is_comparable(const struct participant *a, const struct participant *b)
{
	return a->uncertainty_us != US_UNKNOWN && b->uncertainty_us != US_UNKNOWN;
}

/* Whether two lives with one address could be one connection, as far as time tells. */
static bool
is_near(const struct model *m, const struct life *down, const struct life *up)
{
	const struct participant *a = &m->participants[down->participant], *b = &m->participants[up->participant];
	int64_t apart = down->opened.at_us - up->opened.at_us;

	if (!moment_is_known(&down->opened) || !moment_is_known(&up->opened))
		return false;
	if (!is_comparable(a, b))
		return true;
	return llabs(apart) <= a->uncertainty_us + b->uncertainty_us + MAX(a->resolution_us, b->resolution_us) + ADDRESS_SLACK_US;
}

static bool
is_downstream(enum hop_rank rank)
{
	return rank == RANK_CLIENT || rank == RANK_PROXY_ORIGIN;
}

/* The one life of the others that of could be; NO_INDEX: none, or several. */
static uint32_t
only_match(const struct names *names, const struct named *items, size_t n, const struct named *of, bool *ret_several)
{
	const struct model *m = names->j->m;
	uint32_t found = NO_INDEX;

	for (size_t i = 0; i < n; i++) {
		const struct life *a = &m->lives[of->life], *b = &m->lives[items[i].life];
		bool is_down = is_downstream(of->rank);

		if (is_downstream(items[i].rank) == is_down || a->participant == b->participant || !is_near(m, is_down ? a : b, is_down ? b : a))
			continue;
		if (found != NO_INDEX) {
			*ret_several = true;
			return NO_INDEX;
		}
		found = items[i].life;
	}
	return found;
}

static void
join_addressed(void *arg, const void *items, size_t n)
{
	const struct named *of = items;
	const struct names *names = arg;

	/* A port that comes again and again on clocks that cannot be compared tells nothing. */
	if (n > 64)
		return;
	for (size_t i = 0; i < n; i++) {
		bool several = false, is_open = is_downstream(of[i].rank) && names->j->by[join_root(names->j, of[i].life)] == JOIN_NONE;
		uint32_t other = is_open ? only_match(names, of, n, &of[i], &several) : NO_INDEX, back = NO_INDEX;

		for (size_t k = 0; k < n && other != NO_INDEX && back == NO_INDEX; k++)
			if (of[k].life == other)
				back = only_match(names, of, n, &of[k], &several);
		if (back == of[i].life)
			(void)join_lives(names->j, of[i].life, other, names->by);
		names->j->m->joining.ambiguous += several;
	}
}

/* One end's local address is the other's peer, or what a hop says it forwards for. */
void
join_by_addresses(struct join *j)
{
	const struct model *m = j->m;
	struct names names = names_start(j, JOIN_ADDRESS);

	for (uint32_t i = 0; i < m->n_lives; i++) {
		const struct life *l = &m->lives[i];
		enum hop_rank rank = join_rank(m, l);
		bool has_port = l->forwarded_for != NULL && strchr(l->forwarded_for, ':') != NULL;

		add(&names, is_downstream(rank) ? l->local : has_port ? l->forwarded_for : l->peer, 0, i, NO_INDEX, rank);
	}
	join_group(names.items, names.n, sizeof(*names.items), compare_names, join_addressed, &names);
	free(names.items);
}
