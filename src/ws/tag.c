/* SPDX-License-Identifier: MIT */
#include "ws/tag.h"

#include <string.h>

static bool
take_session(struct tag *t, struct span name)
{
	if (name.n == 0 || name.n > TAG_SESSION_MAX || !http_is_token(name))
		return false;
	memcpy(t->session, name.p, name.n);
	t->session[name.n] = '\0';
	return true;
}

static void
take_dial(struct tag *t, struct span number)
{
	uint32_t n = 0;

	if (number.n > 9)
		return;
	for (size_t i = 0; i < number.n; i++) {
		if (number.p[i] < '0' || number.p[i] > '9')
			return;
		n = n * 10 + (uint32_t)(number.p[i] - '0');
	}
	t->dial = n;
}

static void
read_header(struct tag *t, struct span value)
{
	struct span item;

	span_next(&value, ';', &item);
	if (!take_session(t, span_trim(item)))
		return;
	while (span_next(&value, ';', &item)) {
		item = span_trim(item);
		if (span_starts_ci(item, "dial="))
			take_dial(t, (struct span){ item.p + 5, item.n - 5 });
	}
}

static void
read_query(struct tag *t, struct span target, const char *query)
{
	struct span item, value;

	span_next(&target, '?', &item);
	while (span_next(&target, '&', &item)) {
		value = item;
		span_next(&value, '=', &item);
		if (!span_eq(item, query) || value.p == NULL)
			continue;
		span_next(&value, '.', &item);
		if (take_session(t, item) && value.p != NULL)
			take_dial(t, value);
	}
}

void
tag_read(struct tag *ret, const struct http_head *request, const char *query)
{
	const struct header *h = http_find(request, "Wsdiag-Session", 0);

	*ret = (struct tag){ 0 };
	if (h != NULL)
		read_header(ret, h->value);
	else if (query != NULL)
		read_query(ret, request->target, query);
}
