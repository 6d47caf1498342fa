/* SPDX-License-Identifier: MIT */
#include "report/join_state.h"

#include "report/model_index.h"

#include <string.h>

enum hop_rank
join_rank(const struct model *m, const struct life *l)
{
	switch (m->participants[l->participant].role) {
	case ROLE_CLIENT: return RANK_CLIENT;
	case ROLE_SERVER: return RANK_SERVER;
	case ROLE_PROXY: break;
	}
	return l->leg == LEG_ORIGIN ? RANK_PROXY_ORIGIN : RANK_PROXY_CLIENT;
}

void
join_group(void *items, size_t n, size_t size, join_compare_fn *compare, join_group_fn *each, void *arg)
{
	char *at = items;

	if (n > 0)
		qsort(items, n, size, compare);
	for (size_t i = 0, next; i < n; i = next) {
		for (next = i + 1; next < n && compare(at + i * size, at + next * size) == 0; next++)
			;
		each(arg, at + i * size, next - i);
	}
}

/* --- one connection --- */

uint32_t
join_root(struct join *j, uint32_t life)
{
	while (j->parent[life] != life) {
		j->parent[life] = j->parent[j->parent[life]];
		life = j->parent[life];
	}
	return life;
}

bool
join_has(struct join *j, uint32_t life, enum hop_rank rank)
{
	return (j->ranks[join_root(j, life)] & 1U << rank) != 0;
}

bool
join_lives(struct join *j, uint32_t a, uint32_t b, enum join_by by)
{
	uint32_t ra = join_root(j, a), rb = join_root(j, b);

	if (ra == rb)
		return true;
	if ((j->ranks[ra] & j->ranks[rb] & 1U << RANK_CLIENT) != 0)
		return false;
	j->parent[rb] = ra;
	j->ranks[ra] |= j->ranks[rb];
	if (j->failed[ra] == NO_INDEX)
		j->failed[ra] = j->failed[rb];
	j->by[ra] = MAX(MAX(j->by[ra], j->by[rb]), by);
	if (by != JOIN_NONE)
		j->m->joining.by[by]++;
	return true;
}

static void
start(struct join *j, struct model *m)
{
	uint32_t n = MAX(m->n_lives, UINT32_C(1));

	j->m = m;
	j->parent = xcalloc(n, sizeof(*j->parent));
	j->ranks = xcalloc(n, sizeof(*j->ranks));
	j->failed = xcalloc(n, sizeof(*j->failed));
	j->by = xcalloc(n, sizeof(*j->by));
	for (uint32_t i = 0; i < m->n_lives; i++) {
		j->parent[i] = i;
		j->ranks[i] = 1U << join_rank(m, &m->lives[i]);
		j->failed[i] = NO_INDEX;
	}
}

static void
finish(struct join *j)
{
	free(j->parent);
	free(j->ranks);
	free(j->failed);
	free(j->by);
}

static void
forget(struct model *m)
{
	for (uint32_t i = 0; i < m->n_circuits; i++)
		free(m->circuits[i].lives);
	free(steal(&m->circuits));
	free(steal(&m->stories));
	free(steal(&m->verdicts));
	m->n_circuits = m->n_stories = m->n_verdicts = 0;
	m->since_us = m->until_us = NO_TIME;
	m->excess.verdicts = 0;
	memset(&m->joining, 0, sizeof(m->joining));
	for (uint32_t i = 0; i < m->n_lives; i++) {
		m->lives[i].circuit = m->lives[i].story = NO_INDEX;
		m->lives[i].is_hidden = false;
	}
	for (uint32_t i = 0; i < m->n_failed; i++) {
		m->failed[i].circuit = m->failed[i].story = NO_INDEX;
		m->failed[i].is_hidden = false;
	}
}

/* A proxy's two legs have one number. */
static void
join_legs(struct join *j)
{
	struct model *m = j->m;

	for (uint32_t i = 0; i < m->n_lives; i++) {
		struct life *l = &m->lives[i], *other;

		if (join_rank(m, l) != RANK_PROXY_ORIGIN || l->id == 0)
			continue;
		other = model_find_life(m, l->participant, LEG_CLIENT, l->id);
		if (other != NULL)
			join_lives(j, (uint32_t)(other - m->lives), i, JOIN_NONE);
	}
}

/* --- circuits --- */

static const struct model *sorting; /* qsort has no argument; only while sort_circuit runs */

/* From the client to the server, then by time. */
static int
compare_lives(const void *a, const void *b)
{
	const struct life *x = &sorting->lives[*(const uint32_t *)a], *y = &sorting->lives[*(const uint32_t *)b];
	int rank = (int)join_rank(sorting, x) - (int)join_rank(sorting, y);

	if (rank != 0)
		return rank;
	return x->opened.at_us != y->opened.at_us ? (x->opened.at_us > y->opened.at_us) - (x->opened.at_us < y->opened.at_us)
	    : (x > y) - (x < y);
}

