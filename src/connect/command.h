/* SPDX-License-Identifier: MIT */
/* command: `wsdiag connect`, which is also what `wsdiag URL` means. */
#ifndef WSDIAG_CONNECT_COMMAND_H
#define WSDIAG_CONNECT_COMMAND_H

#include "cli/option.h"

extern const struct command connect_command;

#endif
