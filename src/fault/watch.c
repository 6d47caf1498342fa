/* SPDX-License-Identifier: MIT */
#include "fault/watch.h"

#include "base/glob.h"
#include "base/rng.h"

enum { WHEN_KINDS = WHEN_LINE + 1, NO_SLOT = UINT16_MAX };

/* A line that may still strike. */
struct slot {
	const struct plan_line *line;
	uint16_t next;               /* of the same kind of moment, in the plan's order */
	bool is_done;
};

struct watch {
	const struct plan *plan;
	watch_fire_fn *fire;
	void *arg;
	uint32_t accept;
	bool has_request, is_open;
	int64_t opened_us, last_us[2];
	uint64_t messages[2], payload[2];
	uint16_t first[WHEN_KINDS];
	struct slot slots[];
};

/* PLAN_UP and PLAN_DOWN as an index. */
static int
index_of(enum plan_direction dir)
{
	return dir == PLAN_DOWN;
}

static uint64_t
sum_of(const uint64_t counts[2], enum plan_direction dirs)
{
	return (dirs & PLAN_UP ? counts[0] : 0) + (dirs & PLAN_DOWN ? counts[1] : 0);
}

/* --- whom --- */

static bool
strikes_by_chance(const struct plan_subject *sub, uint32_t number)
{
	struct rng rng;

	if (sub->chance == 0)
		return true;
	rng_init_seed(&rng, sub->seed * UINT64_C(0x9e3779b97f4a7c15) + number);
	return (double)(rng_u64(&rng) >> 11) * 0x1p-53 < sub->chance;
}

static bool
counts_in(const struct plan_subject *sub, uint32_t number)
{
	return number >= sub->from && number <= sub->to && (sub->every == 0 || number % sub->every == 0) && strikes_by_chance(sub, number);
}

static bool
fits_request(const struct plan_subject *sub, const struct http_head *request)
{
	const struct header *h;

	if (sub->path != NULL && !glob_matches(sub->path, request->target))
		return false;
	if (sub->header == NULL)
		return true;
	for (size_t nth = 0; (h = http_find(request, sub->header, nth)) != NULL; nth++)
		if (glob_matches(sub->value, h->value))
			return true;
	return false;
}

/* --- firing --- */

/* fire may tell the watch something in turn: a slot is done before it is fired, and stays linked to what follows it. */
static void
fire_slot(struct watch *w, uint16_t *link)
{
	struct slot *slot = &w->slots[*link];

	*link = slot->next;
	slot->is_done = true;
	w->fire(w->arg, slot->line);
}

/* What a line is asked about. */
struct happening {
	enum plan_direction dir;
	const struct frame *frame;
	struct span text;
	int signum;
};

static bool
fits_opcode(int wanted, uint8_t opcode)
{
	return wanted == -1 || wanted == opcode || (wanted == -2 && opcode <= OP_BINARY);
}

/* A compressed frame's text is not known. */
static bool
fits_frame(const struct plan_moment *m, const struct happening *h)
{
	return (m->dir & h->dir) && fits_opcode(m->opcode, h->frame->opcode) &&
	    (m->text == NULL || ((h->frame->rsv & 4) == 0 && glob_matches(m->text, h->text)));
}

static bool
fits(const struct watch *w, const struct plan_moment *m, const struct happening *h)
{
	switch (m->when) {
	case WHEN_MESSAGES: return sum_of(w->messages, m->dir) >= m->count;
	case WHEN_BYTES: return sum_of(w->payload, m->dir) >= m->count;
	case WHEN_FRAME: return fits_frame(m, h);
	case WHEN_SIGNAL: return m->signum == h->signum;
	case WHEN_LINE: return span_eq(h->text, m->text);
	default: return true;
	}
}

/* Every line that waits for this kind of moment, in order. */
static void
happen(struct watch *w, enum plan_when when, const struct happening *h)
{
	uint16_t *link = &w->first[when];

	while (*link != NO_SLOT) {
		struct slot *slot = &w->slots[*link];

		if (slot->is_done)
			*link = slot->next;
		else if (fits(w, &slot->line->moment, h))
			fire_slot(w, link);
		else
			link = &slot->next;
	}
}

/* --- which lines wait --- */

struct watch *
watch_new(const struct plan *p, uint32_t accept, watch_fire_fn *fire, void *arg)
{
	struct watch *w = xcalloc(1, sizeof(*w) + p->n_lines * sizeof(w->slots[0]));
	uint16_t *links[WHEN_KINDS];

	w->plan = p;
	w->fire = fire;
	w->arg = arg;
	w->accept = accept;
	for (int k = 0; k < WHEN_KINDS; k++) {
		links[k] = &w->first[k];
		*links[k] = NO_SLOT;
	}
	for (unsigned i = 0; i < p->n_lines; i++) {
		const struct plan_subject *sub = &p->lines[i].subject;
		enum plan_when when = p->lines[i].moment.when;

		if (accept == 0 ? !plan_is_for_everybody(sub) : !sub->counts_opens && !counts_in(sub, accept))
			continue;
		w->slots[i] = (struct slot){ .line = &p->lines[i], .next = NO_SLOT };
		*links[when] = (uint16_t)i;
		links[when] = &w->slots[i].next;
	}
	return w;
}

void
watch_free(struct watch *w)
{
	free(w);
}

