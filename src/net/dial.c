/* SPDX-License-Identifier: MIT */
#include "net/dial.h"

#include "net/race.h"
#include "net/resolve.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

/* How long addresses of IPv4 wait for those of IPv6 (RFC 8305 section 3). */
enum { RESOLUTION_DELAY_MS = 50 };

struct dial {
	struct loop *l;
	const struct dial_events *up;
	void *arg;
	char *host, *tls_name;
	struct tls_context *tls;
	struct dial_timing timing;
	int64_t started_us, connected_us;
	struct resolve *resolve;           /* NULL: pinned */
	int64_t answered_us[2];            /* IPv6, IPv4; since started_us; US_UNKNOWN: nobody was asked */
	struct failure dns_failure;        /* cause NONE: none so far */
	struct sockaddr_storage *pinned;
	size_t n_pinned;
	struct loop_task pinned_task;
	struct race *race;
	bool has_addresses, is_racing;
	uv_timer_t resolution_delay;
	struct transport *tls_transport;   /* while it shakes hands */
	unsigned open;                     /* handles, and the transport */
};

static int
lane_of(int family)
{
	return family == AF_INET6 ? 0 : 1;
}

static void
unref(struct dial *d)
{
	if (--d->open > 0)
		return;
	free(d->host);
	free(d->tls_name);
	free(d->pinned);
	free(d);
}

static void
on_delay_closed(uv_handle_t *handle)
{
	unref(handle->data);
}

/* Lets go of everything; what must be closed goes in its own time. */
static void
release(struct dial *d)
{
	loop_undefer(&d->pinned_task);
	resolve_cancel(steal(&d->resolve));
	race_close(d->race);
	uv_close((uv_handle_t *)&d->resolution_delay, on_delay_closed);
}

static void
hand_over(struct dial *d, struct transport *t)
{
	/* Both outlive release() until the loop turns. */
	struct attempt_list attempts = race_attempts(d->race);

	release(d);
	d->up->opened(d->arg, t, &d->timing, &attempts);
}

static void
fail(struct dial *d, const struct failure *f)
{
	struct attempt_list attempts = race_attempts(d->race);

	release(d);
	d->up->failed(d->arg, f, &attempts);
}

/* Nothing is tried, nothing left to try, no answer to come. */
static void
give_up(struct dial *d)
{
	struct failure f;

	if (!race_failure(d->race, &f))
		f = d->dns_failure;
	fail(d, &f);
}

static void
on_tls_opened(void *arg)
{
	struct dial *d = arg;

	d->timing.tls = clock_mono(d->l->clock) - d->connected_us;
	d->open--;
	hand_over(d, steal(&d->tls_transport));
}

static void
on_tls_failed(void *arg, const struct failure *f)
{
	struct dial *d = arg;
	struct failure copy = *f;

	/* Another address would show the same certificate: the dial is over. */
	race_disqualify(d->race, f->cause);
	/* Gracefully, so that our alert arrives. */
	transport_close(steal(&d->tls_transport), TRANSPORT_GRACEFUL);
	fail(d, &copy);
}

static void
on_tls_ready(void *arg, unsigned bits)
{
	(void)arg;
	(void)bits;
	assert(false); /* nothing is wanted of it */
}

static void
on_tls_closed(void *arg)
{
	unref(arg);
}

static const struct transport_events tls_events = { on_tls_opened, on_tls_failed, on_tls_ready, on_tls_closed };

static void
on_won(void *arg, struct transport *t, int family, int64_t connect_us)
{
	struct dial *d = arg;

	d->timing.dns = d->answered_us[lane_of(family)];
	d->timing.tcp = connect_us;
	if (d->tls == NULL) {
		hand_over(d, t);
		return;
	}
	d->connected_us = clock_mono(d->l->clock);
	uv_timer_stop(&d->resolution_delay);
	resolve_cancel(steal(&d->resolve));
	d->open++;
	d->tls_transport = tls_start(d->l, d->tls, d->tls_name, t, &tls_events, d);
}

static bool
is_answer_due(const struct dial *d)
{
	return d->resolve != NULL && resolve_pending(d->resolve) > 0;
}

static void
on_idle(void *arg)
{
	struct dial *d = arg;

	if (!is_answer_due(d))
		give_up(d);
}

static const struct race_events race_events = { on_won, on_idle };

static void
start_race(struct dial *d)
{
	uv_timer_stop(&d->resolution_delay);
	d->is_racing = true;
	race_start(d->race);
}

static void
on_resolution_delay(uv_timer_t *timer)
{
	start_race(timer->data);
}

