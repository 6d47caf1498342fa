/* SPDX-License-Identifier: MIT */
#include "net/race.h"

#include "net/dial.h"
#include "net/tcp.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum runner_state { RUNNING, FAILED, WON, LEFT };

struct runner {
	struct race *race;
	struct transport *t;
	enum runner_state state;
	int family;
	char address[64];
	int64_t started_us, took_us;
	enum cause cause;
	int error;
};

struct lane {
	struct sockaddr_storage addresses[DIAL_ATTEMPTS_MAX];
	size_t n, next;
};

struct race {
	struct loop *l;
	const struct race_events *up;
	void *arg;
	bool is_started, is_closing;
	bool is_overdue;        /* the stagger passed and no address was there to try */
	struct lane lanes[2];   /* IPv6, IPv4 */
	unsigned lane;          /* whose turn it is */
	struct runner runners[DIAL_ATTEMPTS_MAX];
	size_t n_runners, n_running;
	size_t winner;          /* when there is one, its index + 1 */
	uv_timer_t stagger;
	unsigned open;          /* transports and handles */
	struct attempt attempts[DIAL_ATTEMPTS_MAX];
};

static void
unref(struct race *r)
{
	if (--r->open == 0)
		free(r);
}

static void
on_stagger_closed(uv_handle_t *handle)
{
	unref(handle->data);
}

static bool start_next(struct race *r);

static void
on_failed(void *arg, const struct failure *f)
{
	struct runner *run = arg;
	struct race *r = run->race;

	run->state = FAILED;
	run->took_us = clock_mono(r->l->clock) - run->started_us;
	run->cause = f->cause;
	run->error = f->code;
	r->n_running--;
	transport_close(run->t, TRANSPORT_GRACEFUL);
	if (!start_next(r) && r->n_running == 0)
		r->up->idle(r->arg);
}

static void
leave(struct runner *run)
{
	if (run->state != RUNNING)
		return;
	run->state = LEFT;
	run->race->n_running--;
	transport_close(run->t, TRANSPORT_GRACEFUL);
}

static void
on_opened(void *arg)
{
	struct runner *run = arg;
	struct race *r = run->race;

	run->state = WON;
	run->took_us = clock_mono(r->l->clock) - run->started_us;
	r->winner = (size_t)(run - r->runners) + 1;
	r->n_running--;
	r->open--; /* its closed goes to the new owner */
	uv_timer_stop(&r->stagger);
	for (size_t i = 0; i < r->n_runners; i++)
		leave(&r->runners[i]);
	r->up->won(r->arg, run->t, run->family, run->took_us);
}

static void
on_ready(void *arg, unsigned bits)
{
	(void)arg;
	(void)bits;
	assert(false); /* nothing is wanted of it */
}

static void
on_closed(void *arg)
{
	struct runner *run = arg;

	unref(run->race);
}

static const struct transport_events runner_events = { on_opened, on_failed, on_ready, on_closed };

static const struct sockaddr_storage *
next_address(struct race *r)
{
	if (r->n_runners == DIAL_ATTEMPTS_MAX)
		return NULL;
	for (int i = 0; i < 2; i++) {
		struct lane *lane = &r->lanes[r->lane];

		r->lane = 1 - r->lane;
		if (lane->next < lane->n)
			return &lane->addresses[lane->next++];
	}
	return NULL;
}

static void
on_stagger(uv_timer_t *timer)
{
	struct race *r = timer->data;

	r->is_overdue = !start_next(r);
}

static bool
start_next(struct race *r)
{
	const struct sockaddr_storage *address = next_address(r);

	if (address == NULL)
		return false;
	struct runner *run = &r->runners[r->n_runners++];
	*run = (struct runner){ .race = r, .family = address->ss_family, .started_us = clock_mono(r->l->clock) };
	tcp_format_address((const struct sockaddr *)address, run->address);
	run->t = tcp_connect(r->l, (const struct sockaddr *)address, &runner_events, run);
	r->n_running++;
	r->open++;
	r->is_overdue = false;
	uv_timer_start(&r->stagger, on_stagger, DIAL_STAGGER_MS, 0);
	return true;
}

struct race *
race_new(struct loop *l, const struct race_events *up, void *arg)
{
	struct race *r = xcalloc(1, sizeof(*r));

	r->l = l;
	r->up = up;
	r->arg = arg;
	uv_timer_init(&l->uv, &r->stagger);
	r->stagger.data = r;
	r->open = 1;
	return r;
}

void
race_add(struct race *r, const struct sockaddr_storage *addresses, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct lane *lane = &r->lanes[addresses[i].ss_family == AF_INET6 ? 0 : 1];

		if (lane->n < DIAL_ATTEMPTS_MAX)
			lane->addresses[lane->n++] = addresses[i];
	}
	if (r->is_started && r->winner == 0 && (r->n_running == 0 || r->is_overdue))
		start_next(r);
}

void
race_start(struct race *r)
{
	assert(!r->is_started);
	r->is_started = true;
	start_next(r);
}

void
race_close(struct race *r)
{
	assert(!r->is_closing);
	r->is_closing = true;
	for (size_t i = 0; i < r->n_runners; i++)
		leave(&r->runners[i]);
	uv_close((uv_handle_t *)&r->stagger, on_stagger_closed);
}

bool
race_is_idle(const struct race *r)
{
	return r->n_running == 0;
}

const char *
race_target(const struct race *r)
{
	if (r->winner > 0)
		return r->runners[r->winner - 1].address;
	return r->n_runners > 0 ? r->runners[r->n_runners - 1].address : NULL;
}

void
race_disqualify(struct race *r, enum cause cause)
{
	struct runner *run = &r->runners[r->winner - 1];

	run->state = FAILED;
	run->took_us = clock_mono(r->l->clock) - run->started_us;
	run->cause = cause;
}

struct attempt_list
race_attempts(struct race *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_runners; i++) {
		const struct runner *run = &r->runners[i];

		if (run->state == FAILED)
			r->attempts[n++] = (struct attempt){ span_of(run->address), run->cause, run->took_us };
	}
	return (struct attempt_list){ r->attempts, n };
}

/* A host that answered tells more than one that did not, and that more than a route this machine lacks (IPv6, often). */
static int
weight(enum cause cause)
{
	switch (cause) {
	case CAUSE_TCP_REFUSED:
	case CAUSE_TCP_RESET: return 4;
	case CAUSE_TCP_TIMED_OUT: return 3;
	case CAUSE_TCP_FAILED: return 2;
	default: return 1;
	}
}

bool
race_failure(const struct race *r, struct failure *ret)
{
	const struct runner *told = NULL;
	size_t same = 0, failed = 0;
	char who[128];

	for (size_t i = 0; i < r->n_runners; i++) {
		const struct runner *run = &r->runners[i];

		if (run->state != FAILED)
			continue;
		failed++;
		if (told == NULL || weight(run->cause) >= weight(told->cause)) {
			same = told != NULL && told->cause == run->cause ? same + 1 : 1;
			told = run;
		}
	}
	if (told == NULL)
		return false;
	if (same > 1)
		snprintf(who, sizeof(who), "%zu addresses (last %s)", same, told->address);
	else
		snprintf(who, sizeof(who), "%s", told->address);
	tcp_describe_failure(ret, told->error, who);
	size_t len = strlen(ret->text), others = failed - same;
	if (others > 0)
		snprintf(ret->text + len, sizeof(ret->text) - len, "; %zu other%s failed too", others, others > 1 ? "s" : "");
	return true;
}
