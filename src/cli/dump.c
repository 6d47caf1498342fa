/* SPDX-License-Identifier: MIT */
#include "cli/help.h"

#include "lifecycle/event.h"
#include "log/sink.h"

#include <string.h>

static void
dump_option(struct buf *out, const struct command *cmd, const struct option_at *at)
{
	buf_printf(out, "%s\t--%s\t", cmd->name, at->row->name);
	if (at->row->letter != 0)
		buf_printf(out, "-%c", at->row->letter);
	buf_putc(out, '\t');
	option_argument(out, at->row);
	buf_printf(out, "\t%s\n", at->table->heading);
}

/* The words of the synopsis but "[options]". */
static void
dump_operands(struct buf *out, const struct command *cmd)
{
	struct span rest = span_of(cmd->synopsis), word;

	while (span_next(&rest, ' ', &word))
		if (word.n > 0 && !span_eq(word, "[options]"))
			buf_printf(out, "%s\t\t\t%.*s\toperand\n", cmd->name, (int)word.n, word.p);
}

void
help_dump(struct buf *out, const struct command *const *commands)
{
	for (size_t i = 0; commands[i] != NULL; i++) {
		struct option_at at = { 0 };

		while (option_walk(commands[i], &at))
			dump_option(out, commands[i], &at);
		dump_operands(out, commands[i]);
	}
}

static void
dump_fields(struct buf *out, const char *event, const char *prefix, const struct field *fields)
{
	for (const struct field *f = fields; f->name != NULL; f++) {
		const struct field *members = f->kind == FIELD_ATTEMPTS ? log_attempt_fields : f->members;

		buf_printf(out, "%s\t%s%s\t%s\n", event, prefix, f->name, f->unit != NULL ? f->unit : "");
		if (members != NULL) {
			char *nested CLEANUP(free_charp) = xasprintf("%s%s.", prefix, f->name);

			dump_fields(out, event, nested, members);
		}
	}
}

void
help_dump_schema(struct buf *out)
{
	dump_fields(out, "*", "", log_common_fields);
	buf_puts(out, "*\tencoding\t\n");
	for (int type = 0; type < EV_TYPE_COUNT; type++) {
		const struct event_spec *spec = event_spec((enum event_type)type);

		dump_fields(out, spec->name, "", spec->fields);
		if (type == EV_START)
			buf_printf(out, "%s\tboot\t\n", spec->name);
	}
}
