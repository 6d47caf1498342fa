/* SPDX-License-Identifier: MIT */
/* The part of model that takes events. */
#include "report/model_index.h"

#include "base/clock.h"

#include <assert.h>
#include <string.h>

#define DAY_US (INT64_C(24) * 3600 * US_PER_S)

static struct traffic
traffic(const struct traffic *t)
{
	return (struct traffic){ .messages = MIN(t->messages, (uint64_t)MODEL_BELIEVED), .bytes = MIN(t->bytes, (uint64_t)MODEL_BELIEVED) };
}

/* --- times --- */

static int64_t
own_time(const struct taking *t)
{
	struct participant *p = model_who(t);
	struct recent *r = &t->m->index->recent[t->participant];
	const struct log *log = &t->m->logs[t->at.place.log];
	int64_t wall = model_believed(t->ev->wall_us);

	if (p->has_mono)
		return t->ev->mono_us != INPUT_NO_MONO ? model_believed(model_believed(t->ev->mono_us) + p->mono_base_us) : wall;
	/* The time of day fell by more than half a day: a clock that has no date passed midnight. */
	if (!log->has_date && r->last_wall_us != NO_TIME && wall + r->days_us < r->last_wall_us - DAY_US / 2)
		r->days_us += DAY_US;
	r->last_wall_us = model_believed(wall + r->days_us);
	return r->last_wall_us;
}

static void
stamp(struct taking *t, const struct place *at)
{
	struct participant *p = model_who(t);

	t->at = (struct moment){ .place = *at, .at_us = NO_TIME };
	t->at.own_us = own_time(t);
	/* Before the first time that a log without times of its own learns of: set right when all is read. */
	if (p->is_untimed && t->at.own_us == 0) {
		p->last_us = MAX(p->last_us, INT64_C(0));
		return;
	}
	if (p->first_us == NO_TIME || t->at.own_us < p->first_us)
		p->first_us = t->at.own_us;
	p->last_us = MAX(p->last_us, t->at.own_us);
}

/* --- ends --- */

/* Of a log without numbers: a server speaks most likely of its oldest connection, which had the most time to end; a client of its newest. */
static struct life *
guess_life(const struct taking *t)
{
	struct life *found = NULL;
	uint32_t n = 0;

	if (model_who(t)->role == ROLE_CLIENT)
		return model_newest_life(t);
	for (uint32_t i = t->m->n_lives; i-- > 0 && n < LOOK_BACK; n++) {
		struct life *l = &t->m->lives[i];

		if (l->participant == t->participant && l->is_id_counted && !moment_is_known(&l->ended))
			found = l;
	}
	return found;
}

static struct life *
life_of(struct taking *t)
{
	struct life *l;

	if (t->ev->conn == 0)
		return guess_life(t);
	l = model_find_life(t->m, t->participant, t->ev->leg, t->ev->conn);
	if (l != NULL || (t->ev->type != EV_LOST && t->ev->type != EV_CLOSE))
		return l;
	/* Its open lies before the log's first line. */
	l = model_add_life(t->m, t->participant, t->ev->leg, t->ev->conn);
	if (l != NULL) {
		l->session = model_text(t->m, t->ev->session);
		l->dial = t->ev->dial;
		if (model_duration(t->ev->u.ended.age) != US_UNKNOWN)
			l->opened.own_us = model_believed(t->at.own_us - t->ev->u.ended.age);
	}
	return l;
}

static void
take_tcp(struct life *l, const struct tcp_facts *tcp)
{
	l->has_tcp = tcp != NULL;
	if (tcp == NULL)
		return;
	l->tcp_unacked = tcp->unacked;
	l->tcp_retransmits = tcp->retransmits;
	l->tcp_last_ack = model_duration(tcp->last_ack);
	l->tcp_last_sent = model_duration(tcp->last_sent);
	l->tcp_last_received = model_duration(tcp->last_received);
}

