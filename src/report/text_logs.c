/* SPDX-License-Identifier: MIT */
/* The part of text with what was read, and how it was joined. */
#include "report/text.h"

#include "base/clock.h"
#include "base/escape.h"
#include "report/findings.h"

#include <inttypes.h>
#include <string.h>

enum { CLOCKS_SHOWN = 8, NAMES_SHOWN = 3 };

struct text {
	struct buf *out;
	const struct model *m;
	const struct text_options *opt;
};

/* --- what was read --- */

static void
put_trouble(struct buf *line, const struct log *log)
{
	const struct input_trouble *t = &log->trouble;
	const struct {
		uint64_t n;
		const char *what;
	} rows[] = {
		{ t->unreadable, "unreadable" },
		{ t->missing_seq, "lost (gaps in seq)" },
		{ t->out_of_order, "out of order" },
		{ t->unknown_events, "of unknown events" },
		{ t->newer_version, "of a newer version" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].n > 0)
			buf_printf(line, "; %" PRIu64 " line%s %s", rows[i].n, rows[i].n == 1 ? "" : "s", rows[i].what);
	for (size_t i = 0; i < MIN(t->unreadable, (uint64_t)ARRAY_LEN(t->first_unreadable)); i++)
		buf_printf(line, "%s%" PRIu64, i == 0 ? " (line " : ", ", t->first_unreadable[i]);
	if (t->unreadable > 0)
		buf_puts(line, t->unreadable > ARRAY_LEN(t->first_unreadable) ? ", ...)" : ")");
	if (t->torn_end)
		buf_puts(line, "; its last line is cut");
	if (t->no_end && log->has_mono)
		buf_puts(line, "; cut short: no end event");
}

static void
put_lacks(struct buf *line, const struct log *log)
{
	const struct {
		bool has;
		const char *what;
	} rows[] = { { log->resolution_us > 0, "time" }, { log->has_date, "date" }, { log->has_zone, "zone" }, { log->has_key, "key" } };
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!rows[i].has)
			buf_printf(line, "%s%s", n++ > 0 ? ", " : "; no ", rows[i].what);
}

static void
put_names(struct buf *line, const struct model *m, uint32_t log)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < m->n_participants; i++) {
		if (m->participants[i].log != log)
			continue;
		if (n < NAMES_SHOWN)
			buf_printf(line, "%s%s", n > 0 ? ", " : "", m->participants[i].name);
		n++;
	}
	if (n == 0)
		buf_puts(line, "-");
	if (n > NAMES_SHOWN)
		buf_printf(line, " and %u more", n - NAMES_SHOWN);
}

static void
put_logs(struct text *t)
{
	const struct model *m = t->m;

	for (uint32_t i = 0; i < m->n_logs; i++) {
		const struct log *log = &m->logs[i];
		struct buf line CLEANUP(buf_deinit) = { 0 };

		if (!log->is_known)
			continue;
		put_names(&line, m, i);
		buf_puts(&line, "  ");
		log_name(&line, m, i);
		buf_printf(&line, "  %" PRIu64 " line%s  ", log->counts.lines, log->counts.lines == 1 ? "" : "s");
		escape_text(&line, span_of(log->kind), 0);
		if (log->role_is_guessed)
			buf_puts(&line, ", role by its words");
		put_lacks(&line, log);
		put_trouble(&line, log);
		text_folded(t->out, t->opt, &line, 2);
	}
}

/* --- how it was joined --- */

static void
put_joins(struct buf *line, const struct joining *j)
{
	static const char *const names[] = { [JOIN_KEY] = "key", [JOIN_TAG] = "tag", [JOIN_ADDRESS] = "address", [JOIN_TIME] = "time and order" };
	unsigned n = 0;

	if (j->by[JOIN_KEY] + j->by[JOIN_TAG] + j->by[JOIN_ADDRESS] == 0 && j->by[JOIN_TIME] > 0) {
		buf_puts(line, "joined by time and order only");
		return;
	}
	for (int by = JOIN_KEY; by < JOIN_BY_COUNT; by++)
		if (j->by[by] > 0)
			buf_printf(line, "%s%s (%" PRIu32 ")", n++ > 0 ? ", " : "joined by ", names[by], j->by[by]);
}

static void
put_clock(struct buf *line, const struct model *m, const struct participant *p)
{
	switch (p->basis) {
	case CLOCK_UNKNOWN: buf_printf(line, "%s's clock not compared", p->name); break;
	case CLOCK_SAME_BOOT: buf_printf(line, "%s on the same machine's clock", p->name); break;
	case CLOCK_PAIRS:
	case CLOCK_ORDER: {
		int64_t wrong = -p->shift_us;

		if (p->is_untimed) {
			buf_printf(line, "%s has no times, and is placed by what it shares", p->name);
			break;
		}

		/* Of a monotonic clock the report's zero is its wall time at the first event. */
		buf_printf(line, "%s's clock ", p->name);
		if (llabs(wrong) <= p->uncertainty_us) {
			buf_puts(line, "agrees to ");
		} else {
			say_duration(line, llabs(wrong));
			buf_puts(line, wrong > 0 ? " ahead, within " : " behind, within ");
		}
		say_duration(line, p->uncertainty_us);
		buf_printf(line, " (%" PRIu32 " pair%s)", p->pairs, p->pairs == 1 ? "" : "s");
		break;
	}
	default: break;
	}
	(void)m;
}

