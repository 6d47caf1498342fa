/* SPDX-License-Identifier: MIT */
#include "cli/completion.h"

/* Options and their letters, separated by spaces. */
static void
put_names(struct buf *out, const struct command *cmd)
{
	struct option_at at = { 0 };

	while (option_walk(cmd, &at)) {
		buf_printf(out, " --%s", at.row->name);
		if (at.row->letter != 0)
			buf_printf(out, " -%c", at.row->letter);
	}
}

/* One arm of the case over command:option: what may stand behind that option. */
static void
put_value_arm(struct buf *out, const struct command *cmd, const struct option *row)
{
	struct buf words CLEANUP(buf_deinit) = { 0 };

	if (!completion_takes_argument(row))
		return;
	buf_printf(out, "\t%s:--%s", cmd->name, row->name);
	if (row->letter != 0)
		buf_printf(out, "|%s:-%c", cmd->name, row->letter);
	buf_puts(out, ") ");
	if (completion_wants_files(row) || completion_wants_plans(row))
		buf_puts(out, "_wsdiag_files \"$cur\"; ");
	if (completion_put_words(&words, row))
		buf_printf(out, "COMPREPLY+=($(compgen -W '%s' -- \"$cur\")); ", buf_cstr(&words));
	buf_puts(out, "return ;;\n");
}

static void
put_value_arms(struct buf *out, const struct command *const *commands)
{
	buf_puts(out, "\tcase $cmd:$prev in\n");
	for (size_t i = 0; commands[i] != NULL; i++) {
		struct option_at at = { 0 };

		while (option_walk(commands[i], &at))
			put_value_arm(out, commands[i], at.row);
	}
	buf_puts(out, "\tesac\n");
}

static void
put_command_arms(struct buf *out, const struct command *const *commands)
{
	buf_puts(out, "\tcase $cmd in\n\thelp) words=$commands ;;\n\tcompletion) words='bash zsh fish' ;;\n");
	for (size_t i = 0; commands[i] != NULL; i++) {
		buf_printf(out, "\t%s) words='", commands[i]->name);
		put_names(out, commands[i]);
		buf_printf(out, "' files=%d ;;\n", completion_operand_is_file(commands[i]));
	}
	buf_puts(out, "\tesac\n");
}

/*
 * COMP_WORDBREAKS has '=' and ':': --time=lo comes as three words, a URL as several. Nothing of the bash-completion package is needed.
 */
void
completion_bash(struct buf *out, const struct command *const *commands)
{
	buf_puts(out, "# bash completion of wsdiag; made by: wsdiag completion bash\n"
	              "_wsdiag_files()\n"
	              "{\n"
	              "\tlocal IFS=$'\\n'\n"
	              "\tcompopt -o filenames 2>/dev/null\n"
	              "\tCOMPREPLY=($(compgen -f -- \"$1\"))\n"
	              "}\n\n"
	              "_wsdiag()\n"
	              "{\n"
	              "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd=connect words= files=0\n"
	              "\tlocal commands='");
	for (size_t i = 0; commands[i] != NULL; i++)
		buf_printf(out, "%s%s", i > 0 ? " " : "", commands[i]->name);
	buf_puts(out, "'\n"
	              "\tCOMPREPLY=()\n"
	              "\tif [[ $cur == '=' ]]; then\n"
	              "\t\tcur=\n"
	              "\telif [[ $prev == '=' && COMP_CWORD -gt 1 ]]; then\n"
	              "\t\tprev=${COMP_WORDS[COMP_CWORD-2]}\n"
	              "\tfi\n"
	              "\tif [[ COMP_CWORD -gt 1 && \" $commands help completion \" == *\" ${COMP_WORDS[1]} \"* ]]; then\n"
	              "\t\tcmd=${COMP_WORDS[1]}\n"
	              "\tfi\n");
	put_value_arms(out, commands);
	put_command_arms(out, commands);
	buf_puts(out, "\tif [[ COMP_CWORD -eq 1 ]]; then\n"
	              "\t\twords=\"$commands help completion --version $words\"\n"
	              "\tfi\n"
	              "\tif [[ $files -eq 1 && $cur != -* ]]; then\n"
	              "\t\t_wsdiag_files \"$cur\"\n"
	              "\telif [[ $cur == -* || $cmd == help || $cmd == completion ]]; then\n"
	              "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	              "\telif [[ COMP_CWORD -eq 1 ]]; then\n"
	              "\t\tCOMPREPLY=($(compgen -W \"$commands help completion\" -- \"$cur\"))\n"
	              "\tfi\n"
	              "}\n"
	              "complete -F _wsdiag wsdiag\n");
}
