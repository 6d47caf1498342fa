/* SPDX-License-Identifier: MIT */
#include "cli/completion.h"

#include <string.h>

bool
completion_takes_argument(const struct option *row)
{
	return row->kind != OPT_FLAG && row->kind != OPT_COUNT;
}

bool
completion_wants_files(const struct option *row)
{
	return row->complete != NULL && strcmp(row->complete, "file") == 0;
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
