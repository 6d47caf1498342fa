/* SPDX-License-Identifier: MIT */
/* command: `wsdiag serve`. */
#ifndef WSDIAG_SERVE_COMMAND_H
#define WSDIAG_SERVE_COMMAND_H

#include "cli/option.h"

extern const struct command serve_command;

#endif