struct ev_inject
watch_inject(const struct watch *w, const struct plan_line *line, const char *peer)
{
	return (struct ev_inject){
		.plan = span_of(line->plan),
		.line = line->number,
		.action = span_of(line->actions_text),
		.accept = w->accept,
		.peer = span_of(peer),
	};
}

static bool
may_strike(const struct watch *w, const struct plan_subject *sub, const struct http_head *request, uint32_t conn)
{
	if (request != NULL)
		return fits_request(sub, request);
	return (w->has_request || (sub->path == NULL && sub->header == NULL)) && (!sub->counts_opens || counts_in(sub, conn));
}

/* Whom the request or the number of the open rules out waits no longer. */
static void
narrow(struct watch *w, const struct http_head *request, uint32_t conn)
{
	for (int k = 0; k < WHEN_KINDS; k++) {
		uint16_t *link = &w->first[k];

		while (*link != NO_SLOT) {
			struct slot *slot = &w->slots[*link];

			if (slot->is_done || !may_strike(w, &slot->line->subject, request, conn))
				*link = slot->next;
			else
				link = &slot->next;
		}
	}
}

void
watch_accept(struct watch *w)
{
	happen(w, WHEN_ACCEPT, NULL);
}

void
watch_request(struct watch *w, const struct http_head *request)
{
	w->has_request = true;
	narrow(w, request, 0);
	happen(w, WHEN_REQUEST, NULL);
}

void
watch_response(struct watch *w)
{
	happen(w, WHEN_RESPONSE, NULL);
}

/* --- once open --- */

void
watch_bytes(struct watch *w, enum plan_direction dir, int64_t now_us)
{
	w->last_us[index_of(dir)] = now_us;
}

void
watch_payload(struct watch *w, enum plan_direction dir, uint64_t n)
{
	w->payload[index_of(dir)] += n;
	if (w->is_open && w->first[WHEN_BYTES] != NO_SLOT)
		happen(w, WHEN_BYTES, NULL);
}

void
watch_message(struct watch *w, enum plan_direction dir)
{
	w->messages[index_of(dir)]++;
	if (w->is_open && w->first[WHEN_MESSAGES] != NO_SLOT)
		happen(w, WHEN_MESSAGES, NULL);
}

void
watch_frame(struct watch *w, enum plan_direction dir, const struct frame *f, struct span payload)
{
	struct happening h = { .dir = dir, .frame = f, .text = { payload.p, MIN(payload.n, (size_t)PLAN_TEXT_MAX) } };

	if (w->is_open && w->first[WHEN_FRAME] != NO_SLOT)
		happen(w, WHEN_FRAME, &h);
}

bool
watch_wants_payload(const struct watch *w, enum plan_direction dir)
{
	if (!w->is_open)
		return false;
	for (uint16_t i = w->first[WHEN_FRAME]; i != NO_SLOT; i = w->slots[i].next)
		if (!w->slots[i].is_done && w->slots[i].line->moment.text != NULL && (w->slots[i].line->moment.dir & dir))
			return true;
	return false;
}

void
watch_signal(struct watch *w, int signum)
{
	struct happening h = { .signum = signum };

	if (w->is_open || w->accept == 0)
		happen(w, WHEN_SIGNAL, &h);
}

void
watch_line(struct watch *w, struct span typed)
{
	struct happening h = { .text = span_trim(typed) };

	if (w->is_open || w->accept == 0)
		happen(w, WHEN_LINE, &h);
}

/* --- time --- */

static int64_t
due_at(const struct watch *w, const struct plan_moment *m)
{
	int64_t since = w->opened_us;

	if (m->when == WHEN_IDLE && m->dir & PLAN_UP)
		since = MAX(since, w->last_us[0]);
	if (m->when == WHEN_IDLE && m->dir & PLAN_DOWN)
		since = MAX(since, w->last_us[1]);
	return since + m->after_us;
}

/* The link to the line that is due first; the first in the plan of several; NULL: none waits. */
static uint16_t *
find_next(struct watch *w, int64_t *ret_due)
{
	static const enum plan_when timed[] = { WHEN_AFTER, WHEN_IDLE };
	uint16_t *found = NULL;

	for (size_t k = 0; w->is_open && k < ARRAY_LEN(timed); k++) {
		for (uint16_t *link = &w->first[timed[k]]; *link != NO_SLOT; link = &w->slots[*link].next) {
			const struct slot *slot = &w->slots[*link];
			int64_t due = slot->is_done ? INT64_MAX : due_at(w, &slot->line->moment);

			if (due < (found != NULL ? *ret_due : INT64_MAX) || (found != NULL && due == *ret_due && *link < *found)) {
				found = link;
				*ret_due = due;
			}
		}
	}
	return found;
}

int64_t
watch_next(const struct watch *w)
{
	int64_t due;

	/* Looks, and touches nothing. */
	return find_next((struct watch *)w, &due) != NULL ? due : -1;
}

void
watch_due(struct watch *w, int64_t now_us)
{
	int64_t due;
	uint16_t *link;

	while ((link = find_next(w, &due)) != NULL && due <= now_us)
		fire_slot(w, link);
}

void
watch_open(struct watch *w, uint32_t conn, int64_t now_us)
{
	narrow(w, NULL, conn);
	w->is_open = true;
	w->opened_us = w->last_us[0] = w->last_us[1] = now_us;
	w->messages[0] = w->messages[1] = w->payload[0] = w->payload[1] = 0;
	watch_due(w, now_us);
}