static void
take_ended(struct taking *t)
{
	const struct ev_ended *e = &t->ev->u.ended;
	struct life *l = life_of(t);

	if (l == NULL || moment_is_known(&l->ended))
		return;
	l->ended = t->at;
	l->is_lost = t->ev->type == EV_LOST;
	l->is_how_known = e->cause != CAUSE_NONE;
	l->is_end_implied = false;
	l->is_held = e->held;
	l->is_held_open = e->held_open;
	l->by = e->by;
	l->cause = e->cause;
	l->error = e->error;
	l->code = e->code;
	l->close_sent = e->close_sent;
	l->reason = model_text(t->m, e->reason);
	l->end_text = l->is_how_known ? NULL : model_text(t->m, e->text);
	l->is_clean = e->clean;
	l->age = model_duration(e->age);
	l->silent_rx = model_duration(e->silent_rx);
	l->silent_tx = model_duration(e->silent_tx);
	l->answered = model_duration(e->answered);
	l->paused_rx = model_duration(e->paused_rx);
	l->rtt = model_duration(e->rtt);
	l->sent = traffic(&e->sent);
	l->received = traffic(&e->received);
	l->unsent = MAX(model_duration(e->unsent), INT64_C(0));
	l->unacked = model_duration(e->unacked);
	l->partial_in = MIN(e->partial_in, (uint64_t)MODEL_BELIEVED);
	l->partial_out = MIN(e->partial_out, (uint64_t)MODEL_BELIEVED);
	l->after_close = MIN(e->after_close, (uint64_t)MODEL_BELIEVED);
	take_tcp(l, e->tcp);
	model_who(t)->messages_in += l->received.messages;
	model_who(t)->messages_out += l->sent.messages;
}

static void
take_ghost(struct taking *t)
{
	struct life *l = life_of(t);

	if (l == NULL)
		return;
	l->ghost = t->at;
	l->is_ghost_ended = t->ev->u.ghost.ended;
	l->ghost_received = traffic(&t->ev->u.ghost.received).bytes;
}

/* --- what happens in between --- */

/* Told of those only that waited for their answer. */
static void
take_ping(struct taking *t)
{
	const struct ev_ping *e = &t->ev->u.ping;
	struct life *l = life_of(t);

	if (l != NULL && e->dir == DIR_OUT && e->tcp.n > 0)
		l->path = span_eq(e->tcp, "acked") ? PATH_ACKED : PATH_NOT_ACKED;
}

/* Buckets grow by 14% each, from 10 microseconds to three minutes. */
static const double bucket_first = 10, bucket_ratio = 1.14;

static unsigned
rtt_bucket(int64_t rtt)
{
	double limit = bucket_first;
	unsigned at = 0;

	while (at + 1 < MODEL_RTT_BUCKETS && (double)rtt > limit) {
		limit *= bucket_ratio;
		at++;
	}
	return at;
}

static void
take_pong(struct taking *t)
{
	struct life *l = life_of(t);

	if (t->ev->u.pong.dir != DIR_IN || model_duration(t->ev->u.pong.rtt) == US_UNKNOWN)
		return;
	if (l != NULL)
		l->pongs++;
	model_who(t)->rtt_counts[rtt_bucket(t->ev->u.pong.rtt)]++;
	model_who(t)->rtts++;
}

int64_t
participant_rtt(const struct participant *p, double share)
{
	double limit = bucket_first;
	uint64_t seen = 0;

	if (p->rtts == 0)
		return US_UNKNOWN;
	for (unsigned i = 0; i < MODEL_RTT_BUCKETS; i++, limit *= bucket_ratio) {
		seen += p->rtt_counts[i];
		if ((double)seen >= share * (double)p->rtts && seen > 0)
			return (int64_t)(i == 0 ? limit : limit / 1.07);
	}
	return (int64_t)limit;
}

static void
take_violation(struct taking *t)
{
	struct life *l = life_of(t);

	if (l == NULL || t->ev->u.violation.dir != DIR_IN || l->violations++ > 0)
		return;
	l->violated = t->at;
	l->rule = model_text(t->m, t->ev->u.violation.rule);
	l->section = model_text(t->m, t->ev->u.violation.section);
}

static void
take_inject(struct taking *t)
{
	struct model *m = t->m;
	const struct ev_inject *e = &t->ev->u.inject;

	if (m->n_injections == MODEL_NOTES_MAX) {
		m->excess.notes++;
		return;
	}
	m->injections = model_grow(m->injections, m->n_injections, sizeof(*m->injections));
	m->injections[m->n_injections++] = (struct injection){ .participant = t->participant, .conn = t->ev->conn, .at = t->at,
		.plan = model_text(m, e->plan), .action = model_text(m, e->action), .line = e->line };
}

