/* SPDX-License-Identifier: MIT */
#include "report/view.h"

#include "base/clock.h"
#include "base/escape.h"
#include "codec/url.h"

#include <inttypes.h>
#include <string.h>

#define DAY_US (INT64_C(24) * 3600 * US_PER_S)

/* --- text --- */

void
view_text(struct buf *out, const char *s, size_t max)
{
	struct buf clear CLEANUP(buf_deinit) = { 0 };

	url_redact(&clear, span_of(s));
	escape_text(out, buf_span(&clear), max);
}

void
view_sentence(struct buf *out, const char *s)
{
	url_redact(out, span_of(s));
}

void
view_life(struct buf *out, const struct model *m, uint32_t life)
{
	buf_printf(out, "%s ", m->participants[m->lives[life].participant].name);
	life_name(out, m, life);
}

/* --- times --- */

/* Floored, so that times before the first midnight come out right. */
static int64_t
day_of(int64_t us)
{
	return us / DAY_US - (us % DAY_US < 0);
}

static bool
has_fractions(const struct model *m)
{
	for (uint32_t i = 0; i < m->n_participants; i++)
		if (m->participants[i].resolution_us < US_PER_S)
			return true;
	return false;
}

/* The hour, minute and second of an RFC 3339 stamp, whose date has ten characters and a T. */
static void
put_time_of_day(struct buf *out, int64_t us, int decimals)
{
	struct buf stamp CLEANUP(buf_deinit) = { 0 };

	clock_format_rfc3339(&stamp, us);
	buf_append(out, buf_head(&stamp) + strlen("2026-03-04T"), strlen("22:13:02") + (decimals > 0 ? 1 + (size_t)decimals : 0));
}

static void
put_date(struct buf *out, int64_t us)
{
	struct buf stamp CLEANUP(buf_deinit) = { 0 };

	clock_format_rfc3339(&stamp, us);
	buf_append(out, buf_head(&stamp), strlen("2026-03-04"));
}

/* "03-04 " */
static void
put_month_day(struct buf *out, int64_t us)
{
	struct buf stamp CLEANUP(buf_deinit) = { 0 };

	clock_format_rfc3339(&stamp, us);
	buf_printf(out, "%.5s ", buf_cstr(&stamp) + strlen("2026-"));
}

static void
put_day(struct buf *out, int64_t us)
{
	if (day_of(us) != 0)
		buf_printf(out, "%+" PRId64 "d ", day_of(us));
}

static void
put_clock(struct buf *out, const struct view *v, int64_t at_us)
{
	put_time_of_day(out, at_us, has_fractions(v->m) ? 3 : 0);
}

void
view_clock(struct buf *out, const struct view *v, int64_t at_us)
{
	if (!v->m->is_dated)
		put_day(out, at_us);
	else if (v->m->from_us != NO_TIME && day_of(v->m->from_us) != day_of(v->m->to_us))
		put_month_day(out, at_us);
	put_clock(out, v, at_us);
}

void
view_stamp(struct buf *out, const struct view *v, int64_t at_us)
{
	if (v->m->is_dated) {
		put_date(out, at_us);
		buf_putc(out, 'T');
	} else {
		put_day(out, at_us);
	}
	put_time_of_day(out, at_us, 6);
	if (v->m->is_dated && v->m->is_zoned)
		buf_putc(out, 'Z');
}

void
view_date_clock(struct buf *out, const struct view *v, int64_t at_us)
{
	if (v->m->is_dated) {
		put_date(out, at_us);
		buf_putc(out, ' ');
	} else {
		put_day(out, at_us);
	}
	put_clock(out, v, at_us);
	if (v->m->is_dated && v->m->is_zoned)
		buf_putc(out, 'Z');
}

void
view_period(struct buf *out, const struct view *v, int64_t from_us, int64_t to_us)
{
	view_date_clock(out, v, from_us);
	buf_puts(out, " to ");
	if (v->m->is_dated && day_of(from_us) != day_of(to_us)) {
		view_date_clock(out, v, to_us);
		return;
	}
	view_clock(out, v, to_us);
	if (v->m->is_dated && v->m->is_zoned)
		buf_putc(out, 'Z');
}

bool
view_next_open(const struct model *m, const struct life *l, struct moment *ret)
{
	for (const struct life *next = l + 1; next < m->lives + m->n_lives; next++) {
		if (next->participant != l->participant || !moment_is_known(&next->opened))
			continue;
		*ret = next->opened;
		return true;
	}
	return false;
}

int64_t
view_end(const struct model *m, const struct life *l, bool *ret_is_open)
{
	const struct participant *p = &m->participants[l->participant];
	struct moment next;

	*ret_is_open = !moment_is_known(&l->ended);
	if (moment_is_known(&l->ended))
		return l->ended.at_us;
	if (l->is_end_implied && view_next_open(m, l, &next))
		return next.at_us;
	return p->last_us != NO_TIME ? p->last_us + p->shift_us : m->to_us;
}

int64_t
view_begin(const struct model *m, const struct life *l)
{
	const struct participant *p = &m->participants[l->participant];

	if (moment_is_known(&l->opened))
		return l->opened.at_us;
	return p->first_us != NO_TIME ? p->first_us + p->shift_us : m->from_us;
}

bool
view_is_shown(const struct model *m, const struct circuit *c)
{
	return c->n_lives > 0 && !m->lives[c->lives[0]].is_hidden;
}

const char *
view_join_name(enum join_by by)
{
	static const char *const names[] = { "none", "key", "tag", "address", "time" };

	return names[by];
}

const char *
view_basis_name(enum clock_basis basis)
{
	static const char *const names[] = { "unknown", "reference", "boot id", "pairs", "order" };

	return names[basis];
}
