/* SPDX-License-Identifier: MIT */
#include "lifecycle/ledger.h"

#include "base/list.h"

#include <string.h>

enum conn_state { CONN_ALIVE, CONN_DECLARED };

/* One connection that may still be alive somewhere. */
struct entry {
	uint32_t conn, dial;
	enum conn_state state;
	bool held_open;          /* only our own holding keeps it */
	int64_t opened_us, declared_us;
};

struct session {
	struct list link;        /* by age: the least recently opened first */
	struct session *next;    /* of the same bucket */
	char *name;
	bool is_origin;          /* of a proxy, whose two legs are judged each for itself */
	uint32_t last_dial;      /* the highest that opened */
	struct entry *entries;   /* oldest first */
	size_t n_entries;
};

struct key {
	uint64_t hash;           /* of the text; 0: unused */
	uint32_t conn;           /* the first of its opens */
	bool is_origin;
	enum { KEY_OPEN, KEY_LOST, KEY_CLOSED } state;
	int64_t at_us;
	struct key *next;        /* of the same bucket */
	struct key *next_conn;   /* of the same bucket by connection */
};

struct ledger {
	struct ledger_limits limits;
	struct list sessions;
	size_t n_sessions;
	struct session **session_buckets;
	struct key *keys;        /* a ring of limits.keys */
	struct key **key_buckets, **conn_buckets;
	size_t next_key;
	size_t n_session_buckets, n_key_buckets;
};

/* FNV-1a, 64 bit. Keys are 16 random bytes; a peer that picks colliding ones fools its own diagnosis only. */
static uint64_t
hash_of(struct span s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * UINT64_C(0x100000001b3);
	return h != 0 ? h : 1;
}

static size_t
buckets_for(size_t n)
{
	size_t b = 16;

	while (b < n)
		b *= 2;
	return b;
}

struct ledger *
ledger_new(const struct ledger_limits *limits)
{
	struct ledger *l = xcalloc(1, sizeof(*l));

	l->limits = *limits;
	list_init(&l->sessions);
	l->n_session_buckets = buckets_for(limits->sessions);
	l->session_buckets = xcalloc(l->n_session_buckets, sizeof(struct session *));
	return l;
}

/* --- sessions --- */

static struct session **
session_bucket(const struct ledger *l, struct span name)
{
	return &l->session_buckets[hash_of(name) & (l->n_session_buckets - 1)];
}

static struct session *
find_session(const struct ledger *l, struct span name, bool is_origin)
{
	for (struct session *s = *session_bucket(l, name); s != NULL; s = s->next)
		if (s->is_origin == is_origin && span_eq(name, s->name))
			return s;
	return NULL;
}

static void
forget_session(struct ledger *l, struct session *s)
{
	for (struct session **at = session_bucket(l, span_of(s->name)); *at != NULL; at = &(*at)->next) {
		if (*at == s) {
			*at = s->next;
			break;
		}
	}
	list_remove(&s->link);
	l->n_sessions--;
	free(s->entries);
	free(s->name);
	free(s);
}

static struct session *
need_session(struct ledger *l, struct span name, bool is_origin)
{
	struct session *s = find_session(l, name, is_origin), **bucket = session_bucket(l, name);

	if (s != NULL) {
		list_remove(&s->link);
	} else {
		if (l->n_sessions == l->limits.sessions)
			forget_session(l, container_of(l->sessions.next, struct session, link));
		s = xcalloc(1, sizeof(*s));
		s->name = span_dup(name);
		s->is_origin = is_origin;
		s->next = *bucket;
		*bucket = s;
		l->n_sessions++;
	}
	list_append(&l->sessions, &s->link);
	return s;
}

static struct entry *
find_entry(const struct session *s, uint32_t conn)
{
	for (size_t i = 0; i < s->n_entries; i++)
		if (s->entries[i].conn == conn)
			return &s->entries[i];
	return NULL;
}

static void
drop_entry(struct session *s, struct entry *e)
{
	size_t at = (size_t)(e - s->entries);

	memmove(e, e + 1, (s->n_entries - at - 1) * sizeof(*e));
	s->n_entries--;
}

