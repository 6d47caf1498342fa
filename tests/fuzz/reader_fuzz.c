/* SPDX-License-Identifier: MIT */
/* Lines of a log: whatever can be read is written again, and that reads as the same event. A line that is only counted never reads as one that is told. */
#include "fuzz/fuzz.h"

#include "log/reader.h"
#include "log/sink.h"

#include <string.h>

static const struct json_options everything = { .wants = EVENT_ALL, .show_secrets = true, .message_data = true };

static void
check_again(struct log_reader *r, const struct event *ev)
{
	struct buf first CLEANUP(buf_deinit) = { 0 }, second CLEANUP(buf_deinit) = { 0 };
	enum event_type type = ev->type;
	struct event again;

	event_to_json(&first, ev, ev->seq, &everything);
	MUST_HOLD(log_reader_line(r, buf_span(&first), true, &again) == LOG_EVENT);
	MUST_HOLD(again.type == type);
	event_to_json(&second, &again, again.seq, &everything);
	MUST_HOLD(strcmp(buf_cstr(&first), buf_cstr(&second)) == 0);
}

static void
check_line(struct log_reader *all, struct log_reader *lifecycle, struct span line)
{
	struct event ev;
	enum log_line shallow = log_reader_line(lifecycle, line, true, &ev), deep = log_reader_line(all, line, true, &ev);

	MUST_HOLD(shallow != LOG_EVENT || deep == LOG_EVENT);
	MUST_HOLD(deep != LOG_COUNTED);
	MUST_HOLD(deep != LOG_UNREADABLE || strlen(log_reader_error(all)) > 0);
	if (deep == LOG_EVENT)
		check_again(all, &ev);
	log_reader_line(lifecycle, line, false, &ev);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct log_reader *all = log_reader_new(LOG_ALL), *lifecycle = log_reader_new(LOG_LIFECYCLE);
	struct span rest = { (const char *)data, n }, line;

	log_reader_knows(rest);
	while (n > 0 && span_next(&rest, '\n', &line))
		check_line(all, lifecycle, line);
	log_reader_totals(all);
	log_reader_free(all);
	log_reader_free(lifecycle);
	return 0;
}
