/* SPDX-License-Identifier: MIT */
/* Findings that several connections make together: their ages, their silences, their common end. */
#include "report/findings.h"

#include "base/escape.h"
#include "codec/close_code.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define S US_PER_S
#define MIN_US (60 * US_PER_S)
#define HOUR_US (60 * MIN_US)

/* Ages and silences that are one number: a timer's tick, a path's delay. */
#define ALIKE_US (2 * S)
/* Shorter ones are no timeout that anybody sets. */
#define TIMEOUT_LEAST_US (3 * S)

/* A pattern is so many times as large as what chance has next to it, in so many observations. */
enum { PATTERN_LEAST = 3, STANDS_OUT = 3 };
/* One log in so many would show it although there is none. */
#define ODDS_LIKELY 1e-4
#define ODDS_CERTAIN 1e-7

/* What hops are documented to do. A number alone proves nothing: several may match. */
static const struct {
	const char *hop;
	int64_t limit_us;
	bool is_life;
} limits[] = {
	{ "AWS ALB", 60 * S, false },
	{ "nginx (proxy_read_timeout)", 60 * S, false },
	{ "Varnish (pipe)", 60 * S, false },
	{ "Heroku", 55 * S, false },
	{ "Cloudflare", 100 * S, false },
	{ "Cloudflare", 120 * S, false },
	{ "Cloudflare gateway", 270 * S, false },
	{ "AWS NLB", 350 * S, false },
	{ "CloudFront (no data from the origin)", 10 * MIN_US, false },
	{ "AWS API Gateway", 10 * MIN_US, false },
	{ "Azure Front Door", 5 * MIN_US, false },
	{ "Envoy, Istio (stream idle)", 5 * MIN_US, false },
	{ "Azure Load Balancer", 4 * MIN_US, false },
	{ "Squid", 15 * MIN_US, false },
	{ "Google load balancer", 30 * S, true },
	{ "Envoy, Istio (route timeout)", 15 * S, true },
	{ "AWS API Gateway", 2 * HOUR_US, true },
	{ "Azure Front Door", 4 * HOUR_US, true },
	{ "Squid", 24 * HOUR_US, true },
};

static void
say_hops(struct buf *out, int64_t us, bool is_life)
{
	int64_t slack = MAX(S + S / 2, us / 100);
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		if (limits[i].is_life == is_life && llabs(limits[i].limit_us - us) <= slack)
			buf_printf(out, "%s%s", n++ > 0 ? ", " : " Documented for: ", limits[i].hop);
	if (n > 0)
		buf_puts(out, ".");
}

/* --- clusters of one number --- */

struct dated {
	int64_t value_us;
	uint32_t life;
};

struct series {
	struct dated *items;
	size_t n;
};

static int
compare_dated(const void *a, const void *b)
{
	const struct dated *x = a, *y = b;

	if (x->value_us != y->value_us)
		return (x->value_us > y->value_us) - (x->value_us < y->value_us);
	return (x->life > y->life) - (x->life < y->life);
}

static void
sort(struct series *s)
{
	if (s->n > 0)
		qsort(s->items, s->n, sizeof(*s->items), compare_dated);
}

typedef int64_t value_fn(const struct model *m, const struct life *l);

/* Quiet in both directions for so long; US_UNKNOWN. */
static int64_t
idle_of(const struct model *m, const struct life *l)
{
	(void)m;
	return l->silent_rx == US_UNKNOWN || l->silent_tx == US_UNKNOWN ? US_UNKNOWN : MIN(l->silent_rx, l->silent_tx);
}

/* Of one that is still open, up to the end of its log. */
static int64_t
age_of(const struct model *m, const struct life *l)
{
	if (moment_is_known(&l->ended) || !moment_is_known(&l->opened) || l->is_untimed || l->is_end_implied)
		return life_age(l);
	return m->participants[l->participant].last_us - l->opened.own_us;
}

