/* SPDX-License-Identifier: MIT */
/* help: --help texts and shell completions, from the tables. */
#ifndef WSDIAG_CLI_HELP_H
#define WSDIAG_CLI_HELP_H

#include "cli/option.h"

/* wsdiag --help: commands is NULL-terminated. */
void help_overview(struct buf *out, const struct command *const *commands, unsigned columns);
/* wsdiag serve --help, folded at columns. */
void help_command(struct buf *out, const struct command *cmd, unsigned columns);
/* The completion script for "bash", "zsh" or "fish"; false for another shell. */
MUST_CHECK bool help_completion(struct buf *out, const char *shell, const struct command *const *commands);
/* For the manual's test: a line for each option and operand of every command, tab-separated: command, --name, -letter, argument, heading. */
void help_dump(struct buf *out, const struct command *const *commands);
/* And one for each field of the log: event, field, unit; "*" for the fields that every event has, "tls.version" for what is nested. */
void help_dump_schema(struct buf *out);

#endif
