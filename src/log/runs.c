/* SPDX-License-Identifier: MIT */
#include "log/runs.h"

void
runs_init(struct runs *r)
{
	*r = (struct runs){ 0 };
	list_init(&r->recent);
}

void
runs_deinit(struct runs *r)
{
	while (!list_is_empty(&r->recent)) {
		struct run *run = runs_latest(r);

		list_remove(&run->link);
		free(run);
	}
}

/* Run ids are random. */
static struct run **
bucket(struct runs *r, uint64_t run)
{
	return &r->buckets[run % RUN_BUCKETS];
}

static uint64_t
missing_of(const struct run *run)
{
	return run->highest > run->lines ? run->highest - run->lines : 0;
}

static void
forget_oldest(struct runs *r)
{
	struct run *old = container_of(r->recent.prev, struct run, link), **at = bucket(r, old->src.run);

	while (*at != old)
		at = &(*at)->next;
	*at = old->next;
	r->missing += missing_of(old);
	r->no_end |= !old->ended;
	list_remove(&old->link);
	free(old);
	r->n--;
}

static void
write_digits(struct run *run, uint64_t id)
{
	for (size_t i = RUN_DIGITS; i-- > 0; id >>= 4)
		run->digits[i] = "0123456789abcdef"[id & 15];
}

static struct run *
add(struct runs *r, uint64_t id)
{
	struct run *run = xcalloc(1, sizeof(*run)), **at = bucket(r, id);

	if (r->n == RUNS_MAX)
		forget_oldest(r);
	run->src.run = id;
	write_digits(run, id);
	run->next = *at;
	*at = run;
	r->n++;
	return run;
}

struct run *
runs_find(struct runs *r, uint64_t id, enum role role)
{
	struct run *run = *bucket(r, id);

	while (run != NULL && run->src.run != id)
		run = run->next;
	if (run == NULL)
		run = add(r, id);
	else
		list_remove(&run->link);
	list_prepend(&r->recent, &run->link);
	run->src.role = role;
	return run;
}

void
runs_count(struct runs *r, struct run *run, uint64_t seq)
{
	if (seq > run->highest)
		run->highest = seq;
	else
		r->out_of_order++;
	run->lines++;
}

uint64_t
runs_missing(const struct runs *r)
{
	uint64_t missing = r->missing;

	for (const struct list *l = r->recent.next; l != &r->recent; l = l->next)
		missing += missing_of(container_of(l, struct run, link));
	return missing;
}

bool
runs_lack_end(const struct runs *r)
{
	bool lacks = r->no_end;

	for (const struct list *l = r->recent.next; l != &r->recent; l = l->next)
		lacks |= !container_of(l, struct run, link)->ended;
	return lacks;
}