/* --- keys --- */

static void
forget_key(struct ledger *l, struct key *k)
{
	for (struct key **at = &l->key_buckets[k->hash & (l->n_key_buckets - 1)]; *at != NULL; at = &(*at)->next) {
		if (*at == k) {
			*at = k->next;
			return;
		}
	}
}

static struct key **
conn_bucket(const struct ledger *l, uint32_t conn)
{
	return &l->conn_buckets[conn & (l->n_key_buckets - 1)];
}

static void
forget_conn(struct ledger *l, struct key *k)
{
	for (struct key **at = conn_bucket(l, k->conn); *at != NULL; at = &(*at)->next_conn) {
		if (*at == k) {
			*at = k->next_conn;
			return;
		}
	}
}

static void
set_conn(struct ledger *l, struct key *k, const struct event *fact, int64_t at_us)
{
	struct key **bucket = conn_bucket(l, fact->conn);

	k->conn = fact->conn;
	k->is_origin = fact->leg == LEG_ORIGIN;
	k->state = KEY_OPEN;
	k->at_us = at_us;
	k->next_conn = *bucket;
	*bucket = k;
}

static struct key *
find_key(const struct ledger *l, uint64_t hash)
{
	for (struct key *k = l->key_buckets[hash & (l->n_key_buckets - 1)]; k != NULL; k = k->next)
		if (k->hash == hash)
			return k;
	return NULL;
}

static void
remember_key(struct ledger *l, uint64_t hash, const struct event *fact, int64_t at_us)
{
	struct key *k = &l->keys[l->next_key++ % l->limits.keys], **bucket = &l->key_buckets[hash & (l->n_key_buckets - 1)];

	if (k->hash != 0) {
		forget_key(l, k);
		forget_conn(l, k);
	}
	*k = (struct key){ .hash = hash, .next = *bucket };
	*bucket = k;
	set_conn(l, k, fact, at_us);
}

static void
note_end(struct ledger *l, const struct event *fact)
{
	if (l->keys == NULL)
		return;
	for (struct key *k = *conn_bucket(l, fact->conn); k != NULL; k = k->next_conn)
		if (k->conn == fact->conn && k->is_origin == (fact->leg == LEG_ORIGIN) && k->state == KEY_OPEN)
			k->state = fact->type == EV_CLOSE ? KEY_CLOSED : KEY_LOST;
}

/* --- verdicts --- */

static struct event
verdict_on(const struct event *fact, enum event_type type)
{
	return (struct event){ .type = type, .src = fact->src, .session = fact->session, .conn = fact->conn, .dial = fact->dial, .leg = fact->leg };
}

static void
judge_replay(struct ledger *l, const struct event *fact, int64_t at_us, ledger_verdict_fn *emit, void *arg)
{
	struct span text = fact->u.opened.ws_key;
	struct event verdict = verdict_on(fact, EV_REPLAY);
	struct key *first;
	uint64_t hash;

	if (text.n == 0 || l->limits.keys == 0)
		return;
	if (l->keys == NULL) {
		l->n_key_buckets = buckets_for(l->limits.keys);
		l->keys = xcalloc(l->limits.keys, sizeof(*l->keys));
		l->key_buckets = xcalloc(l->n_key_buckets, sizeof(*l->key_buckets));
		l->conn_buckets = xcalloc(l->n_key_buckets, sizeof(*l->conn_buckets));
	}
	hash = hash_of(text) ^ (fact->leg == LEG_ORIGIN);
	hash += hash == 0;
	first = find_key(l, hash);
	if (first == NULL) {
		remember_key(l, hash, fact, at_us);
		return;
	}
	if (first->state == KEY_CLOSED || (first->state == KEY_LOST && at_us - first->at_us > LEDGER_REPLAY_US)) {
		forget_conn(l, first);
		set_conn(l, first, fact, at_us);
		return;
	}
	verdict.u.replay = (struct ev_replay){ .ws_key = text, .with = first->conn, .after = at_us - first->at_us };
	emit(arg, &verdict);
}

