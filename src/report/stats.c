/* SPDX-License-Identifier: MIT */
#include "report/stats.h"

#include <stdlib.h>

struct values {
	int64_t *items;
	uint32_t n;
};

static int
compare_values(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
add(struct values *v, int64_t value)
{
	if (value >= 0)
		v->items[v->n++] = value;
}

static struct spread
spread_of(struct values *v)
{
	struct spread s = { .n = v->n, .least = US_UNKNOWN, .median = US_UNKNOWN, .most = US_UNKNOWN };

	if (v->n > 0) {
		qsort(v->items, v->n, sizeof(*v->items), compare_values);
		s.least = v->items[0];
		s.median = (v->items[(v->n - 1) / 2] + v->items[v->n / 2]) / 2;
		s.most = v->items[v->n - 1];
	}
	free(v->items);
	return s;
}

static struct values
values_for(const struct model *m)
{
	return (struct values){ .items = xcalloc(MAX(m->n_lives, UINT32_C(1)), sizeof(int64_t)) };
}

static bool
is_counted(const struct participant *p, const struct life *l)
{
	return !l->is_hidden && (p->role != ROLE_PROXY || l->leg == LEG_ORIGIN);
}

/* Lives are in the order of their opens; so the one before, of the same session, is the last that was lost. */
static void
add_down(const struct model *m, const struct life *l, const struct life *last, struct values *down, struct stats *ret)
{
	if (last == NULL || l->story == NO_INDEX || l->story != last->story || !life_is_loss(last) || l->is_untimed || l->opened.own_us < last->ended.own_us)
		return;
	if (m->participants[l->participant].role != ROLE_CLIENT)
		return;
	add(down, l->opened.own_us - last->ended.own_us);
	ret->down_total = stats_sum(ret->down_total, l->opened.own_us - last->ended.own_us);
}

void
stats_of(const struct model *m, uint32_t participant, struct stats *ret)
{
	const struct participant *p = &m->participants[participant];
	struct values lifetimes = values_for(m), down = values_for(m), silences = values_for(m);
	const struct life *last = NULL;

	*ret = (struct stats){ 0 };
	for (uint32_t i = 0; i < m->n_lives; i++) {
		const struct life *l = &m->lives[i];

		if (l->participant != participant || !is_counted(p, l))
			continue;
		ret->opened++;
		ret->lost += life_is_loss(l);
		add_down(m, l, last, &down, ret);
		if (moment_is_known(&l->ended))
			add(&lifetimes, life_age(l));
		if (life_is_loss(l))
			add(&silences, l->silent_rx);
		last = l;
	}
	for (uint32_t i = 0; i < m->n_failed; i++)
		ret->failed += m->failed[i].participant == participant && !m->failed[i].is_hidden;
	ret->lifetime = spread_of(&lifetimes);
	ret->down = spread_of(&down);
	ret->silence = spread_of(&silences);
	ret->rtt_median = participant_rtt(p, 0.5);
	ret->rtt_90 = participant_rtt(p, 0.9);
	ret->rtt_99 = participant_rtt(p, 0.99);
}