static void
make_circuits(struct join *j)
{
	struct model *m = j->m;

	m->circuits = xcalloc(MAX(m->n_lives, UINT32_C(1)), sizeof(*m->circuits));
	for (uint32_t i = 0; i < m->n_lives; i++) {
		struct life *root = &m->lives[join_root(j, i)];
		struct circuit *c;

		if (root->circuit == NO_INDEX) {
			root->circuit = m->n_circuits++;
			m->circuits[root->circuit] = (struct circuit){ .failed = j->failed[join_root(j, i)], .by = j->by[join_root(j, i)], .story = NO_INDEX };
		}
		m->lives[i].circuit = root->circuit;
		c = &m->circuits[root->circuit];
		c->lives = xrealloc(c->lives, (c->n_lives + 1) * sizeof(*c->lives));
		c->lives[c->n_lives++] = i;
	}
	sorting = m;
	for (uint32_t i = 0; i < m->n_circuits; i++) {
		struct circuit *c = &m->circuits[i];

		qsort(c->lives, c->n_lives, sizeof(*c->lives), compare_lives);
		if (c->failed != NO_INDEX)
			m->failed[c->failed].circuit = i;
	}
}

/* --- stories --- */

/* What makes circuits one session: its name, or the client's log that has no names. */
struct naming {
	const char *name;
	uint32_t participant, circuit;
};

static int
compare_namings(const void *a, const void *b)
{
	const struct naming *x = a, *y = b;

	if (x->name != y->name)
		return x->name == NULL ? -1 : y->name == NULL ? 1 : strcmp(x->name, y->name);
	if (x->name != NULL)
		return 0;
	return (x->participant > y->participant) - (x->participant < y->participant);
}

static void
make_story(void *arg, const void *items, size_t n)
{
	const struct naming *of = items;
	struct model *m = arg;
	struct story *s = &m->stories[m->n_stories];

	*s = (struct story){ .name = of->name, .participant = NO_INDEX, .n_circuits = (uint32_t)n };
	for (size_t i = 0; i < n; i++) {
		struct circuit *c = &m->circuits[of[i].circuit];

		c->story = m->n_stories;
		if (of[i].participant != NO_INDEX)
			s->participant = of[i].participant;
		for (uint32_t k = 0; k < c->n_lives; k++)
			m->lives[c->lives[k]].story = m->n_stories;
	}
	m->n_stories++;
}

/* The client's own name for it, else the dial's that failed, else the tag that came with the request. */
static bool
name_circuit(const struct model *m, uint32_t circuit, struct naming *ret)
{
	const struct circuit *c = &m->circuits[circuit];
	uint32_t client = circuit_life(m, c, ROLE_CLIENT, LEG_NONE, NO_INDEX);

	*ret = (struct naming){ .participant = NO_INDEX, .circuit = circuit };
	if (client != NO_INDEX) {
		ret->name = m->lives[client].session;
		ret->participant = m->lives[client].participant;
		return true;
	}
	if (c->failed != NO_INDEX) {
		ret->name = m->failed[c->failed].session;
		ret->participant = m->failed[c->failed].participant;
		return true;
	}
	for (uint32_t i = 0; i < c->n_lives && ret->name == NULL; i++)
		ret->name = m->lives[c->lives[i]].session;
	return ret->name != NULL;
}

static bool
is_same_host(const char *a, const char *b)
{
	const char *ca = a != NULL ? strrchr(a, ':') : NULL, *cb = b != NULL ? strrchr(b, ':') : NULL;

	return ca != NULL && cb != NULL && ca - a == cb - b && strncmp(a, b, (size_t)(ca - a)) == 0;
}

/*
 * A proxy's log alone: where its clients' connections came from one address and followed each other, with never two at a time, they seem to be one client's.
 * What the origin legs did meanwhile is then worth a look. They are in the order of their opens.
 */
static void
guess_story(struct model *m, uint32_t participant)
{
	const struct life *last = NULL;
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n_lives; i++) {
		const struct life *l = &m->lives[i];

		if (l->participant != participant || l->leg != LEG_CLIENT)
			continue;
		if (l->story != NO_INDEX || !moment_is_known(&l->opened))
			return;
		if (last != NULL && (!is_same_host(last->peer, l->peer) || !moment_is_known(&last->ended) || last->ended.own_us > l->opened.own_us))
			return;
		last = l;
		n++;
	}
	if (n < 2)
		return;
	m->stories[m->n_stories] = (struct story){ .participant = NO_INDEX, .is_guess = true, .n_circuits = n };
	for (uint32_t i = 0; i < m->n_lives; i++) {
		struct circuit *c = &m->circuits[m->lives[i].circuit];

		if (m->lives[i].participant != participant || m->lives[i].leg != LEG_CLIENT)
			continue;
		c->story = m->n_stories;
		for (uint32_t k = 0; k < c->n_lives; k++)
			m->lives[c->lives[k]].story = m->n_stories;
	}
	m->n_stories++;
}

/* Stories are in the order of their namings. */
static int
compare_naming_to_story(const void *naming, const void *story)
{
	const struct story *s = story;
	struct naming of = { .name = s->name, .participant = s->participant };

	return compare_namings(naming, &of);
}

