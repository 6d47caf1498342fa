/* SPDX-License-Identifier: MIT */
#include "connect/summary.h"

void
summary_add_rtt(struct summary *s, int64_t rtt_us)
{
	s->rtt_min_us = s->n_rtts > 0 ? MIN(s->rtt_min_us, rtt_us) : rtt_us;
	s->rtt_max_us = MAX(s->rtt_max_us, rtt_us);
	s->rtts[s->n_rtts++ % SUMMARY_RTTS] = rtt_us;
}

static void
add_traffic(struct traffic *sum, const struct traffic *t)
{
	sum->messages += t->messages;
	sum->bytes += t->bytes;
}

void
summary_add_open(struct summary *s, int64_t now_us)
{
	s->conns++;
	summary_end_down(s, now_us);
	if (s->n_up++ == 0)
		s->up_since_us = now_us;
}

void
summary_add_end(struct summary *s, enum event_type type, const struct ev_ended *e, int64_t now_us)
{
	if (--s->n_up == 0) {
		s->up_us += now_us - s->up_since_us;
		s->down_since_us = now_us;
	}
	if (type == EV_LOST) {
		s->lost++;
		s->causes[e->cause]++;
	}
	add_traffic(&s->sent, &e->sent);
	add_traffic(&s->received, &e->received);
}

void
summary_end_down(struct summary *s, int64_t now_us)
{
	if (s->down_since_us > 0)
		s->down_us += now_us - s->down_since_us;
	s->down_since_us = 0;
}

static int
compare_us(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static size_t
list_causes(const struct summary *s, struct count ret[CAUSE_COUNT])
{
	size_t n = 0;

	for (int c = 0; c < CAUSE_COUNT; c++)
		if (s->causes[c] > 0)
			ret[n++] = (struct count){ cause_name((enum cause)c), s->causes[c] };
	return n;
}

void
summary_emit(struct summary *s, struct journal *j, struct span session, int64_t now_us, int exit_status)
{
	struct event ev = { .type = EV_END, .session = session };
	size_t n = MIN(s->n_rtts, (size_t)SUMMARY_RTTS);
	struct count causes[CAUSE_COUNT];

	qsort(s->rtts, n, sizeof(s->rtts[0]), compare_us);
	ev.u.end = (struct ev_end){
		.exit = exit_status,
		.up = s->up_us,
		.down = s->down_us,
		.total = now_us - s->began_us,
		.dials = s->dials,
		.conns = s->conns,
		.failed = s->failed,
		.lost = s->lost,
		.overlaps = j->overlaps,
		.causes = { causes, list_causes(s, causes) },
		.sent = s->sent,
		.received = s->received,
		.rtt_min = n > 0 ? s->rtt_min_us : US_UNKNOWN,
		.rtt_median = n > 0 ? s->rtts[n / 2] : US_UNKNOWN,
		.rtt_max = n > 0 ? s->rtt_max_us : US_UNKNOWN,
	};
	journal_emit(j, &ev);
}
