/* SPDX-License-Identifier: MIT */
#include "cli/completion.h"

#include "fault/plan.h"

#include <string.h>

bool
completion_takes_argument(const struct option *row)
{
	return row->kind != OPT_FLAG && row->kind != OPT_COUNT;
}

static bool
completes(const struct option *row, const char *what)
{
	return row->complete != NULL && strcmp(row->complete, what) == 0;
}

bool
completion_wants_files(const struct option *row)
{
	return completes(row, "file");
}

bool
completion_wants_plans(const struct option *row)
{
	return completes(row, "plan");
}

bool
completion_put_words(struct buf *out, const struct option *row)
{
	size_t before = out->len;

	for (size_t i = 0; row->choices != NULL && row->choices[i] != NULL; i++)
		buf_printf(out, "%s%s", out->len > before ? " " : "", row->choices[i]);
	for (const struct installed_plan *p = installed_plans; p->name != NULL; p++) {
		const char *word = completes(row, "plan") ? p->name : completes(row, "like") ? p->like : NULL;

		if (word != NULL)
			buf_printf(out, "%s%s", out->len > before ? " " : "", word);
	}
	return out->len > before;
}

bool
completion_operand_is_file(const struct command *cmd)
{
	return strstr(cmd->synopsis, "FILE") != NULL || strstr(cmd->synopsis, "LOG") != NULL;
}

bool
help_completion(struct buf *out, const char *shell, const struct command *const *commands)
{
	if (strcmp(shell, "bash") == 0)
		completion_bash(out, commands);
	else if (strcmp(shell, "zsh") == 0)
		completion_zsh(out, commands);
	else if (strcmp(shell, "fish") == 0)
		completion_fish(out, commands);
	else
		return false;
	return true;
}
