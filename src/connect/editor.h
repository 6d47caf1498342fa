/* SPDX-License-Identifier: MIT */
/*
 * editor: a line with a prompt on a terminal, by libedit, while the loop runs: what arrives is printed above the line, which stays as it is, cursor and all.
 *
 *	editor_read()           blocks in el_wgets(), which asks for a key
 *	  on_key()              runs the loop until a byte waits on the terminal
 *	    editor_print()      from a callback: clears the rows of the line, prints, has libedit draw the line again
 */
#ifndef WSDIAG_CONNECT_EDITOR_H
#define WSDIAG_CONNECT_EDITOR_H

#include "net/loop.h"

struct editor;

struct editor_events {
	/* The prompt as it is now: UTF-8, no control characters. Called each time it is drawn. */
	void (*prompt)(void *arg, struct buf *out);
	/*
	 * Words that may stand where `line` is cut at the cursor: calls add for each, whole, with a note that a list shows behind it, or NULL
	 * (static). Returns where in line the word begins.
	 */
	size_t (*complete)(void *arg, const char *line, void (*add)(void *add_arg, const char *word, const char *note), void *add_arg);
};

/* Standard input and output are terminals. NULL when the terminal cannot be used so. */
struct editor *editor_new(struct loop *l, const struct editor_events *up, void *arg);
/* The terminal is as it was. */
void editor_free(struct editor *e);
/* A history line, oldest first. */
void editor_add_history(struct editor *e, const char *line);

enum editor_result { EDITOR_LINE, EDITOR_END, EDITOR_STOPPED };
/* One line in UTF-8 without newline, the caller's to free; EDITOR_END at Ctrl-D on an empty line or when the terminal went away. EDITOR_STOPPED: editor_stop(). */
enum editor_result editor_read(struct editor *e, char **ret_line);
/* Makes editor_read() return; from a callback. */
void editor_stop(struct editor *e);
/* Whole lines, above the one being edited. */
void editor_print(struct editor *e, struct span text);
/* The prompt may have changed. */
void editor_refresh(struct editor *e);
/* Ctrl-C: empties the line; false when it was empty. */
bool editor_clear_line(struct editor *e);
/* The terminal was resized. */
void editor_resize(struct editor *e);
/* Ctrl-Z: hands the terminal back, stops the process, and takes the terminal again when it goes on. */
void editor_suspend(struct editor *e);
/* A pasted newline: true: the lines are one message, false: each is a line. */
void editor_set_paste_whole(struct editor *e, bool whole);

#endif
