/* SPDX-License-Identifier: MIT */
/* completion: the scripts that teach each shell our commands and options. Internal to help. */
#ifndef WSDIAG_CLI_COMPLETION_H
#define WSDIAG_CLI_COMPLETION_H

#include "cli/help.h"

void completion_bash(struct buf *out, const struct command *const *commands);
void completion_zsh(struct buf *out, const struct command *const *commands);
void completion_fish(struct buf *out, const struct command *const *commands);

bool completion_takes_argument(const struct option *row);
bool completion_wants_files(const struct option *row);
/* Installed plans, which are no choices of the table: any file will do as well. */
bool completion_wants_plans(const struct option *row);
/* Appends what its argument may be, separated by spaces; false where there is nothing to tell. */
bool completion_put_words(struct buf *out, const struct option *row);
/* By its synopsis: FILE, LOG. */
bool completion_operand_is_file(const struct command *cmd);

#endif