static void
take_suspend(struct taking *t)
{
	struct model *m = t->m;

	if (m->n_pauses == MODEL_NOTES_MAX) {
		m->excess.notes++;
		return;
	}
	m->pauses = model_grow(m->pauses, m->n_pauses, sizeof(*m->pauses));
	m->pauses[m->n_pauses++] = (struct pause){ .participant = t->participant, .at = t->at,
		.slept = model_duration(t->ev->u.suspend.slept), .stalled = model_duration(t->ev->u.suspend.stalled) };
}

static void
take_start(struct taking *t)
{
	struct participant *p = model_who(t);

	p->has_start = true;
	p->version = model_text(t->m, t->ev->u.start.version);
	p->url = model_text(t->m, t->ev->u.start.url);
}

static void
take_listen(struct taking *t)
{
	model_who(t)->url = model_text(t->m, t->ev->u.listen.url);
}

static void
take_retry(struct taking *t)
{
	model_who(t)->retries++;
}

static void
take_giveup(struct taking *t)
{
	model_who(t)->giveups++;
}

static void
take_end(struct taking *t)
{
	model_who(t)->has_end = true;
}

static void (*const takers[EV_TYPE_COUNT])(struct taking *t) = {
	[EV_START] = take_start,
	[EV_LISTEN] = take_listen,
	[EV_DIAL] = model_begin_dial,
	[EV_FAILED] = model_take_failed,
	[EV_REJECT] = model_take_reject,
	[EV_OPENED] = model_take_opened,
	[EV_PING] = take_ping,
	[EV_PONG] = take_pong,
	[EV_VIOLATION] = take_violation,
	[EV_LOST] = take_ended,
	[EV_CLOSE] = take_ended,
	[EV_GHOST] = take_ghost,
	[EV_RETRY] = take_retry,
	[EV_GIVEUP] = take_giveup,
	[EV_SUSPEND] = take_suspend,
	[EV_INJECT] = take_inject,
	[EV_END] = take_end,
};

static struct log *
need_log(struct model *m, uint32_t log)
{
	assert(log < MODEL_LOGS_MAX);
	while (m->n_logs <= log) {
		m->logs = model_grow(m->logs, m->n_logs, sizeof(*m->logs));
		m->logs[m->n_logs++] = (struct log){ .name = "?", .kind = "?", .resolution_us = 1 };
	}
	return &m->logs[log];
}

static void
on_begin(void *arg, uint32_t number, const struct input_log *about)
{
	struct model *m = arg;
	struct log *log = need_log(m, number);

	log->is_known = true;
	log->name = about->name != NULL ? about->name : "?";
	log->kind = about->kind != NULL ? about->kind : "?";
	log->has_date = about->has_date;
	log->has_zone = about->has_zone;
	log->has_key = about->has_key;
	log->has_mono = about->has_mono;
	log->role_is_guessed = about->role_is_guessed;
	log->resolution_us = MAX(about->resolution_us, INT64_C(0));
}

static void
on_event(void *arg, const struct place *at, const struct event *ev)
{
	struct taking t = { .m = arg, .ev = ev };

	need_log(t.m, at->log);
	t.participant = model_participant(t.m, at, ev);
	if (t.participant == NO_INDEX)
		return;
	stamp(&t, at);
	if (takers[ev->type] != NULL)
		takers[ev->type](&t);
}

static void
on_end(void *arg, uint32_t number, const struct input_counts *counts, const struct input_trouble *trouble)
{
	struct log *log = need_log(arg, number);

	log->is_over = true;
	log->counts = *counts;
	log->trouble = *trouble;
}

const struct input_events model_input = { .event = on_event, .begin = on_begin, .end = on_end };

void
model_init(struct model *m)
{
	memset(m, 0, sizeof(*m));
	m->index = model_index_new();
}

void
model_deinit(struct model *m)
{
	for (uint32_t i = 0; i < m->n_circuits; i++)
		free(m->circuits[i].lives);
	free(m->circuits);
	free(m->stories);
	free(m->verdicts);
	free(m->logs);
	free(m->participants);
	free(m->lives);
	free(m->failed);
	free(m->injections);
	free(m->pauses);
	model_index_free(m->index);
	memset(m, 0, sizeof(*m));
}
