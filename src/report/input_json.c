/* SPDX-License-Identifier: MIT */
/* input_json: wsdiag's own log; log/reader does the work. */
#include "log/reader.h"
#include "report/input_kind.h"

struct json_log {
	struct input_out *out;
	struct log_reader *reader;
};

static void *
json_open(struct input_out *out, struct span head UNUSED)
{
	struct json_log *j = xcalloc(1, sizeof(*j));

	j->out = out;
	j->reader = log_reader_new(LOG_LIFECYCLE);
	out->about.has_date = out->about.has_zone = out->about.has_key = out->about.has_mono = true;
	out->about.resolution_us = 1;
	return j;
}

static void
json_line(void *reader, const struct input_line *line)
{
	struct json_log *j = reader;
	struct event ev;

	if (line->text.n == 0)
		return;
	switch (log_reader_line(j->reader, line->text, line->is_whole, &ev)) {
	case LOG_EVENT: input_tell(j->out, line->number, &ev); break;
	case LOG_UNREADABLE:
		if (line->has_end)
			input_tell_unreadable(j->out, line->number);
		else
			j->out->trouble.torn_end = true;
		break;
	case LOG_COUNTED:
	case LOG_UNKNOWN: break;
	}
}

static void
json_close(void *reader)
{
	struct json_log *j = reader;
	struct log_totals totals = log_reader_totals(j->reader);
	struct input_trouble *trouble = &j->out->trouble;

	j->out->counts.messages = totals.messages;
	trouble->unknown_events = totals.unknown_events;
	trouble->newer_version = totals.newer_version;
	trouble->missing_seq = totals.missing_seq;
	trouble->out_of_order = totals.out_of_order;
	trouble->no_end = totals.no_end;
	log_reader_free(j->reader);
	free(j);
}

const struct input_kind input_wsdiag = {
	.name = "wsdiag",
	.title = "wsdiag",
	.help = "JSON lines of wsdiag (--log, --json)",
	.knows = log_reader_knows,
	.open = json_open,
	.line = json_line,
	.close = json_close,
};
