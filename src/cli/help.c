/* SPDX-License-Identifier: MIT */
#include "cli/help.h"

#include "cli/exit_status.h"
#include "log/fold.h"

#include <string.h>

enum { DEFAULT_COLUMNS = 80, NARROW = 50, LEFT_MAX = 30, LEFT_NARROW = 8 };

static struct fold
paper(struct buf *out, unsigned columns)
{
	return (struct fold){ .out = out, .columns = columns > 0 ? columns : DEFAULT_COLUMNS };
}

static void
put_paragraph(struct fold *f, const char *text)
{
	f->indent = 0;
	fold_newline(f);
	fold_text(f, span_of(text));
	fold_newline(f);
}

/* A name in its column and what it means in the next, below it where the name is too long. */
static void
put_row(struct fold *f, struct span left, const char *right, unsigned column)
{
	f->indent = 2;
	f->gap = f->margin = 2;
	fold_text(f, left);
	f->indent = column;
	if (f->col + 2 > column)
		fold_newline(f);
	else
		fold_space(f, column - f->col);
	fold_text(f, span_of(right));
	f->indent = 0;
	fold_newline(f);
}

/* "-s, --subprotocol NAME"; names without a letter line up. */
static void
put_names(struct buf *out, const struct option *row)
{
	struct buf argument CLEANUP(buf_deinit) = { 0 };

	if (row->letter != 0)
		buf_printf(out, "-%c, ", row->letter);
	else
		buf_puts(out, "    ");
	buf_printf(out, "--%s", row->name);
	option_argument(&argument, row);
	if (argument.len > 0)
		buf_printf(out, row->bare != NULL ? "[=%s]" : " %s", buf_cstr(&argument));
}

static unsigned
option_column(const struct command *cmd, const struct fold *f)
{
	struct option_at at = { 0 };
	unsigned widest = 0;

	if (f->columns < NARROW)
		return LEFT_NARROW;
	while (option_walk(cmd, &at)) {
		struct buf names CLEANUP(buf_deinit) = { 0 };

		put_names(&names, at.row);
		if (names.len + 4 <= LEFT_MAX)
			widest = MAX(widest, (unsigned)names.len + 4);
	}
	return widest;
}

static void
put_options(struct fold *f, const struct command *cmd)
{
	const struct option_table *table = NULL;
	unsigned column = option_column(cmd, f);
	struct option_at at = { 0 };

	while (option_walk(cmd, &at)) {
		struct buf names CLEANUP(buf_deinit) = { 0 };

		if (at.table != table) {
			fold_newline(f);
			fold_text(f, span_of(at.table->heading));
			fold_text(f, SPAN_LIT(":\n"));
		}
		table = at.table;
		put_names(&names, at.row);
		put_row(f, buf_span(&names), at.row->help, column);
	}
}

/* Examples are commands: they are not folded, so that they can be copied. */
static void
put_examples(struct fold *f, const char *examples)
{
	struct span rest = span_of(examples), line;

	buf_puts(f->out, "\nExamples:\n");
	while (span_next(&rest, '\n', &line)) {
		if (line.n == 0)
			continue;
		buf_puts(f->out, "  ");
		buf_append(f->out, line.p, line.n);
		buf_putc(f->out, '\n');
	}
}

void
help_command(struct buf *out, const struct command *cmd, unsigned columns)
{
	struct fold f = paper(out, columns);

	f.indent = 4;
	fold_text(&f, SPAN_LIT("Usage: wsdiag "));
	fold_text(&f, span_of(cmd->name));
	fold_space(&f, 1);
	fold_text(&f, span_of(cmd->synopsis));
	f.indent = 0;
	fold_newline(&f);
	put_paragraph(&f, cmd->about != NULL ? cmd->about : cmd->summary);
	put_options(&f, cmd);
	if (cmd->examples != NULL)
		put_examples(&f, cmd->examples);
	buf_printf(out, "\nManual: wsdiag-%s(1). Exit status: wsdiag --help.\n", cmd->name);
}

static void
put_exit_rows(struct fold *f)
{
	buf_puts(f->out, "\nExit status:\n");
	for (const struct exit_row *row = exit_rows; row->meaning != NULL; row++) {
		struct buf number CLEANUP(buf_deinit) = { 0 };

		buf_printf(&number, "%3d", row->status);
		put_row(f, buf_span(&number), row->meaning, 7);
	}
}

void
help_overview(struct buf *out, const struct command *const *commands, unsigned columns)
{
	struct fold f = paper(out, columns);

	f.indent = 7;
	fold_text(&f, SPAN_LIT("Usage: wsdiag [options] URL"));
	fold_newline(&f);
	fold_text(&f, SPAN_LIT("wsdiag COMMAND [options] [arguments]"));
	f.indent = 0;
	fold_newline(&f);
	put_paragraph(&f, "WebSocket connections, diagnosed: what happened, who did it, and when.");
	buf_puts(out, "\nCommands:\n");
	for (size_t i = 0; commands[i] != NULL; i++)
		put_row(&f, span_of(commands[i]->name), commands[i]->summary, 14);
	put_row(&f, SPAN_LIT("help"), "the options of a command: wsdiag help serve", 14);
	put_row(&f, SPAN_LIT("completion"), "a script for the shell's completion: bash, zsh or fish", 14);
	put_paragraph(&f, "A URL alone means connect. --version tells the version and those of the libraries.");
	put_exit_rows(&f);
	buf_puts(out, "\nManual: wsdiag(1), wsdiag-log(5).\n");
}
