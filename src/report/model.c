/* SPDX-License-Identifier: MIT */
#include "report/model_index.h"

#include "base/escape.h"
#include "codec/close_code.h"
#include "log/redact.h"

#include <stdio.h>
#include <string.h>

/* --- growing --- */

void *
model_grow(void *items, uint32_t n, size_t size)
{
	/* At powers of two only. */
	if (n >= 16 && (n & (n - 1)) != 0)
		return items;
	return n > 0 && n < 16 ? items : xrealloc(items, (n == 0 ? 16 : (size_t)n * 2) * size);
}

struct model_index *
model_index_new(void)
{
	struct model_index *x = xcalloc(1, sizeof(*x));

	for (size_t i = 0; i < MODEL_LOGS_MAX; i++)
		x->log_participant[i] = NO_INDEX;
	return x;
}

void
model_index_free(struct model_index *x)
{
	if (x == NULL)
		return;
	for (uint32_t i = 0; i < x->n_text_slots; i++)
		free(x->texts[i]);
	free(x->texts);
	free(x->lives);
	free(x->recent);
	buf_deinit(&x->clean);
	free(x);
}

/* FNV-1a, 64 bit, folded. Who picks colliding texts slows down the report on their own logs. */
static uint32_t
hash_of(const void *data, size_t n)
{
	const uint8_t *p = data;
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return (uint32_t)(h ^ h >> 32);
}

/* --- texts --- */

static char **
text_slot(const struct model_index *x, struct span s)
{
	uint32_t at = hash_of(s.p, s.n) & (x->n_text_slots - 1);

	while (x->texts[at] != NULL && !span_eq(s, x->texts[at]))
		at = (at + 1) & (x->n_text_slots - 1);
	return &x->texts[at];
}

static void
grow_texts(struct model_index *x)
{
	struct model_index old = *x;

	x->n_text_slots = MAX(old.n_text_slots * 2, UINT32_C(256));
	x->texts = xcalloc(x->n_text_slots, sizeof(*x->texts));
	for (uint32_t i = 0; i < old.n_text_slots; i++)
		if (old.texts[i] != NULL)
			*text_slot(x, span_of(old.texts[i])) = old.texts[i];
	free(old.texts);
}

static const char *
intern(struct model *m, struct span s)
{
	struct model_index *x = m->index;
	char **slot;

	s.n = MIN(s.n, (size_t)MODEL_TEXT_MAX);
	if (s.n == 0)
		return NULL;
	if (x->n_texts * 2 >= x->n_text_slots)
		grow_texts(x);
	slot = text_slot(x, s);
	if (*slot == NULL) {
		if (x->text_bytes + s.n > TEXT_BYTES_MAX) {
			m->excess.texts++;
			return NULL;
		}
		*slot = xstrndup(s.p, s.n);
		x->text_bytes += s.n;
		x->n_texts++;
	}
	return *slot;
}

static struct span
readable(struct span s)
{
	s.n = s.n > 0 ? strnlen(s.p, MIN(s.n, (size_t)TEXT_READ_MAX)) : 0;
	return s;
}

const char *
model_text(struct model *m, struct span s)
{
	buf_clear(&m->index->clean);
	redact_text(&m->index->clean, readable(s));
	return intern(m, buf_span(&m->index->clean));
}

const char *
model_header(struct model *m, struct span name, struct span value)
{
	buf_clear(&m->index->clean);
	redact_header(&m->index->clean, name, readable(value));
	return intern(m, buf_span(&m->index->clean));
}

/* --- lives --- */

static uint32_t
life_hash(uint32_t participant, enum leg leg, uint32_t id)
{
	uint32_t of[] = { participant, (uint32_t)leg, id };

	return hash_of(of, sizeof(of));
}

static uint32_t *
life_slot(const struct model *m, uint32_t participant, enum leg leg, uint32_t id)
{
	struct model_index *x = m->index;
	uint32_t at = life_hash(participant, leg, id) & (x->n_life_slots - 1);

	for (; x->lives[at] != 0; at = (at + 1) & (x->n_life_slots - 1)) {
		const struct life *l = &m->lives[x->lives[at] - 1];

		if (l->participant == participant && l->leg == leg && l->id == id)
			break;
	}
	return &x->lives[at];
}

static void
grow_lives(struct model *m)
{
	struct model_index *x = m->index;

	x->n_life_slots = MAX(x->n_life_slots * 2, UINT32_C(64));
	free(x->lives);
	x->lives = xcalloc(x->n_life_slots, sizeof(*x->lives));
	for (uint32_t i = 0; i < m->n_lives; i++)
		*life_slot(m, m->lives[i].participant, m->lives[i].leg, m->lives[i].id) = i + 1;
}

