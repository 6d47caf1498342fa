/* SPDX-License-Identifier: MIT */
#include "cli/completion.h"

#include <string.h>

/* Inside a single-quoted argument of _arguments: quotes end it, brackets and colons have a meaning there. */
static void
put_quoted(struct buf *out, const char *text, const char *special)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			buf_puts(out, "'\\''");
		else if (strchr(special, *text) != NULL)
			buf_printf(out, "\\%c", *text);
		else
			buf_putc(out, *text);
	}
}

static bool
may_repeat(const struct option *row)
{
	return row->kind == OPT_LIST || row->kind == OPT_COUNT;
}

/* ":argument:action" */
static void
put_action(struct buf *out, const struct option *row)
{
	struct buf argument CLEANUP(buf_deinit) = { 0 }, words CLEANUP(buf_deinit) = { 0 };

	if (!completion_takes_argument(row) || row->bare != NULL)
		return;
	option_argument(&argument, row);
	buf_putc(out, ':');
	put_quoted(out, buf_cstr(&argument), "[]:\\");
	buf_putc(out, ':');
	if (completion_wants_files(row)) {
		buf_puts(out, "_files");
	} else if (completion_wants_plans(row)) {
		buf_puts(out, "_wsdiag_plans");
	} else if (completion_put_words(&words, row)) {
		buf_printf(out, "(%s)", buf_cstr(&words));
	} else {
		buf_putc(out, ' ');
	}
}

/* One spec for each spelling: '(-s --subprotocol)-s+[help]:NAME: '. */
static void
put_spec(struct buf *out, const struct option *row, const char *spelling, const char *joint)
{
	buf_puts(out, "\t\t'");
	if (may_repeat(row))
		buf_putc(out, '*');
	else if (row->letter != 0)
		buf_printf(out, "(-%c --%s)", row->letter, row->name);
	buf_printf(out, "%s%s[", spelling, completion_takes_argument(row) ? joint : "");
	put_quoted(out, row->help, "[]\\");
	buf_putc(out, ']');
	put_action(out, row);
	buf_puts(out, "' \\\n");
}

static void
put_command(struct buf *out, const struct command *cmd)
{
	struct option_at at = { 0 };

	buf_printf(out, "_wsdiag_%s()\n{\n\t_arguments -s -S \\\n", cmd->name);
	while (option_walk(cmd, &at)) {
		char letter[] = { '-', at.row->letter, '\0' };
		char *name CLEANUP(free_charp) = xasprintf("--%s", at.row->name);

		if (at.row->letter != 0)
			put_spec(out, at.row, letter, "+");
		put_spec(out, at.row, name, "=");
	}
	buf_printf(out, "\t\t'*: :%s'\n}\n\n", completion_operand_is_file(cmd) ? "_files" : " ");
}

static void
put_command_list(struct buf *out, const struct command *const *commands)
{
	buf_puts(out, "_wsdiag_commands()\n{\n\tlocal -a commands=(\n");
	for (size_t i = 0; commands[i] != NULL; i++) {
		buf_printf(out, "\t\t'%s:", commands[i]->name);
		put_quoted(out, commands[i]->summary, "\\");
		buf_puts(out, "'\n");
	}
	buf_puts(out, "\t\t'help:the options of a command'\n"
	              "\t\t'completion:a script for the completion of a shell'\n"
	              "\t)\n\t_describe command commands\n}\n\n");
}

static void
put_plans(struct buf *out)
{
	const struct option plan = { .complete = "plan" };

	buf_puts(out, "_wsdiag_plans()\n{\n\t_alternative 'plans:plan:(");
	completion_put_words(out, &plan);
	buf_puts(out, ")' 'files:file:_files'\n}\n\n");
}

void
completion_zsh(struct buf *out, const struct command *const *commands)
{
	buf_puts(out, "#compdef wsdiag\n# zsh completion of wsdiag; made by: wsdiag completion zsh\n\n");
	for (size_t i = 0; commands[i] != NULL; i++)
		put_command(out, commands[i]);
	put_command_list(out, commands);
	put_plans(out);
	buf_puts(out, "_wsdiag()\n{\n"
	              "\tif (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n"
	              "\t\t_wsdiag_commands\n"
	              "\t\treturn\n"
	              "\tfi\n"
	              "\tcase $words[2] in\n"
	              "\thelp) _wsdiag_commands ;;\n"
	              "\tcompletion) _values shell bash zsh fish ;;\n");
	for (size_t i = 0; commands[i] != NULL; i++)
		buf_printf(out, "\t%s) shift words; (( CURRENT-- )); _wsdiag_%s ;;\n", commands[i]->name, commands[i]->name);
	buf_puts(out, "\t*) _wsdiag_connect ;;\n\tesac\n}\n\n"
	              "if [[ $funcstack[1] == _wsdiag ]]; then\n\t_wsdiag \"$@\"\nelse\n\tcompdef _wsdiag wsdiag\nfi\n");
}