/* Ended by somebody else, and not with a code that says why. */
static bool
is_cut(const struct model *m, const struct life *l)
{
	if (l->is_hidden || !moment_is_known(&l->ended) || !l->is_how_known || l->by != BY_PEER || l->violations > 0)
		return false;
	return life_is_loss(l) || (l->code == CLOSE_GOING_AWAY && life_is_downstream(m, l));
}

/* Of a connection the life nearest to the client that was cut, and not on purpose; NO_INDEX. */
static uint32_t
first_cut(const struct model *m, const struct circuit *c)
{
	uint32_t purpose = circuit_purpose(m, c);

	for (uint32_t i = 0; i < c->n_lives; i++)
		if (is_cut(m, &m->lives[c->lives[i]]) && !life_is_due_to(m, &m->lives[c->lives[i]], purpose))
			return c->lives[i];
	return NO_INDEX;
}

static struct series
series_of(const struct model *m, value_fn *value)
{
	struct series s = { .items = xcalloc(MAX(m->n_circuits, UINT32_C(1)), sizeof(*s.items)) };

	for (uint32_t i = 0; i < m->n_circuits; i++) {
		uint32_t life = first_cut(m, &m->circuits[i]);

		if (life != NO_INDEX && value(m, &m->lives[life]) >= 0)
			s.items[s.n++] = (struct dated){ value(m, &m->lives[life]), life };
	}
	sort(&s);
	return s;
}

/* The longest stretch of values within ALIKE_US, and where it begins. */
static struct series
largest_cluster(const struct dated *items, size_t n)
{
	struct series best = { 0 };

	for (size_t i = 0, k = 0; i < n; i++) {
		while (k < n && items[k].value_us - items[i].value_us <= ALIKE_US)
			k++;
		if (k - i > best.n)
			best = (struct series){ (struct dated *)items + i, k - i };
	}
	return best;
}

static int64_t
spread(const struct series *c)
{
	return c->items[c->n - 1].value_us - c->items[0].value_us;
}

static int64_t
median(const struct series *c)
{
	return c->n > 0 ? c->items[c->n / 2].value_us : 0;
}

static void
range_of_ages(const struct model *m, const struct series *c, int64_t *ret_least, int64_t *ret_most)
{
	*ret_least = INT64_MAX;
	*ret_most = INT64_MIN;
	for (size_t i = 0; i < c->n; i++) {
		*ret_least = MIN(*ret_least, life_age(&m->lives[c->items[i].life]));
		*ret_most = MAX(*ret_most, life_age(&m->lives[c->items[i].life]));
	}
}

/* At how many moments they ended: what one crash ended, after one broadcast, is one observation. */
static size_t
count_moments(const struct model *m, const struct series *c)
{
	struct series ends = { .items = xcalloc(MAX(c->n, (size_t)1), sizeof(*ends.items)) };
	int64_t last = INT64_MIN;
	size_t moments = 0;

	for (size_t i = 0; i < c->n; i++)
		ends.items[ends.n++] = (struct dated){ m->lives[c->items[i].life].ended.at_us, c->items[i].life };
	sort(&ends);
	for (size_t i = 0; i < ends.n; i++) {
		if (moments > 0 && ends.items[i].value_us - last <= ALIKE_US)
			continue;
		last = ends.items[i].value_us;
		moments++;
	}
	free(ends.items);
	return moments;
}

/* How many sets of n so close together are to be expected (at most) of total values that are spread over span by chance: its logarithm. */
static double
chance(size_t n, size_t total, int64_t spread_us, int64_t span_us)
{
	double ratio = (double)MAX(spread_us, INT64_C(1000)) / (double)MAX(span_us, INT64_C(1000)), sum = log((double)n) - log(ratio);

	for (size_t i = 1; i <= n; i++)
		sum += log((double)(total - n + i) / (double)i * ratio);
	return sum;
}

static void
add_cluster(struct look *k, const struct series *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct life *l = &k->m->lives[c->items[i].life];
		struct sample s = no_sample;

		s.life = c->items[i].life;
		s.from_us = l->ended.at_us;
		sample_place(&s, &l->ended);
		look_add(k, &s, NULL);
	}
}

