/* SPDX-License-Identifier: MIT */
/* command: `wsdiag proxy`: what gate needs from a process: options, signals, lines typed at the terminal, standard output. */
#ifndef WSDIAG_PROXY_COMMAND_H
#define WSDIAG_PROXY_COMMAND_H

#include "cli/option.h"

extern const struct command proxy_command;

#endif
