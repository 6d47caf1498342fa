/* SPDX-License-Identifier: MIT */
/* terminal: what stdin, stdout and stderr are. */
#ifndef WSDIAG_CLI_TERMINAL_H
#define WSDIAG_CLI_TERMINAL_H

#include <stdbool.h>

bool terminal_is(int fd);
/* Of the terminal behind fd; COLUMNS where it is set; 0 when there is none. */
unsigned terminal_columns(int fd);
enum colour_when { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };
/* AUTO: a terminal, TERM not dumb, NO_COLOR unset or empty (no-color.org). */
bool terminal_wants_colour(int fd, enum colour_when when);

#endif
