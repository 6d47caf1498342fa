/* SPDX-License-Identifier: MIT */
#include "cli/completion.h"

#include <string.h>

static void
put_quoted(struct buf *out, const char *text)
{
	buf_putc(out, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
	buf_putc(out, '\'');
}

static void
put_option(struct buf *out, const struct command *cmd, const struct option *row)
{
	struct buf words CLEANUP(buf_deinit) = { 0 };

	buf_printf(out, "complete -c wsdiag -n '__wsdiag_is %s' -l %s", cmd->name, row->name);
	if (row->letter != 0)
		buf_printf(out, " -s %c", row->letter);
	if (completion_takes_argument(row))
		buf_puts(out, completion_wants_files(row) || completion_wants_plans(row) ? " -r -F" : " -x");
	if (completion_put_words(&words, row))
		buf_printf(out, " -a '%s'", buf_cstr(&words));
	buf_puts(out, " -d ");
	put_quoted(out, row->help);
	buf_putc(out, '\n');
}

static void
put_command(struct buf *out, const struct command *cmd)
{
	struct option_at at = { 0 };

	buf_printf(out, "complete -c wsdiag -n __fish_is_first_token -a %s -d ", cmd->name);
	put_quoted(out, cmd->summary);
	buf_putc(out, '\n');
	while (option_walk(cmd, &at))
		put_option(out, cmd, at.row);
	if (completion_operand_is_file(cmd))
		buf_printf(out, "complete -c wsdiag -n '__wsdiag_is %s' -F\n", cmd->name);
}

static void
put_names(struct buf *out, const struct command *const *commands)
{
	for (size_t i = 0; commands[i] != NULL; i++)
		buf_printf(out, "%s ", commands[i]->name);
}

void
completion_fish(struct buf *out, const struct command *const *commands)
{
	buf_puts(out, "# fish completion of wsdiag; made by: wsdiag completion fish\n"
	              "function __wsdiag_is\n"
	              "\tset -l words (commandline -opc)\n"
	              "\tset -l command connect\n"
	              "\tif set -q words[2]; and contains -- $words[2] ");
	put_names(out, commands);
	buf_puts(out, "help completion\n"
	              "\t\tset command $words[2]\n"
	              "\tend\n"
	              "\ttest $command = $argv[1]\n"
	              "end\n"
	              "complete -c wsdiag -f\n");
	for (size_t i = 0; commands[i] != NULL; i++)
		put_command(out, commands[i]);
	buf_puts(out, "complete -c wsdiag -n __fish_is_first_token -a help -d 'the options of a command'\n"
	              "complete -c wsdiag -n __fish_is_first_token -a completion -d 'a script for the completion of a shell'\n"
	              "complete -c wsdiag -n __fish_is_first_token -l version -d 'the version and those of the libraries'\n"
	              "complete -c wsdiag -n '__wsdiag_is completion' -a 'bash zsh fish'\n"
	              "complete -c wsdiag -n '__wsdiag_is help' -a '");
	put_names(out, commands);
	buf_puts(out, "'\n");
}