struct life *
model_find_life(const struct model *m, uint32_t participant, enum leg leg, uint32_t id)
{
	uint32_t *slot = m->index->n_life_slots > 0 ? life_slot(m, participant, leg, id) : NULL;

	return slot != NULL && *slot != 0 ? &m->lives[*slot - 1] : NULL;
}

static const struct moment no_moment = { .own_us = NO_TIME, .at_us = NO_TIME };

struct life *
model_add_life(struct model *m, uint32_t participant, enum leg leg, uint32_t id)
{
	struct life *l;

	if (m->n_lives == MODEL_LIVES_MAX) {
		m->excess.lives++;
		return NULL;
	}
	if (m->n_lives * 2 >= m->index->n_life_slots)
		grow_lives(m);
	m->lives = model_grow(m->lives, m->n_lives, sizeof(*m->lives));
	*life_slot(m, participant, leg, id) = m->n_lives + 1;
	l = &m->lives[m->n_lives++];
	*l = (struct life){
		.participant = participant, .id = id, .leg = leg, .circuit = NO_INDEX, .story = NO_INDEX,
		.dialled = no_moment, .opened = no_moment, .ended = no_moment, .ghost = no_moment, .violated = no_moment,
		.upgrade_us = US_UNKNOWN, .age = US_UNKNOWN, .silent_rx = US_UNKNOWN, .silent_tx = US_UNKNOWN,
		.answered = US_UNKNOWN, .paused_rx = US_UNKNOWN, .rtt = US_UNKNOWN, .unacked = -1,
	};
	return l;
}

/* --- participants --- */

static const char *
new_name(struct model *m, enum role role)
{
	unsigned n = 1;
	char text[32];

	for (uint32_t i = 0; i < m->n_participants; i++)
		n += m->participants[i].role == role;
	if (n == 1)
		return model_text(m, span_of(role_name(role)));
	snprintf(text, sizeof(text), "%s %u", role_name(role), n);
	return model_text(m, span_of(text));
}

static uint32_t
add_participant(struct model *m, const struct place *at, const struct event *ev)
{
	const struct log *log = &m->logs[at->log];
	struct participant *p;

	if (m->n_participants == MODEL_PARTICIPANTS_MAX) {
		m->excess.participants++;
		return NO_INDEX;
	}
	m->participants = model_grow(m->participants, m->n_participants, sizeof(*m->participants));
	m->index->recent = model_grow(m->index->recent, m->n_participants, sizeof(*m->index->recent));
	m->index->recent[m->n_participants] = (struct recent){ .last_wall_us = NO_TIME };
	p = &m->participants[m->n_participants];
	*p = (struct participant){
		.role = ev->src->role, .run = ev->src->run, .log = at->log,
		.has_mono = ev->mono_us != INPUT_NO_MONO,
		.resolution_us = MAX(log->resolution_us, INT64_C(1)),
		.is_untimed = log->resolution_us == 0,
		.first_us = NO_TIME, .last_us = NO_TIME, .date_lo_us = NO_TIME, .date_hi_us = NO_TIME,
	};
	p->boot = ev->src->boot != NULL ? model_text(m, span_of(ev->src->boot)) : NULL;
	p->name = new_name(m, p->role);
	if (p->has_mono)
		p->mono_base_us = model_believed(ev->wall_us) - model_believed(ev->mono_us);
	return m->n_participants++;
}

static bool
is_of(const struct participant *p, const struct place *at, const struct event *ev)
{
	if (p->run != ev->src->run || p->role != ev->src->role)
		return false;
	return ev->src->run != 0 || p->log == at->log;
}

uint32_t
model_participant(struct model *m, const struct place *at, const struct event *ev)
{
	uint32_t *last = &m->index->log_participant[at->log], found = *last;

	if (found != NO_INDEX && is_of(&m->participants[found], at, ev))
		return found;
	for (found = 0; found < m->n_participants; found++)
		if (is_of(&m->participants[found], at, ev))
			break;
	if (found == m->n_participants)
		found = add_participant(m, at, ev);
	if (found != NO_INDEX)
		*last = found;
	return found;
}

/* --- what is read of it --- */

