/* SPDX-License-Identifier: MIT */
#include "log/json_line.h"

/* A line longer than this was a message of rare size: its memory goes back. */
enum { KEEP = 256 * 1024 };

struct sink_json {
	struct sink base;
	struct json_line line;
	uint64_t seq;
	line_fn *write;
	void *arg;
};

static void
json_event(struct sink *s, const struct event *ev)
{
	struct sink_json *j = container_of(s, struct sink_json, base);

	json_line_put(&j->line, ev, ++j->seq);
	buf_putc(&j->line.text, '\n');
	j->write(j->arg, (const char *)buf_head(&j->line.text), j->line.text.len);
	buf_clear(&j->line.text);
	buf_clear(&j->line.scratch);
	buf_shrink(&j->line.text, KEEP);
	buf_shrink(&j->line.scratch, KEEP);
}

static void
json_free(struct sink *s)
{
	struct sink_json *j = container_of(s, struct sink_json, base);

	json_line_deinit(&j->line);
	free(j);
}

struct sink *
sink_json_new(const struct json_options *opt, line_fn *line, void *arg)
{
	struct sink_json *j = xcalloc(1, sizeof(*j));

	j->base = (struct sink){ .event = json_event, .free = json_free, .wants = opt->wants };
	json_line_init(&j->line, opt);
	j->write = line;
	j->arg = arg;
	return &j->base;
}