/* --- one limit for all --- */

/* Who sees a connection: a role, and of a proxy a leg. What one of them saw says nothing of another's. */
enum { VIEWS = 6 };

static unsigned
view_of(const struct model *m, const struct life *l)
{
	return 2 * (unsigned)m->participants[l->participant].role + life_is_downstream(m, l);
}

/* Those that another one of their view outlived, or was quiet for longer than, hit no limit. Of one cluster, all that are left have much the same value. */
static struct series
unrefuted(const struct model *m, const struct series *s, value_fn *value)
{
	struct series left = { .items = xcalloc(MAX(s->n, (size_t)1), sizeof(*left.items)) };
	int64_t most[VIEWS] = { 0 };

	for (uint32_t i = 0; i < m->n_lives; i++)
		if (!m->lives[i].is_hidden)
			most[view_of(m, &m->lives[i])] = MAX(most[view_of(m, &m->lives[i])], value(m, &m->lives[i]));
	for (size_t i = 0; i < s->n; i++) {
		int64_t v = s->items[i].value_us;

		if (v >= TIMEOUT_LEAST_US && v + ALIKE_US + v / 20 >= most[view_of(m, &m->lives[s->items[i].life])])
			left.items[left.n++] = s->items[i];
	}
	return left;
}

/* Those of s in [from, to). */
static struct series
between(const struct series *s, int64_t from_us, int64_t to_us)
{
	size_t begin = 0, end;

	while (begin < s->n && s->items[begin].value_us < from_us)
		begin++;
	for (end = begin; end < s->n && s->items[end].value_us < to_us; end++)
		;
	return (struct series){ s->items + begin, end - begin };
}

/*
 * How much of a chance a cluster would be: not much, if it is several times the next one among all that were cut at half its value or later, and closer together
 * than so many would be that are spread over all that time.
 */
static enum confidence
weigh(const struct model *m, const struct series *all, const struct series *c)
{
	int64_t half = median(c) / 2;
	size_t moments = count_moments(m, c);

	if (moments < PATTERN_LEAST)
		return CONFIDENCE_INSUFFICIENT;
	struct series near = between(all, half, INT64_MAX), below = between(all, half, c->items[0].value_us),
		      above = between(all, c->items[c->n - 1].value_us + 1, INT64_MAX);
	size_t next = MAX(largest_cluster(below.items, below.n).n, largest_cluster(above.items, above.n).n);
	double odds = chance(moments, near.n - (c->n - moments), spread(c), half);

	if (c->n < STANDS_OUT * next || odds > log(ODDS_LIKELY))
		return CONFIDENCE_INSUFFICIENT;
	return moments >= 2 * (size_t)PATTERN_LEAST && odds < log(ODDS_CERTAIN) ? CONFIDENCE_CERTAIN : CONFIDENCE_LIKELY;
}

void
look_idle_timeout(struct look *k)
{
	const struct model *m = k->m;
	struct series s = series_of(m, idle_of), left = unrefuted(m, &s, idle_of), c = largest_cluster(left.items, left.n);
	enum confidence confidence = weigh(m, &s, &c);
	int64_t least, most, limit = median(&c);

	range_of_ages(m, &c, &least, &most);
	/* Of equal ages, too, the silence may be the whole life: then nobody can tell which it was. */
	if (confidence > CONFIDENCE_INSUFFICIENT && most - least > ALIKE_US) {
		add_cluster(k, &c);
		buf_printf(&k->text, "%zu connections ended after ", c.n);
		say_duration(&k->text, limit);
		buf_puts(&k->text, " without a message or ping, at ages from ");
		say_duration(&k->text, least);
		buf_puts(&k->text, " to ");
		say_duration(&k->text, most);
		say_ending_of_first(k);
		buf_puts(&k->text, ": an intermediary's idle timeout.");
		say_hops(&k->text, limit, false);
		buf_printf(&k->advice, "send something more often: --ping-interval %" PRId64 ", or raise the timeout at the hop.", MAX(limit / 2 / S, INT64_C(1)));
	}
	look_done(k, confidence);
	free(s.items);
	free(left.items);
}