int64_t
life_age(const struct life *l)
{
	if (l->age != US_UNKNOWN || l->is_untimed)
		return l->age;
	if (!moment_is_known(&l->opened) || !moment_is_known(&l->ended))
		return US_UNKNOWN;
	/* A clock of local time that was set back, as in autumn, tells no age. */
	return l->ended.own_us >= l->opened.own_us ? l->ended.own_us - l->opened.own_us : US_UNKNOWN;
}

/* What an endpoint does on purpose, or because of somebody else. */
static bool
is_meant(enum cause c)
{
	return c == CAUSE_LOCAL_DROP || c == CAUSE_LOCAL_INTERRUPT || c == CAUSE_LOCAL_RELAY || c == CAUSE_LOCAL_FAULT || c == CAUSE_LOCAL_LIMIT;
}

bool
life_is_loss(const struct life *l)
{
	return moment_is_known(&l->ended) && l->is_lost && !is_meant(l->cause);
}

void
life_name(struct buf *out, const struct model *m, uint32_t life)
{
	const struct life *l = &m->lives[life];

	buf_printf(out, "c%u", l->id);
	if (l->leg != LEG_NONE)
		buf_printf(out, " %s", leg_name(l->leg));
}

static const char *
base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

/* Without its folders, where that is no other log's name. */
static const char *
short_name(const struct model *m, uint32_t log)
{
	const char *base = base_of(m->logs[log].name);

	for (uint32_t i = 0; i < m->n_logs; i++)
		if (i != log && strcmp(base_of(m->logs[i].name), base) == 0)
			return m->logs[log].name;
	return base;
}

void
log_name(struct buf *out, const struct model *m, uint32_t log)
{
	escape_text(out, span_of(short_name(m, log)), 0);
}

void
place_name(struct buf *out, const struct model *m, const struct place *at)
{
	log_name(out, m, at->log);
	buf_printf(out, ":%llu", (unsigned long long)at->line);
}

static void
put_code(struct buf *out, int code, const char *reason)
{
	const char *name = close_code_name(code);

	if (code == CLOSE_NO_STATUS) {
		buf_puts(out, "Close without code");
		return;
	}
	buf_printf(out, "%d", code);
	if (code != CLOSE_NORMAL && name != NULL)
		buf_printf(out, " %s", name);
	if (reason != NULL) {
		buf_puts(out, " \"");
		escape_text(out, span_of(reason), 60);
		buf_putc(out, '"');
	}
}

/* Where the cause's own name is not what a person says. */
static const char *const ending_words[CAUSE_COUNT] = {
	[CAUSE_TCP_CLOSED] = "peer FIN",
	[CAUSE_TCP_RESET] = "peer RST",
	[CAUSE_TCP_TIMED_OUT] = "TCP gave up",
	[CAUSE_TLS_CLOSED] = "TLS closed",
	[CAUSE_TLS_TRUNCATED] = "TLS cut",
	[CAUSE_WS_PING_TIMEOUT] = "ping timeout",
	[CAUSE_WS_CLOSE_TIMEOUT] = "its own Close unanswered",
	[CAUSE_LOCAL_DROP] = "dropped by us",
	[CAUSE_LOCAL_INTERRUPT] = "stopped by us",
	[CAUSE_LOCAL_FAULT] = "fault plan",
	[CAUSE_LOCAL_RELAY] = "other leg ended",
	[CAUSE_LOCAL_LIMIT] = "over the limit",
};

void
life_ending(struct buf *out, const struct life *l)
{
	if (!l->is_how_known && l->end_text != NULL)
		escape_text(out, span_of(l->end_text), 60);
	else if (!l->is_how_known)
		buf_puts(out, l->is_lost ? "error" : "end");
	else if (l->cause == CAUSE_WS_CLOSE && l->by == BY_LOCAL)
		put_code(out, l->close_sent, NULL);
	else if (l->cause == CAUSE_WS_CLOSE)
		put_code(out, l->code, l->reason);
	else
		buf_puts(out, ending_words[l->cause] != NULL ? ending_words[l->cause] : cause_name(l->cause));
}

uint32_t
circuit_life(const struct model *m, const struct circuit *c, enum role role, enum leg leg, uint32_t after)
{
	bool is_past = after == NO_INDEX;
	/* They are in order, and of clients there is one at most. */
	uint32_t n = role == ROLE_CLIENT ? MIN(c->n_lives, UINT32_C(1)) : c->n_lives;

	for (uint32_t i = 0; i < n; i++) {
		const struct life *l = &m->lives[c->lives[i]];

		if (is_past && m->participants[l->participant].role == role && l->leg == leg)
			return c->lives[i];
		is_past = is_past || c->lives[i] == after;
	}
	return NO_INDEX;
}
