/* SPDX-License-Identifier: MIT */
/*
 * The part of join that has only time and order to go by: logs without keys and addresses. The opens of a client and a server are laid beside
 * each other; where, in one stretch of time, there are as many of one as of the other, they belong together in order. Where there are not, they are left alone, and counted.
 */
#include "report/join_state.h"

#include "base/clock.h"

#include <string.h>

#define DAY_US (INT64_C(24) * 3600 * US_PER_S)
/* What an application's log may lag behind, on clocks that are known. */
#define LAG_US US_PER_S

enum {
	SIDES_MAX = 64,               /* participants of a kind that are tried against each other */
	TRIED_MAX = 48,               /* opens of each that a shift is tried with */
	TRIED_MIN = 3,                /* pairs that make a shift which nothing else supports */
};

/* The lives of one participant that have no counterpart, by time. */
struct side {
	const struct participant *who;
	uint32_t participant;
	uint32_t *lives;
	size_t n;
};

struct fit {
	int64_t shift_us;             /* far + this = near, on the report's clock */
	size_t pairs, left;           /* left: could not be told apart */
};

struct lay {
	struct join *j;
	struct side near, far;
	int64_t within_us;
};

static const struct model *sorting; /* qsort has no argument; only while a side is sorted */

static int
compare_opens(const void *a, const void *b)
{
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	const struct life *x = &sorting->lives[i], *y = &sorting->lives[k];

	if (x->opened.at_us != y->opened.at_us)
		return (x->opened.at_us > y->opened.at_us) - (x->opened.at_us < y->opened.at_us);
	return (i > k) - (i < k);
}

static bool
is_alone(struct join *j, uint32_t life)
{
	static const enum hop_rank others[][3] = {
		[RANK_CLIENT] = { RANK_PROXY_CLIENT, RANK_PROXY_ORIGIN, RANK_SERVER },
		[RANK_PROXY_CLIENT] = { RANK_CLIENT, RANK_CLIENT, RANK_CLIENT },
		[RANK_PROXY_ORIGIN] = { RANK_SERVER, RANK_SERVER, RANK_SERVER },
		[RANK_SERVER] = { RANK_CLIENT, RANK_PROXY_CLIENT, RANK_PROXY_ORIGIN },
	};
	enum hop_rank rank = join_rank(j->m, &j->m->lives[life]);

	for (size_t i = 0; i < 3; i++)
		if (join_has(j, life, others[rank][i]))
			return false;
	return true;
}

static void
gather(struct join *j, uint32_t participant, enum hop_rank rank, struct side *ret)
{
	struct model *m = j->m;

	*ret = (struct side){ .who = &m->participants[participant], .participant = participant };
	ret->lives = xcalloc(MAX(m->n_lives, UINT32_C(1)), sizeof(*ret->lives));
	for (uint32_t i = 0; i < m->n_lives; i++) {
		const struct life *l = &m->lives[i];

		if (l->participant == participant && join_rank(m, l) == rank && l->opened.place.line > 0 && is_alone(j, i))
			ret->lives[ret->n++] = i;
	}
	sorting = m;
	qsort(ret->lives, ret->n, sizeof(*ret->lives), compare_opens);
}

static int64_t
open_at(const struct lay *y, const struct side *s, size_t i)
{
	return y->j->m->lives[s->lives[i]].opened.at_us;
}

/* --- one shift --- */

/* Ends of one pair that agree, too, are pairs of their own. */
static void
count_pair(const struct lay *y, uint32_t near, uint32_t far, int64_t shift)
{
	struct model *m = y->j->m;
	const struct life *a = &m->lives[near], *b = &m->lives[far];

	m->joining.time_pairs++;
	if (moment_is_known(&a->ended) && moment_is_known(&b->ended) && llabs(a->ended.at_us - b->ended.at_us - shift) <= y->within_us)
		m->joining.time_pairs++;
}

static void
take_stretch(struct lay *y, size_t near, size_t n_near, size_t far, size_t n_far, struct fit *fit, bool is_final)
{
	if (n_near != n_far) {
		fit->left += MIN(n_near, n_far);
		return;
	}
	fit->pairs += n_near;
	for (size_t i = 0; i < n_near && is_final; i++) {
		uint32_t a = y->near.lives[near + i], b = y->far.lives[far + i];

		if (join_lives(y->j, a, b, JOIN_TIME))
			count_pair(y, a, b, fit->shift_us);
	}
}

/* Walks both sides at once; a stretch ends where the next open of either is too far away. */
static struct fit
try_shift(struct lay *y, int64_t shift, size_t most, bool is_final)
{
	struct fit fit = { .shift_us = shift };
	size_t n = MIN(y->near.n, most), m = MIN(y->far.n, most), i = 0, k = 0, i0 = 0, k0 = 0;
	int64_t last = NO_TIME;

	while (i < n || k < m) {
		bool is_near = k >= m || (i < n && open_at(y, &y->near, i) <= open_at(y, &y->far, k) + shift);
		int64_t at = is_near ? open_at(y, &y->near, i) : open_at(y, &y->far, k) + shift;

		if (last != NO_TIME && at - last > y->within_us) {
			take_stretch(y, i0, i - i0, k0, k - k0, &fit, is_final);
			i0 = i;
			k0 = k;
		}
		last = at;
		if (is_near)
			i++;
		else
			k++;
	}
	take_stretch(y, i0, i - i0, k0, k - k0, &fit, is_final);
	return fit;
}