void
look_lifetime_cap(struct look *k)
{
	const struct model *m = k->m;
	struct series s = series_of(m, age_of), left = unrefuted(m, &s, age_of), c = largest_cluster(left.items, left.n);
	enum confidence confidence = weigh(m, &s, &c);
	int64_t limit = median(&c);
	size_t flowing = 0;

	for (size_t i = 0; i < c.n; i++) {
		int64_t idle = idle_of(m, &m->lives[c.items[i].life]);

		flowing += idle != US_UNKNOWN && idle < limit / 2;
	}
	if (confidence > CONFIDENCE_INSUFFICIENT && flowing >= PATTERN_LEAST) {
		add_cluster(k, &c);
		buf_printf(&k->text, "%zu connections ended at the age of ", c.n);
		say_duration(&k->text, limit);
		buf_puts(&k->text, ", while traffic flowed");
		say_ending_of_first(k);
		buf_puts(&k->text, ": a limit on how long a connection may live.");
		say_hops(&k->text, limit, true);
		buf_puts(&k->advice, "pings will not help; raise the limit at the hop, or reconnect before it, when nothing is under way.");
	}
	look_done(k, confidence);
	free(s.items);
	free(left.items);
}

/* --- restart --- */

/* Towards the server only: to a server, 1001 is a browser that goes to another page. */
static bool
is_restart_code(const struct model *m, const struct life *l)
{
	return life_is_downstream(m, l) && l->by == BY_PEER && (l->code == CLOSE_GOING_AWAY || l->code == CLOSE_SERVICE_RESTART);
}

/* The server's own log, or a proxy's, has it that it said so, and nobody came back: it was stopped, on purpose. */
static bool
is_end_of_run(const struct model *m, const struct life *l, int64_t last_open_us)
{
	uint32_t server = circuit_life(m, &m->circuits[l->circuit], ROLE_SERVER, LEG_NONE, NO_INDEX);

	if (l->code == CLOSE_GOING_AWAY && circuit_is_of_stopped_proxy(m, &m->circuits[l->circuit]))
		return true;
	return server != NO_INDEX && m->lives[server].by == BY_LOCAL && m->lives[server].close_sent == l->code && l->ended.at_us > last_open_us;
}

/* By the life that is nearest to the client. */
static bool
is_told_restart(const struct model *m, uint32_t life)
{
	const struct life *l = &m->lives[life];

	return !l->is_hidden && moment_is_known(&l->ended) && m->circuits[l->circuit].lives[0] == life && is_restart_code(m, l);
}

/* By one participant; clients, of which each may have but one, count together. */
static bool
is_beside(const struct model *m, const struct life *a, const struct life *b)
{
	return a->leg == b->leg && m->participants[a->participant].role == m->participants[b->participant].role
	    && (a->participant == b->participant || m->participants[a->participant].role == ROLE_CLIENT);
}

/* They are most of what was open then, beside the first of them. */
static bool
is_most_of_open(const struct model *m, const struct series *c)
{
	const struct life *first = &m->lives[c->items[0].life];
	size_t open = 0, ended = 0;

	for (uint32_t i = 0; i < m->n_lives; i++) {
		const struct life *l = &m->lives[i];
		bool is_over = l->is_end_implied || (moment_is_known(&l->ended) && l->ended.at_us < first->ended.at_us);

		open += !l->is_hidden && !is_over && l->opened.at_us < first->ended.at_us && is_beside(m, l, first);
	}
	for (size_t i = 0; i < c->n; i++)
		ended += is_beside(m, &m->lives[c->items[i].life], first);
	return 2 * ended > open;
}

