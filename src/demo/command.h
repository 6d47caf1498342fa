/* SPDX-License-Identifier: MIT */
/* command: `wsdiag demo`. */
#ifndef WSDIAG_DEMO_COMMAND_H
#define WSDIAG_DEMO_COMMAND_H

#include "cli/option.h"

extern const struct command demo_command;

#endif