/* --- which shift --- */

static bool
is_known(const struct lay *y)
{
	return y->near.who->basis != CLOCK_UNKNOWN && y->far.who->basis != CLOCK_UNKNOWN;
}

/* Clocks that are simply right; one of them may have no date. */
static int64_t
plain_shift(const struct lay *y)
{
	const struct log *a = &y->j->m->logs[y->near.who->log], *b = &y->j->m->logs[y->far.who->log];
	int64_t apart = open_at(y, &y->near, 0) - open_at(y, &y->far, 0);

	if (a->has_date == b->has_date)
		return 0;
	return (apart + (apart < 0 ? -DAY_US / 2 : DAY_US / 2)) / DAY_US * DAY_US;
}

/* The shift that makes the most pairs, if it stands out. */
static bool
find_shift(struct lay *y, struct fit *ret)
{
	struct fit best = { 0 }, second = { 0 };

	for (size_t i = 0; i < MIN(y->near.n, (size_t)TRIED_MAX); i++) {
		for (size_t k = 0; k < MIN(y->far.n, (size_t)TRIED_MAX); k++) {
			struct fit fit = try_shift(y, open_at(y, &y->near, i) - open_at(y, &y->far, k), TRIED_MAX, false);
			bool is_other = best.pairs > 0 && llabs(fit.shift_us - best.shift_us) > 2 * y->within_us;

			if (fit.pairs > best.pairs) {
				second = is_other ? best : second;
				best = fit;
			} else if (is_other && fit.pairs > second.pairs) {
				second = fit;
			}
		}
	}
	*ret = best;
	return best.pairs >= TRIED_MIN && second.pairs * 3 <= best.pairs * 2;
}

static bool
choose_shift(struct lay *y, int64_t *ret)
{
	struct fit fit;

	*ret = is_known(y) ? 0 : plain_shift(y);
	if (is_known(y))
		return true;
	fit = try_shift(y, *ret, TRIED_MAX, false);
	if (fit.pairs > 0 && fit.pairs * 2 >= MIN(MIN(y->near.n, y->far.n), (size_t)TRIED_MAX))
		return true;
	if (!find_shift(y, &fit))
		return false;
	*ret = fit.shift_us;
	return true;
}

static void
set_clock(struct model *m, uint32_t from, uint32_t to, int64_t shift, int64_t within, size_t pairs)
{
	struct participant *p = &m->participants[from], *q = &m->participants[to];

	if (p->basis == CLOCK_UNKNOWN || q->basis != CLOCK_UNKNOWN)
		return;
	q->basis = CLOCK_ORDER;
	q->shift_us += shift;
	q->uncertainty_us = p->uncertainty_us + within;
	q->pairs = (uint32_t)pairs;
	join_restamp(m);
}

static void
lay_beside(struct lay *y)
{
	struct model *m = y->j->m;
	struct fit fit;
	int64_t shift;

	y->within_us = MAX(MAX(y->near.who->resolution_us, y->far.who->resolution_us), US_PER_S);
	if (is_known(y))
		y->within_us += y->near.who->uncertainty_us + y->far.who->uncertainty_us + LAG_US;
	if (!choose_shift(y, &shift)) {
		m->joining.ambiguous += (uint32_t)MIN(y->near.n, y->far.n);
		return;
	}
	fit = try_shift(y, shift, SIZE_MAX, true);
	m->joining.ambiguous += (uint32_t)fit.left;
	if (fit.pairs == 0)
		return;
	m->joining.time_within_us = y->within_us;
	m->joining.time_shift_us = shift;
	set_clock(m, y->near.participant, y->far.participant, shift, y->within_us, fit.pairs);
	set_clock(m, y->far.participant, y->near.participant, -shift, y->within_us, fit.pairs);
}

static void
try_ranks(struct join *j, uint32_t near, enum hop_rank near_rank, uint32_t far, enum hop_rank far_rank)
{
	struct lay y = { .j = j };

	gather(j, near, near_rank, &y.near);
	if (y.near.n > 0)
		gather(j, far, far_rank, &y.far);
	if (y.far.n > 0)
		lay_beside(&y);
	free(y.near.lives);
	free(y.far.lives);
}

void
join_by_time(struct join *j)
{
	const struct model *m = j->m;
	/* What stands next to each other before what has something between: the nearest pair of logs says most. */
	static const struct {
		enum role near_role, far_role;
		enum hop_rank near, far;
	} rows[] = {
		{ ROLE_CLIENT, ROLE_PROXY, RANK_CLIENT, RANK_PROXY_CLIENT },
		{ ROLE_PROXY, ROLE_SERVER, RANK_PROXY_ORIGIN, RANK_SERVER },
		{ ROLE_CLIENT, ROLE_SERVER, RANK_CLIENT, RANK_SERVER },
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++)
		for (uint32_t i = 0; i < MIN(m->n_participants, (uint32_t)SIDES_MAX); i++)
			for (uint32_t k = 0; k < MIN(m->n_participants, (uint32_t)SIDES_MAX); k++)
				if (i != k && m->participants[i].role == rows[r].near_role && m->participants[k].role == rows[r].far_role)
					try_ranks(j, i, rows[r].near, k, rows[r].far);
}
