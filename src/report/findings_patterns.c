/* SPDX-License-Identifier: MIT */
/* Findings that several connections make together: their ages, their silences, their common end. */
#include "report/findings.h"

#include "base/escape.h"
#include "codec/close_code.h"

#include <inttypes.h>
#include <string.h>

#define S US_PER_S
#define MIN_US (60 * US_PER_S)
#define HOUR_US (60 * MIN_US)

/* Ages and silences that are one number: a timer's tick, a path's delay. */
#define ALIKE_US (2 * S)
/* Shorter ones are no timeout that anybody sets. */
#define TIMEOUT_LEAST_US (3 * S)
#define FLAP_US (5 * S)
#define SUSPEND_BEFORE_US MIN_US
#define SLEPT_LEAST_US S

enum { PATTERN_LEAST = 3 };

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

/* Quiet in both directions for so long; US_UNKNOWN. */
static int64_t
idle_of(const struct life *l)
{
	return l->silent_rx == US_UNKNOWN || l->silent_tx == US_UNKNOWN ? US_UNKNOWN : MIN(l->silent_rx, l->silent_tx);
}

/* Ended by somebody else, and not with a code that says why. */
static bool
is_cut(const struct model *m, const struct life *l)
{
	if (l->is_hidden || !moment_is_known(&l->ended) || !l->is_how_known || l->by != BY_PEER || l->violations > 0)
		return false;
	return life_is_loss(l) || (l->code == CLOSE_GOING_AWAY && life_is_downstream(m, l));
}

/* Of each connection the life nearest to the client that was cut. */
static bool
is_first_cut(const struct model *m, uint32_t life)
{
	const struct circuit *c = &m->circuits[m->lives[life].circuit];

	for (uint32_t i = 0; i < c->n_lives && c->lives[i] != life; i++)
		if (is_cut(m, &m->lives[c->lives[i]]))
			return false;
	return is_cut(m, &m->lives[life]);
}

static struct series
series_of(const struct model *m, int64_t (*value)(const struct life *l))
{
	struct series s = { .items = xcalloc(MAX(m->n_lives, UINT32_C(1)), sizeof(*s.items)) };

	for (uint32_t i = 0; i < m->n_lives; i++)
		if (is_first_cut(m, i) && value(&m->lives[i]) >= TIMEOUT_LEAST_US)
			s.items[s.n++] = (struct dated){ value(&m->lives[i]), i };
	if (s.n > 0)
		qsort(s.items, s.n, sizeof(*s.items), compare_dated);
	return s;
}

/* The longest stretch of values within ALIKE_US, from *ret_first. */
static size_t
largest_cluster(const struct series *s, size_t *ret_first)
{
	size_t best = 0;

	for (size_t i = 0, k = 0; i < s->n; i++) {
		while (k < s->n && s->items[k].value_us - s->items[i].value_us <= ALIKE_US)
			k++;
		if (k - i > best) {
			best = k - i;
			*ret_first = i;
		}
	}
	return best;
}

static void
range(const struct model *m, const struct dated *of, size_t n, int64_t (*value)(const struct life *l), int64_t *ret_least, int64_t *ret_most)
{
	*ret_least = INT64_MAX;
	*ret_most = INT64_MIN;
	for (size_t i = 0; i < n; i++) {
		*ret_least = MIN(*ret_least, value(&m->lives[of[i].life]));
		*ret_most = MAX(*ret_most, value(&m->lives[of[i].life]));
	}
}

static int64_t
median(const struct dated *of, size_t n)
{
	return of[n / 2].value_us;
}

static void
add_cluster(struct look *k, const struct dated *of, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct life *l = &k->m->lives[of[i].life];
		struct sample s = no_sample;

		s.life = of[i].life;
		s.from_us = l->ended.at_us;
		sample_place(&s, &l->ended);
		look_add(k, &s, NULL);
	}
}

/* Another connection that was quiet for longer, or lived longer, and was not cut then: no such limit. */
static bool
is_contradicted(const struct model *m, int64_t limit_us, int64_t (*value)(const struct life *l))
{
	for (uint32_t i = 0; i < m->n_lives; i++) {
		const struct life *l = &m->lives[i];

		if (!l->is_hidden && life_is_downstream(m, l) && moment_is_known(&l->ended) && value(l) > limit_us + ALIKE_US + limit_us / 20)
			return true;
	}
	return false;
}

/* --- idle timeout, lifetime cap --- */

