/* SPDX-License-Identifier: MIT */
/*
 * history: typed lines, kept across runs in $XDG_STATE_HOME/wsdiag/history (~/.local/state). A line is appended with one write(), so that two
 * instances do not tear each other's; a file of more than HISTORY_MAX lines or HISTORY_BYTES_MAX is cut to the later half when it is read.
 * A line that begins with a space is not kept.
 */
#ifndef WSDIAG_CONNECT_HISTORY_H
#define WSDIAG_CONNECT_HISTORY_H

#include "base/buf.h"

#include <stdbool.h>

enum { HISTORY_MAX = 2000, HISTORY_LINE_MAX = 64 * 1024, HISTORY_BYTES_MAX = 1024 * 1024 };

/* The file's path, its folders made (mode 0700); NULL where there is no place for one. Caller frees. */
char *history_path(void);
/* Calls fn for each line, oldest first. Nothing happens when the file cannot be read. */
void history_load(const char *path, void (*fn)(void *arg, const char *line), void *arg);
/* Whether the line was one to keep. */
bool history_append(const char *path, const char *line);

#endif
