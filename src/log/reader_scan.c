/* SPDX-License-Identifier: MIT */
#include "log/reader_scan.h"

#include "log/runs.h"

#include <string.h>

/* What is counted, and what in such a line says that it is worth more: a ping that waits, a pong with a round trip. */
static const struct {
	struct span name;
	enum event_type type;
	struct span idle;      /* stands in a line that is only counted; none: every line is */
} counted[] = {
	{ SPAN_LIT("message\""), EV_MESSAGE, SPAN_NONE },
	{ SPAN_LIT("frame\""), EV_FRAME, SPAN_NONE },
	{ SPAN_LIT("head\""), EV_HEAD, SPAN_NONE },
	{ SPAN_LIT("ping\""), EV_PING, SPAN_LIT("\",\"waiting\":null,") },
	{ SPAN_LIT("pong\""), EV_PONG, SPAN_LIT("\",\"rtt\":null") },
};

/* Takes text off the front of *rest. */
static inline bool
skip(struct span *rest, struct span text)
{
	if (rest->n < text.n || memcmp(rest->p, text.p, text.n) != 0)
		return false;
	rest->p += text.n;
	rest->n -= text.n;
	return true;
}

static inline bool
skip_n(struct span *rest, size_t n)
{
	if (rest->n < n)
		return false;
	rest->p += n;
	rest->n -= n;
	return true;
}

static inline bool
skip_number(struct span *rest)
{
	size_t i = 0;

	while (i < rest->n && ((rest->p[i] >= '0' && rest->p[i] <= '9') || rest->p[i] == '.' || rest->p[i] == '-'))
		i++;
	return i > 0 && skip_n(rest, i);
}

/* Ends at a comma, as every field but the last does. */
static inline bool
take_count(struct span *rest, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i = 0;

	for (; i < rest->n && i < 18 && rest->p[i] >= '0' && rest->p[i] <= '9'; i++)
		v = v * 10 + (uint64_t)(rest->p[i] - '0');
	*ret = v;
	return i > 0 && i < rest->n && rest->p[i] == ',' && skip_n(rest, i);
}

static inline bool
take_role(struct span *rest, enum role *ret)
{
	if (skip(rest, SPAN_LIT("client\"")))
		*ret = ROLE_CLIENT;
	else if (skip(rest, SPAN_LIT("server\"")))
		*ret = ROLE_SERVER;
	else if (skip(rest, SPAN_LIT("proxy\"")))
		*ret = ROLE_PROXY;
	else
		return false;
	return true;
}

static inline bool
take_stamps(struct span *rest, struct scanned *s)
{
	enum { TIME = sizeof("2026-03-04T22:13:02.071042Z") - 1 };

	if (!skip(rest, SPAN_LIT(",\"time\":\"")) || !skip_n(rest, TIME) || !skip(rest, SPAN_LIT("\",\"mono\":")) || !skip_number(rest))
		return false;
	if (!skip(rest, SPAN_LIT(",\"role\":\"")) || !take_role(rest, &s->role) || !skip(rest, SPAN_LIT(",\"run\":\"")))
		return false;
	s->run = (struct span){ rest->p, RUN_DIGITS };
	return skip_n(rest, RUN_DIGITS) && skip(rest, SPAN_LIT("\",\"seq\":")) && take_count(rest, &s->seq);
}

static bool
contains(struct span s, struct span text)
{
	return memmem(s.p, s.n, text.p, text.n) != NULL;
}

bool
reader_scan(struct span line, struct scanned *ret)
{
	struct span rest = line;
	size_t i = 0;

	if (!skip(&rest, SPAN_LIT("{\"v\":1,\"event\":\"")))
		return false;
	while (i < ARRAY_LEN(counted) && !skip(&rest, counted[i].name))
		i++;
	if (i == ARRAY_LEN(counted) || !take_stamps(&rest, ret))
		return false;
	ret->type = counted[i].type;
	return counted[i].idle.n == 0 || contains(rest, counted[i].idle);
}