static void
find_story_of_failed(struct model *m, struct failed *f)
{
	struct naming of = { .name = f->session, .participant = f->participant };
	const struct story *s = bsearch(&of, m->stories, m->n_stories, sizeof(*s), compare_naming_to_story);

	if (s != NULL)
		f->story = (uint32_t)(s - m->stories);
}

static void
make_stories(struct model *m)
{
	struct naming *namings = xcalloc(MAX(m->n_circuits, UINT32_C(1)), sizeof(*namings));
	size_t n = 0;

	m->stories = xcalloc(MAX(m->n_circuits + m->n_participants, UINT32_C(1)), sizeof(*m->stories));
	for (uint32_t i = 0; i < m->n_circuits; i++)
		n += name_circuit(m, i, &namings[n]);
	join_group(namings, n, sizeof(*namings), compare_namings, make_story, m);
	free(namings);
	for (uint32_t i = 0; i < m->n_failed; i++)
		find_story_of_failed(m, &m->failed[i]);
	for (uint32_t i = 0; i < m->n_participants; i++)
		if (m->participants[i].role == ROLE_PROXY)
			guess_story(m, i);
}

/* --- the whole --- */

static void
measure(struct model *m)
{
	m->from_us = m->to_us = NO_TIME;
	for (uint32_t i = 0; i < m->n_participants; i++) {
		const struct participant *p = &m->participants[i];

		if (p->first_us == NO_TIME)
			continue;
		if (m->from_us == NO_TIME || p->first_us + p->shift_us < m->from_us)
			m->from_us = p->first_us + p->shift_us;
		if (m->to_us == NO_TIME || p->last_us + p->shift_us > m->to_us)
			m->to_us = p->last_us + p->shift_us;
	}
	if (m->from_us == NO_TIME)
		m->from_us = m->to_us = 0;
}

/* A client or server of whose kind the other side's logs know nothing. */
static void
count_unmatched(struct model *m)
{
	bool has[2] = { false, false };

	for (uint32_t i = 0; i < m->n_participants; i++)
		has[m->participants[i].role != ROLE_CLIENT] = true;
	if (!has[0] || !has[1])
		return;
	for (uint32_t i = 0; i < m->n_circuits; i++) {
		const struct circuit *c = &m->circuits[i];
		bool is_client = circuit_life(m, c, ROLE_CLIENT, LEG_NONE, NO_INDEX) != NO_INDEX || c->failed != NO_INDEX;

		if (!is_client || c->n_lives == 1)
			m->joining.unmatched += c->failed == NO_INDEX;
	}
}

void
join_model(struct model *m)
{
	struct join j;

	forget(m);
	start(&j, m);
	join_legs(&j);
	join_by_names(&j);
	join_set_clocks(&j);
	join_by_addresses(&j);
	join_set_clocks(&j);
	join_by_time(&j);
	make_circuits(&j);
	finish(&j);
	make_stories(m);
	measure(m);
	count_unmatched(m);
	join_judge(m);
}

/* --- the filter --- */

static bool
is_within(const struct join_filter *f, int64_t from, int64_t to)
{
	return (f->since_us == NO_TIME || to == NO_TIME || to >= f->since_us) && (f->until_us == NO_TIME || from == NO_TIME || from <= f->until_us);
}

static bool
is_session(const struct model *m, const struct join_filter *f, uint32_t story)
{
	const char *name = story != NO_INDEX ? m->stories[story].name : NULL;

	return f->session == NULL || (name != NULL && strncmp(name, f->session, strlen(f->session)) == 0);
}

/* From the first open that any of its logs has to the last end; one that none has may still be to come. */
static bool
is_wanted(const struct model *m, const struct join_filter *f, const struct circuit *c)
{
	int64_t from = NO_TIME, to = NO_TIME;
	bool has_conn = f->conn == 0;

	for (uint32_t i = 0; i < c->n_lives; i++) {
		const struct life *l = &m->lives[c->lives[i]];

		has_conn = has_conn || l->id == f->conn;
		from = from == NO_TIME || (l->opened.at_us != NO_TIME && l->opened.at_us < from) ? l->opened.at_us : from;
		to = MAX(to, l->ended.at_us);
	}
	return has_conn && is_within(f, from, to) && is_session(m, f, c->story);
}

void
join_filter(struct model *m, const struct join_filter *f)
{
	m->since_us = f->since_us;
	m->until_us = f->until_us;
	for (uint32_t i = 0; i < m->n_circuits; i++) {
		bool is_hidden = !is_wanted(m, f, &m->circuits[i]);

		for (uint32_t k = 0; k < m->circuits[i].n_lives; k++)
			m->lives[m->circuits[i].lives[k]].is_hidden = is_hidden;
	}
	for (uint32_t i = 0; i < m->n_failed; i++) {
		struct failed *x = &m->failed[i];

		x->is_hidden = f->conn != 0 || !is_within(f, x->at.at_us, x->at.at_us) || !is_session(m, f, x->story);
	}
}
