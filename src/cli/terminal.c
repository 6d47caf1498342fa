/* SPDX-License-Identifier: MIT */
#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { COLUMNS_MAX = 10000 };

bool
terminal_is(int fd)
{
	return isatty(fd) == 1;
}

unsigned
terminal_columns(int fd)
{
	const char *text = getenv("COLUMNS");
	struct winsize ws;
	char *end;

	if (!terminal_is(fd))
		return 0;
	if (text != NULL) {
		unsigned long n = strtoul(text, &end, 10);

		if (*end == '\0' && n > 0 && n < COLUMNS_MAX)
			return (unsigned)n;
	}
	return ioctl(fd, TIOCGWINSZ, &ws) == 0 ? ws.ws_col : 0;
}

bool
terminal_wants_colour(int fd, enum colour_when when)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (when != COLOUR_AUTO)
		return when == COLOUR_ALWAYS;
	return terminal_is(fd) && term != NULL && strcmp(term, "dumb") != 0 && (no_color == NULL || *no_color == '\0');
}
