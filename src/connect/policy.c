/* SPDX-License-Identifier: MIT */
#include "connect/policy.h"

#include "base/clock.h"
#include "base/quantity.h"
#include "codec/close_code.h"

#include <string.h>
#include <time.h>

enum { FIRST_S = 5, CAP_S = 60, DAY_S = 86400 };

static bool
parse_duration(struct span text, int64_t *ret_us)
{
	char *copy CLEANUP(free_charp) = span_dup(text);

	return quantity_parse_seconds(copy, ret_us) && *ret_us <= DAY_S * US_PER_S;
}

bool
policy_parse_delay(const char *text, struct policy *ret)
{
	struct span rest = span_of(text), first;
	int64_t min, max;

	span_next(&rest, ':', &first);
	if (!parse_duration(first, &min))
		return false;
	max = min;
	if (rest.p != NULL && (!parse_duration(rest, &max) || max < min || max == 0))
		return false;
	ret->has_delay = true;
	ret->min_us = min;
	ret->max_us = max;
	return true;
}

static int64_t
draw(struct rng *rng, int64_t low, int64_t high)
{
	return low + (int64_t)(rng_u64(rng) % (uint64_t)(high - low + 1));
}

/* Doubled step times, up to max. */
static int64_t
grown(int64_t from, unsigned step, int64_t max)
{
	while (step-- > 0 && from < max)
		from = from > max / 2 ? max : from * 2;
	return MIN(from, max);
}

static int64_t
draw_delay(const struct policy *p, unsigned step, struct rng *rng)
{
	int64_t full;

	if (!p->has_delay) {
		if (step == 0)
			return draw(rng, 0, FIRST_S * US_PER_S);
		full = grown(FIRST_S * US_PER_S, step, CAP_S * US_PER_S);
		return draw(rng, full / 2, full);
	}
	if (p->min_us == p->max_us)
		return p->min_us;
	full = grown(MAX(p->min_us * 2, US_PER_S / 10), step, p->max_us);
	return draw(rng, MAX(p->min_us, full / 2), full);
}

int64_t
policy_delay(const struct policy *p, unsigned step, int64_t retry_after_us, struct rng *rng)
{
	return MAX(draw_delay(p, step, rng), retry_after_us);
}

static bool
is_certificate_fault(enum cause c)
{
	return c == CAUSE_CERT_EXPIRED || c == CAUSE_CERT_FUTURE || c == CAUSE_CERT_NAME || c == CAUSE_CERT_UNTRUSTED || c == CAUSE_CERT_INVALID;
}

bool
policy_after_failure(const struct policy *p, const struct failure *f, int status, uint64_t failures, const char **ret_why)
{
	if (!p->enabled)
		return *ret_why = "--reconnect is off", false;
	if (f->cause == CAUSE_LOCAL_INTERRUPT)
		return *ret_why = "told to stop", false;
	if (p->tries > 0 && failures >= p->tries)
		return *ret_why = "--reconnect-tries reached", false;
	if (p->on == RECONNECT_ON_ANY)
		return true;
	if (is_certificate_fault(f->cause))
		return *ret_why = "the certificate will not become better by trying again (--reconnect-on any tries all the same)", false;
	if (status == 401 || status == 403 || status == 404)
		return *ret_why = "the answer will not change by trying again (--reconnect-on any tries all the same)", false;
	return true;
}

bool
policy_after_end(const struct policy *p, enum event_type type, const struct ev_ended *e, bool we_closed_first, const char **ret_why)
{
	if (!p->enabled)
		return *ret_why = "--reconnect is off", false;
	if (we_closed_first || e->cause == CAUSE_LOCAL_INTERRUPT)
		return *ret_why = "closed by us", false;
	if (p->on == RECONNECT_ON_ANY || type == EV_LOST)
		return true;
	if (e->code == CLOSE_GOING_AWAY || e->code == CLOSE_SERVICE_RESTART || e->code == CLOSE_TRY_AGAIN_LATER || e->code == CLOSE_BAD_GATEWAY)
		return true;
	return *ret_why = "the peer closed for good (--reconnect-on any dials all the same)", false;
}

int64_t
policy_retry_after(struct span value, int64_t wall_us)
{
	char text[40] = "";
	struct tm tm = { 0 };
	int64_t us;

	value = span_trim(value);
	if (value.n == 0 || value.n >= sizeof(text))
		return US_UNKNOWN;
	memcpy(text, value.p, value.n);
	if (strspn(text, "0123456789") == value.n) {
		us = value.n > 6 ? DAY_S * US_PER_S : (int64_t)atoi(text) * US_PER_S;
	} else {
		if (strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm) == NULL)
			return US_UNKNOWN;
		us = (int64_t)timegm(&tm) * US_PER_S - wall_us;
	}
	return us < 0 ? 0 : MIN(us, DAY_S * US_PER_S);
}