/* Of all, over all the time of the logs, so many ended within ALIKE_US of each other: whether one cause is behind it. */
static bool
is_no_chance(const struct model *m, const struct series *all, const struct series *c)
{
	return c->n >= 2 && chance(c->n, all->n, spread(c), m->to_us - m->from_us) <= log(ODDS_LIKELY);
}

/* Two of the same age may have hit a limit of their own. */
static bool
is_restart(const struct model *m, const struct series *all, const struct series *c)
{
	int64_t least, most;

	range_of_ages(m, c, &least, &most);
	return most - least > ALIKE_US && is_no_chance(m, all, c) && is_most_of_open(m, c);
}

static void
say_restart(struct look *k, size_t largest)
{
	const struct model *m = k->m;
	const struct life *l = &m->lives[k->samples[0].life];

	say_count(&k->text, k->n_samples, "connection");
	buf_puts(&k->text, k->n_samples == 1 ? " was ended" : " were ended");
	if (largest > 1)
		buf_puts(&k->text, " together");
	if (largest > 1 && largest < k->n_samples)
		buf_printf(&k->text, " (at most %zu at once)", largest);
	if (is_restart_code(m, l)) {
		buf_puts(&k->text, " with ");
		if (l->cause == CAUSE_WS_CLOSE)
			life_ending(&k->text, l);
		else
			buf_printf(&k->text, "%d %s", l->code, close_code_name(l->code));
	}
	buf_puts(&k->text, ": the server or a hop was restarted, drained or reloaded.");
	buf_puts(&k->advice, "compare with deploys at this time; reconnect after a random delay (RFC 6455 7.2.3), so that not all come back at once.");
}

/* Of those that ended within ALIKE_US: all, or those that were told so. How many of them are known to have ended together. */
static size_t
add_restart(struct look *k, const struct series *all, const struct series *c)
{
	bool is_one = is_restart(k->m, all, c);
	size_t told = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct series one = { c->items + i, 1 };
		bool is_told = is_restart_code(k->m, &k->m->lives[c->items[i].life]);

		told += is_told;
		if (is_one || is_told)
			add_cluster(k, &one);
	}
	return is_one ? c->n : is_no_chance(k->m, all, c) ? told : 0;
}

/* What was cut, and what was told 1001 or 1012, nearest to the client. */
static struct series
ends_of(const struct model *m)
{
	struct series s = { .items = xcalloc((size_t)m->n_circuits * 2 + 1, sizeof(*s.items)) };
	int64_t last_open_us = INT64_MIN;

	for (uint32_t i = 0; i < m->n_lives; i++)
		last_open_us = MAX(last_open_us, m->lives[i].opened.at_us);
	for (uint32_t i = 0; i < m->n_circuits; i++) {
		uint32_t cut = first_cut(m, &m->circuits[i]), told = m->circuits[i].lives[0];

		if (cut != NO_INDEX && !is_end_of_run(m, &m->lives[cut], last_open_us))
			s.items[s.n++] = (struct dated){ m->lives[cut].ended.at_us, cut };
		if (told != cut && is_told_restart(m, told) && !is_end_of_run(m, &m->lives[told], last_open_us))
			s.items[s.n++] = (struct dated){ m->lives[told].ended.at_us, told };
	}
	sort(&s);
	return s;
}

void
look_restart(struct look *k)
{
	struct series s = ends_of(k->m);
	size_t largest = 0;

	for (size_t i = 0, next; i < s.n; i = next) {
		for (next = i + 1; next < s.n && s.items[next].value_us - s.items[i].value_us <= ALIKE_US; next++)
			;
		struct series c = { s.items + i, next - i };
		size_t together = add_restart(k, &s, &c);
		largest = MAX(largest, together);
	}
	if (k->n_samples > 0)
		say_restart(k, MIN(largest, (size_t)k->n_samples));
	look_done(k, largest >= PATTERN_LEAST ? CONFIDENCE_CERTAIN : CONFIDENCE_POSSIBLE);
	free(s.items);
}