static bool
is_by_time_only(const struct model *m)
{
	const struct joining *j = &m->joining;

	return j->by[JOIN_TIME] > 0 && j->by[JOIN_KEY] + j->by[JOIN_TAG] + j->by[JOIN_ADDRESS] == 0 && j->time_shift_us == 0 && m->n_participants == 2;
}

static void
put_clocks(struct buf *line, const struct model *m)
{
	unsigned n = 0;

	if (is_by_time_only(m)) {
		buf_puts(line, "; clocks agree to ");
		say_duration(line, m->joining.time_within_us);
		buf_printf(line, " (%" PRIu32 " pairs)", m->joining.time_pairs);
		return;
	}
	for (uint32_t i = 0; i < m->n_participants; i++) {
		if (m->participants[i].basis == CLOCK_REFERENCE)
			continue;
		if (n++ >= CLOCKS_SHOWN)
			continue;
		buf_puts(line, line->len > 0 ? "; " : "");
		put_clock(line, m, &m->participants[i]);
	}
	if (n > CLOCKS_SHOWN)
		buf_printf(line, "; and %u more", n - CLOCKS_SHOWN);
}

/* One client alone: what the servers' Date headers say of its clock. */
static void
put_dates(struct text *t)
{
	const struct model *m = t->m;

	for (uint32_t i = 0; i < m->n_participants; i++) {
		const struct participant *p = &m->participants[i];
		int64_t middle = p->date_lo_us + (p->date_hi_us - p->date_lo_us) / 2, within = (p->date_hi_us - p->date_lo_us) / 2;

		if (p->dates == 0 || p->basis != CLOCK_REFERENCE || (p->date_lo_us <= 0 && p->date_hi_us >= 0))
			continue;
		buf_printf(t->out, "the server's Date is ");
		say_duration(t->out, llabs(middle));
		buf_printf(t->out, " %s %s's clock, within ", middle > 0 ? "ahead of" : "behind", p->name);
		say_duration(t->out, within);
		buf_printf(t->out, " (%" PRIu32 " answers)\n", p->dates);
	}
}

static void
put_joining(struct text *t)
{
	const struct model *m = t->m;
	struct buf line CLEANUP(buf_deinit) = { 0 };

	put_joins(&line, &m->joining);
	put_clocks(&line, m);
	if (m->joining.ambiguous > 0)
		buf_printf(&line, "%s%" PRIu32 " could be joined in several ways, and were not", line.len > 0 ? "; " : "", m->joining.ambiguous);
	if (m->joining.unmatched > 0 && m->n_logs > 1)
		buf_printf(&line, "%s%" PRIu32 " seen by one end only", line.len > 0 ? "; " : "", m->joining.unmatched);
	if (line.len > 0)
		text_folded(t->out, t->opt, &line, 0);
	put_dates(t);
}

static void
put_excess(struct text *t)
{
	const struct model_excess *e = &t->m->excess;
	const struct {
		uint64_t n;
		const char *what;
	} rows[] = {
		{ e->participants, "events of runs" }, { e->lives, "connections" }, { e->failed, "failed dials" }, { e->notes, "faults and pauses" }, { e->texts, "texts" },
		{ e->verdicts, "overlaps" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].n > 0)
			buf_printf(t->out, "too many: %" PRIu64 " %s are left out\n", rows[i].n, rows[i].what);
}

static void
put_day(struct text *t)
{
	const struct model *m = t->m;
	struct buf from CLEANUP(buf_deinit) = { 0 }, to CLEANUP(buf_deinit) = { 0 };

	if (!m->is_dated || m->from_us == NO_TIME)
		return;
	clock_format_rfc3339(&from, m->from_us);
	clock_format_rfc3339(&to, m->to_us);
	buf_printf(t->out, "%.10s", buf_cstr(&from));
	if (strncmp(buf_cstr(&from), buf_cstr(&to), 10) != 0)
		buf_printf(t->out, " to %.10s", buf_cstr(&to));
	buf_puts(t->out, m->is_zoned ? ", times are UTC\n" : ", in the log's own zone\n");
}

void
text_logs(struct buf *out, const struct model *m, const struct text_options *opt)
{
	struct text t = { .out = out, .m = m, .opt = opt };

	put_logs(&t);
	put_joining(&t);
	put_excess(&t);
	put_day(&t);
}