void
look_idle_timeout(struct look *k)
{
	const struct model *m = k->m;
	struct series s = series_of(m, idle_of);
	size_t first = 0, n = largest_cluster(&s, &first);
	int64_t least, most;

	range(m, s.items + first, n, life_age, &least, &most);
	/* Of equal ages, too, the silence may be the whole life: then nobody can tell which it was. */
	if (n >= PATTERN_LEAST && most - least > ALIKE_US && !is_contradicted(m, median(s.items + first, n), idle_of)) {
		int64_t limit = median(s.items + first, n);

		add_cluster(k, s.items + first, n);
		buf_printf(&k->text, "%zu connections ended after ", n);
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
	look_done(k, n >= 2 * (size_t)PATTERN_LEAST ? CONFIDENCE_CERTAIN : CONFIDENCE_LIKELY);
	free(s.items);
}

void
look_lifetime_cap(struct look *k)
{
	const struct model *m = k->m;
	struct series s = series_of(m, life_age);
	size_t first = 0, n = largest_cluster(&s, &first), flowing = 0;
	int64_t limit = n > 0 ? median(s.items + first, n) : 0;

	for (size_t i = 0; i < n; i++) {
		int64_t idle = idle_of(&m->lives[s.items[first + i].life]);

		flowing += idle != US_UNKNOWN && idle < limit / 2;
	}
	if (flowing >= PATTERN_LEAST && !is_contradicted(m, limit, life_age)) {
		add_cluster(k, s.items + first, n);
		buf_printf(&k->text, "%zu connections ended at the age of ", n);
		say_duration(&k->text, limit);
		buf_puts(&k->text, ", while traffic flowed");
		say_ending_of_first(k);
		buf_puts(&k->text, ": a limit on how long a connection may live.");
		say_hops(&k->text, limit, true);
		buf_puts(&k->advice, "pings will not help; raise the limit at the hop, or reconnect before it, when nothing is under way.");
	}
	look_done(k, n >= 2 * (size_t)PATTERN_LEAST ? CONFIDENCE_CERTAIN : CONFIDENCE_LIKELY);
	free(s.items);
}

/* --- restart --- */

/* Towards the server only: to a server, 1001 is a browser that goes to another page. */
static bool
is_restart_code(const struct model *m, const struct life *l)
{
	return life_is_downstream(m, l) && l->by == BY_PEER && (l->code == CLOSE_GOING_AWAY || l->code == CLOSE_SERVICE_RESTART);
}

/* The server's own log has it that it said so, and nobody came back: it was stopped, on purpose. */
static bool
is_end_of_run(const struct model *m, const struct life *l, int64_t last_open_us)
{
	uint32_t server = circuit_life(m, &m->circuits[l->circuit], ROLE_SERVER, LEG_NONE, NO_INDEX);

	return server != NO_INDEX && m->lives[server].by == BY_LOCAL && m->lives[server].close_sent == l->code && l->ended.at_us > last_open_us;
}

/* By the life that is nearest to the client. */
static bool
is_told_restart(const struct model *m, uint32_t life)
{
	const struct life *l = &m->lives[life];

	return !l->is_hidden && moment_is_known(&l->ended) && m->circuits[l->circuit].lives[0] == life && is_restart_code(m, l);
}

static int64_t
ended_at(const struct life *l)
{
	return l->ended.at_us;
}

/* n lives that ended within ALIKE_US of each other: whether one cause is behind it. */
static bool
is_restart(const struct model *m, const struct dated *of, size_t n)
{
	int64_t least, most;
	size_t told = 0;

	for (size_t i = 0; i < n; i++)
		told += is_restart_code(m, &m->lives[of[i].life]);
	if (told > 0)
		return true;
	range(m, of, n, life_age, &least, &most);
	/* Two of the same age may have hit a limit of their own. */
	return n >= 2 && most - least > ALIKE_US;
}

static void
say_restart(struct look *k)
{
	const struct model *m = k->m;
	const struct life *l = &m->lives[k->samples[0].life];

	say_count(&k->text, k->n_samples, "connection");
	buf_puts(&k->text, k->n_samples == 1 ? " was ended" : " were ended together");
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

void
look_restart(struct look *k)
{
	const struct model *m = k->m;
	struct series s = { .items = xcalloc(MAX(m->n_lives, UINT32_C(1)), sizeof(*s.items)) };
	int64_t last_open_us = INT64_MIN;

	for (uint32_t i = 0; i < m->n_lives; i++)
		last_open_us = MAX(last_open_us, m->lives[i].opened.at_us);
	for (uint32_t i = 0; i < m->n_lives; i++)
		if ((is_first_cut(m, i) || is_told_restart(m, i)) && !is_end_of_run(m, &m->lives[i], last_open_us))
			s.items[s.n++] = (struct dated){ ended_at(&m->lives[i]), i };
	if (s.n > 0)
		qsort(s.items, s.n, sizeof(*s.items), compare_dated);
	for (size_t i = 0, next; i < s.n; i = next) {
		for (next = i + 1; next < s.n && s.items[next].value_us - s.items[i].value_us <= ALIKE_US; next++)
			;
		if (is_restart(m, s.items + i, next - i))
			add_cluster(k, s.items + i, next - i);
	}
	if (k->n_samples > 0)
		say_restart(k);
	look_done(k, k->n_samples >= PATTERN_LEAST ? CONFIDENCE_CERTAIN : CONFIDENCE_POSSIBLE);
	free(s.items);
}

/* --- flapping --- */

static bool
is_flap(const struct model *m, const struct life *l)
{
	bool is_good = l->is_clean && (l->code == CLOSE_NORMAL || l->code == CLOSE_NO_STATUS || l->code == CLOSE_GOING_AWAY);

	return !l->is_hidden && life_is_downstream(m, l) && moment_is_known(&l->ended) && l->by == BY_PEER && !is_good && life_age(l) < FLAP_US
	    && life_age(l) != US_UNKNOWN && (life_is_loss(l) || l->code != 0);
}

/* Where flaps are looked for: what dials. */
static bool
can_flap(const struct model *m, const struct life *l)
{
	enum role role = m->participants[l->participant].role;

	return role == ROLE_CLIENT || (role == ROLE_PROXY && l->leg == LEG_ORIGIN);
}

/* Participant by participant, session by session, in the order of their opens. */
static int
by_story(const void *a, const void *b, void *arg)
{
	const struct model *m = arg;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	const struct life *p = &m->lives[i], *q = &m->lives[j];

	if (p->participant != q->participant)
		return p->participant < q->participant ? -1 : 1;
	if (p->story != q->story)
		return p->story < q->story ? -1 : 1;
	return (i > j) - (i < j);
}

static void
add_flaps(struct look *k, const uint32_t *row, uint32_t n)
{
	for (uint32_t i = 0; i < n && n >= PATTERN_LEAST; i++) {
		const struct life *l = &k->m->lives[row[i]];
		struct sample s = no_sample;

		s.life = row[i];
		s.from_us = l->opened.at_us;
		s.to_us = l->ended.at_us;
		sample_place(&s, &l->ended);
		look_add(k, &s, NULL);
	}
}

void
look_flapping(struct look *k)
{
	const struct model *m = k->m;
	uint32_t *order = xcalloc(MAX(m->n_lives, UINT32_C(1)), sizeof(*order)), n = 0, begin = 0;

	for (uint32_t i = 0; i < m->n_lives; i++)
		if (can_flap(m, &m->lives[i]))
			order[n++] = i;
	qsort_r(order, n, sizeof(*order), by_story, (void *)m);
	for (uint32_t i = 0; i <= n; i++) {
		const struct life *l = i < n ? &m->lives[order[i]] : NULL, *first = i > begin ? &m->lives[order[begin]] : NULL;
		bool goes_on = l != NULL && is_flap(m, l) && (first == NULL || (l->participant == first->participant && l->story == first->story));

		if (goes_on)
			continue;
		add_flaps(k, order + begin, i - begin);
		begin = l != NULL && is_flap(m, l) ? i : i + 1;
	}
	free(order);
	if (k->n_samples > 0) {
		const struct life *l = &m->lives[k->samples[0].life];
		bool is_told = l->code == CLOSE_POLICY || l->code == CLOSE_INTERNAL_ERROR || l->code >= 4000;

		buf_printf(&k->text, "%" PRIu32 " connections in a row lived for less than 5s; the first: ", k->n_samples);
		life_ending(&k->text, l);
		buf_puts(&k->text, ".");
		buf_puts(&k->advice, is_told ? "the application rejects the client after the upgrade: see what its code means; do not redial without a delay that grows."
		                             : "the application may reject the client after the upgrade, or a route has a timeout of seconds.");
	}
	look_done(k, CONFIDENCE_CERTAIN);
}

/* --- suspend --- */

void
look_suspend(struct look *k)
{
	const struct model *m = k->m;

	for (uint32_t i = 0; i < m->n_pauses; i++) {
		const struct pause *p = &m->pauses[i];

		if (p->slept < SLEPT_LEAST_US)
			continue;
		for (uint32_t n = 0; n < m->n_lives; n++) {
			const struct life *l = &m->lives[n];
			struct sample s = no_sample;

			if (l->participant != p->participant || l->is_hidden || !life_is_loss(l) || l->ended.own_us < p->at.own_us - S
			    || l->ended.own_us > p->at.own_us + SUSPEND_BEFORE_US || l->opened.own_us > p->at.own_us)
				continue;
			s.life = n;
			s.from_us = p->at.at_us;
			s.to_us = l->ended.at_us;
			sample_place(&s, &p->at);
			sample_place(&s, &l->ended);
			look_add(k, &s, NULL);
			if (k->text.len == 0) {
				buf_printf(&k->text, "The %s's machine slept for ", m->participants[p->participant].name);
				say_duration(&k->text, p->slept);
				buf_puts(&k->text, "; then ");
				say_life(&k->text, m, n);
				buf_puts(&k->text, " was lost");
				say_ending_of_first(k);
				buf_puts(&k->text, ".");
			}
		}
	}
	if (k->n_samples > 0)
		buf_puts(&k->advice, "no fault of the path: redial when the machine wakes, or keep it awake.");
	look_done(k, CONFIDENCE_CERTAIN);
}
