/* SPDX-License-Identifier: MIT */
/* The part of model that takes what begins: dials, opens, and what never opened. */
#include "report/model_index.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

static void
copy_key(char to[MODEL_KEY_MAX], struct span key)
{
	size_t n = MIN(key.n, (size_t)MODEL_KEY_MAX - 1);

	if (n > 0)
		memcpy(to, key.p, n);
	to[n] = '\0';
}

/* The first of a list of addresses: the client, as the first proxy saw it. */
static struct span
first_address(struct span list)
{
	struct span item = SPAN_NONE;

	return list.n > 0 && span_next(&list, ',', &item) ? span_trim(item) : item;
}

static bool
parse_date(struct span s, int64_t *ret_us)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char text[40] = "", month[4] = "";
	int day, year, h, min, sec;

	memcpy(text, s.p, MIN(s.n, sizeof(text) - 1));
	/* RFC 9110 5.6.7, the only form that is sent: Tue, 15 Nov 1994 08:12:31 GMT */
	if (s.n != 29 || sscanf(text + 5, "%2d %3s %4d %2d:%2d:%2d GMT", &day, month, &year, &h, &min, &sec) != 6)
		return false;
	const char *found = strstr(months, month);
	if (found == NULL || (found - months) % 3 != 0 || strlen(month) != 3 || year < 1970 || day < 1 || day > 31)
		return false;
	if (h < 0 || h > 23 || min < 0 || min > 59 || sec < 0 || sec > 60)
		return false;
	/* Days since 1970-01-01 (Howard Hinnant's days_from_civil). */
	int mon = (int)(found - months) / 3 + 1, y = mon <= 2 ? year - 1 : year;
	int64_t era = y / 400, yoe = y - era * 400, doy = (153 * (mon + (mon > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t days = era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
	*ret_us = (((days * 24 + h) * 60 + min) * 60 + sec) * US_PER_S;
	return true;
}

/* request out <= Date <= answer seen, and a Date has no fractions. */
static void
compare_date(struct participant *p, const struct life *l, const struct header_list *headers)
{
	for (size_t i = 0; i < headers->n; i++) {
		int64_t date, lo, hi;

		if (!span_eq_ci(headers->items[i].name, "Date") || !parse_date(headers->items[i].value, &date))
			continue;
		lo = date - l->opened.own_us;
		hi = date + US_PER_S - l->opened.own_us + MAX(l->upgrade_us, INT64_C(0));
		if (p->date_lo_us != NO_TIME) {
			lo = MAX(lo, p->date_lo_us);
			hi = MIN(hi, p->date_hi_us);
		}
		/* Another server's clock, or one that was set: the first stands. */
		if (lo > hi)
			return;
		p->date_lo_us = lo;
		p->date_hi_us = hi;
		p->dates++;
		return;
	}
}

void
model_begin_dial(struct taking *t)
{
	struct recent *r = &t->m->index->recent[t->participant];
	uint32_t at = r->next_dial++ % RECENT_DIALS;

	r->dials[at].dial = t->ev->dial;
	r->dials[at].at = t->at;
}

static void
find_dial(const struct taking *t, struct moment *ret)
{
	const struct recent *r = &t->m->index->recent[t->participant];

	for (size_t i = 0; i < RECENT_DIALS; i++)
		if (t->ev->dial != 0 && r->dials[i].dial == t->ev->dial)
			*ret = r->dials[i].at;
}

/* --- opens --- */

struct life *
model_newest_life(const struct taking *t)
{
	uint32_t n = 0;

	for (uint32_t i = t->m->n_lives; i-- > 0 && n < LOOK_BACK; n++)
		if (t->m->lives[i].participant == t->participant)
			return &t->m->lives[i];
	return NULL;
}

/* A client's text log has one connection at a time: a new one means that the old one had ended, logged or not. */
static void
end_silently(const struct taking *t)
{
	struct life *l = model_newest_life(t);

	if (l != NULL && l->is_id_counted)
		l->is_end_implied = !moment_is_known(&l->ended);
}

void
model_take_opened(struct taking *t)
{
	const struct event *ev = t->ev;
	const struct ev_opened *o = &ev->u.opened;
	uint32_t id = ev->conn != 0 ? ev->conn : ++t->m->index->recent[t->participant].counted;
	struct life *l;

	/* The same run, read twice. */
	if (ev->conn != 0 && model_find_life(t->m, t->participant, ev->leg, id) != NULL)
		return;
	if (ev->conn == 0 && model_who(t)->role == ROLE_CLIENT)
		end_silently(t);
	l = model_add_life(t->m, t->participant, ev->leg, id);
	if (l == NULL)
		return;
	l->is_id_counted = ev->conn == 0;
	l->is_untimed = model_who(t)->is_untimed;
	l->dial = ev->dial;
	l->opened = t->at;
	l->session = model_text(t->m, ev->session);
	l->is_reconnect = o->is_reconnect;
	copy_key(l->key, o->ws_key);
	l->peer = model_text(t->m, o->peer);
	l->local = model_text(t->m, o->local);
	l->forwarded_for = model_text(t->m, first_address(o->forwarded_for));
	l->url = model_text(t->m, o->url);
	l->hop = model_text(t->m, o->hop);
	l->subprotocol = model_header(t->m, SPAN_LIT("Sec-WebSocket-Protocol"), o->subprotocol);
	l->is_tls = o->tls != NULL;
	l->upgrade_us = model_duration(o->timing.upgrade);
	find_dial(t, &l->dialled);
	if (model_who(t)->role == ROLE_CLIENT)
		compare_date(model_who(t), l, &o->headers);
}

/* The same line of a run, read from another log before. */
static bool
is_known_failed(const struct taking *t)
{
	const struct model *m = t->m;

	if (model_who(t)->run == 0 || model_who(t)->log == t->at.place.log)
		return false;
	for (uint32_t i = m->n_failed; i-- > 0;) {
		const struct failed *f = &m->failed[i];

		if (f->participant == t->participant && f->dial == t->ev->dial && f->leg == t->ev->leg && f->at.own_us == t->at.own_us
		    && f->at.place.log != t->at.place.log)
			return true;
	}
	return false;
}

static bool
add_failed(struct taking *t, struct failed **ret)
{
	struct model *m = t->m;

	if (is_known_failed(t))
		return false;
	if (m->n_failed == MODEL_FAILED_MAX) {
		m->excess.failed++;
		return false;
	}
	m->failed = model_grow(m->failed, m->n_failed, sizeof(*m->failed));
	*ret = &m->failed[m->n_failed++];
	**ret = (struct failed){ .participant = t->participant, .dial = t->ev->dial, .leg = t->ev->leg, .circuit = NO_INDEX, .story = NO_INDEX, .at = t->at };
	(*ret)->session = model_text(m, t->ev->session);
	return true;
}

void
model_take_failed(struct taking *t)
{
	const struct ev_failed *e = &t->ev->u.failed;
	struct failed *f;

	if (!add_failed(t, &f))
		return;
	f->stage = e->stage;
	f->cause = e->cause;
	f->error = e->code;
	f->status = e->status;
	f->took = model_duration(e->took);
	copy_key(f->key, e->ws_key);
	f->text = model_text(t->m, e->text);
	f->hop = model_text(t->m, e->hop);
	f->local = model_text(t->m, e->local);
}

void
model_take_reject(struct taking *t)
{
	const struct ev_reject *e = &t->ev->u.reject;
	struct failed *f;

	if (!add_failed(t, &f))
		return;
	f->is_reject = true;
	f->stage = STAGE_UPGRADE;
	f->cause = e->cause;
	f->status = e->status;
	f->took = model_duration(e->took);
	f->text = model_text(t->m, e->text);
	f->peer = model_text(t->m, e->peer);
}
