/* SPDX-License-Identifier: MIT */
/* command: `wsdiag report`: reads logs, judges them, prints what happened. */
#ifndef WSDIAG_REPORT_COMMAND_H
#define WSDIAG_REPORT_COMMAND_H

#include "cli/option.h"

extern const struct command report_command;

#endif