static void
judge_overlaps(const struct session *s, const struct event *fact, int64_t at_us, ledger_verdict_fn *emit, void *arg)
{
	for (size_t i = 0; i < s->n_entries; i++) {
		const struct entry *e = &s->entries[i];
		struct event verdict = verdict_on(fact, EV_OVERLAP);

		if (e->conn == fact->conn)
			continue;
		verdict.u.overlap = (struct ev_overlap){
			.with = e->conn,
			.held = e->state == CONN_DECLARED && e->held_open,
			.since = e->state == CONN_DECLARED ? at_us - e->declared_us : US_UNKNOWN,
		};
		emit(arg, &verdict);
	}
}

static void
take_opened(struct ledger *l, const struct event *fact, int64_t at_us, ledger_verdict_fn *emit, void *arg)
{
	struct session *s;

	/* A client's own keys are random; only who receives them can see one twice. */
	if (fact->src == NULL || fact->src->role != ROLE_CLIENT)
		judge_replay(l, fact, at_us, emit, arg);
	if (fact->session.n == 0)
		return;
	s = need_session(l, fact->session, fact->leg == LEG_ORIGIN);
	if (fact->dial > 0 && fact->dial < s->last_dial) {
		struct event verdict = verdict_on(fact, EV_ORPHAN);

		verdict.u.orphan.successor = s->last_dial;
		emit(arg, &verdict);
	}
	s->last_dial = MAX(s->last_dial, MAX(fact->dial, UINT32_C(1)));
	judge_overlaps(s, fact, at_us, emit, arg);
	if (s->n_entries == l->limits.conns)
		drop_entry(s, s->entries);
	s->entries = xrealloc(s->entries, (s->n_entries + 1) * sizeof(*s->entries));
	s->entries[s->n_entries++] = (struct entry){ .conn = fact->conn, .dial = fact->dial, .state = CONN_ALIVE, .opened_us = at_us };
}

static void
take_end(struct ledger *l, const struct event *fact, int64_t at_us)
{
	struct session *s = find_session(l, fact->session, fact->leg == LEG_ORIGIN);
	struct entry *e = s != NULL ? find_entry(s, fact->conn) : NULL;

	note_end(l, fact);
	if (e == NULL)
		return;
	if (fact->type == EV_LOST && fact->u.ended.held) {
		e->state = CONN_DECLARED;
		e->declared_us = at_us;
		e->held_open = fact->u.ended.held_open;
	} else if (fact->type != EV_GHOST || fact->u.ghost.ended) {
		drop_entry(s, e);
	}
}

void
ledger_feed(struct ledger *l, const struct event *fact, int64_t at_us, ledger_verdict_fn *emit, void *arg)
{
	switch (fact->type) {
	case EV_OPENED: take_opened(l, fact, at_us, emit, arg); break;
	case EV_LOST:
	case EV_CLOSE:
	case EV_GHOST:
	case EV_GONE: take_end(l, fact, at_us); break;
	default: break;
	}
}

bool
ledger_first(const struct ledger *l, struct span session)
{
	const struct session *s = find_session(l, session, false);

	return s == NULL || s->last_dial == 0;
}

int64_t
ledger_overlap_us(const struct ledger *l, struct span session, uint32_t conn, int64_t at_us, uint32_t *ret_with)
{
	const struct session *s = find_session(l, session, false);
	const struct entry *e = s != NULL ? find_entry(s, conn) : NULL;

	if (e == NULL || e + 1 == s->entries + s->n_entries)
		return US_UNKNOWN;
	*ret_with = e[1].conn;
	return at_us - e[1].opened_us;
}

void
ledger_free(struct ledger *l)
{
	if (l == NULL)
		return;
	while (!list_is_empty(&l->sessions))
		forget_session(l, container_of(l->sessions.next, struct session, link));
	free(l->session_buckets);
	free(l->keys);
	free(l->key_buckets);
	free(l->conn_buckets);
	free(l);
}