static void
on_answer(void *arg, int family, const struct sockaddr_storage *addresses, size_t n, const struct failure *f)
{
	struct dial *d = arg;

	if (n > 0) {
		if (!resolve_is_literal(d->resolve))
			d->answered_us[lane_of(family)] = clock_mono(d->l->clock) - d->started_us;
		d->has_addresses = true;
		race_add(d->race, addresses, n);
	} else if (d->dns_failure.cause != CAUSE_DNS_FAILED) {
		/* "Not found" for one family says little when the other could not be asked. */
		d->dns_failure = *f;
	}
	bool is_due = is_answer_due(d);
	if (!d->is_racing && d->has_addresses) {
		if (!is_due || family == AF_INET6)
			start_race(d);
		else
			uv_timer_start(&d->resolution_delay, on_resolution_delay, RESOLUTION_DELAY_MS, 0);
	} else if (!is_due && race_is_idle(d->race)) {
		give_up(d);
	}
}

static void
on_pinned(struct loop_task *task)
{
	struct dial *d = container_of(task, struct dial, pinned_task);

	if (d->n_pinned == 0) {
		failure_set(&d->dns_failure, STAGE_DNS, CAUSE_DNS_NOT_FOUND, 0, "no address of that family given for %s", d->host);
		give_up(d);
		return;
	}
	race_add(d->race, d->pinned, d->n_pinned);
	start_race(d);
}

static const struct dial_pin *
find_pin(const struct dial_options *opt)
{
	for (size_t i = 0; i < opt->n_pins; i++) {
		const struct dial_pin *pin = &opt->pins[i];

		if ((strcmp(pin->host, "*") == 0 || strcasecmp(pin->host, opt->host) == 0) && (pin->port == 0 || pin->port == opt->port))
			return pin;
	}
	return NULL;
}

static void
copy_pin(struct dial *d, const struct dial_pin *pin, const struct dial_options *opt)
{
	d->pinned = xcalloc(pin->n, sizeof(*d->pinned));
	for (size_t i = 0; i < pin->n; i++) {
		struct sockaddr_storage *a = &d->pinned[d->n_pinned];

		if (opt->families != AF_UNSPEC && pin->addresses[i].ss_family != opt->families)
			continue;
		*a = pin->addresses[i];
		if (a->ss_family == AF_INET6)
			((struct sockaddr_in6 *)a)->sin6_port = htons(opt->port);
		else
			((struct sockaddr_in *)a)->sin_port = htons(opt->port);
		d->n_pinned++;
	}
}

struct dial *
dial_start(struct loop *l, const struct dial_options *opt, const struct dial_events *up, void *arg)
{
	const struct dial_pin *pin = find_pin(opt);
	struct dial *d = xcalloc(1, sizeof(*d));

	d->l = l;
	d->up = up;
	d->arg = arg;
	d->host = xstrdup(opt->host);
	d->tls = opt->tls;
	d->tls_name = xstrdup(opt->tls_name != NULL ? opt->tls_name : opt->host);
	d->timing = (struct dial_timing){ US_UNKNOWN, US_UNKNOWN, US_UNKNOWN, US_UNKNOWN, US_UNKNOWN };
	d->started_us = clock_mono(l->clock);
	d->answered_us[0] = d->answered_us[1] = US_UNKNOWN;
	d->pinned_task.run = on_pinned;
	uv_timer_init(&l->uv, &d->resolution_delay);
	d->resolution_delay.data = d;
	d->open = 1;
	d->race = race_new(l, &race_events, d);
	if (pin != NULL) {
		copy_pin(d, pin, opt);
		loop_defer(l, &d->pinned_task);
	} else {
		d->resolve = resolve_start(l, opt->host, opt->port, opt->families, on_answer, d);
	}
	return d;
}

void
dial_cancel(struct dial *d)
{
	/* Nothing was agreed yet that a polite end would be owed to, and draining would hold up an exit. */
	if (d->tls_transport != NULL)
		transport_close(steal(&d->tls_transport), TRANSPORT_RST);
	release(d);
}

enum stage
dial_stage(const struct dial *d)
{
	if (d->tls_transport != NULL)
		return STAGE_TLS;
	return d->is_racing && !race_is_idle(d->race) ? STAGE_TCP : STAGE_DNS;
}

const char *
dial_target(const struct dial *d)
{
	return dial_stage(d) == STAGE_DNS ? d->host : race_target(d->race);
}

struct attempt_list
dial_attempts(const struct dial *d)
{
	return race_attempts(d->race);
}
