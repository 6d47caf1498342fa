/* SPDX-License-Identifier: MIT */
/*
 * editor_state: an editor's state, and what its files share. Internal to editor*.c:
 *
 *	editor.c           the line on the screen, and the editor's life
 *	editor_keys.c      from bytes to keys and pastes, while the loop runs
 *	editor_complete.c  what Tab does
 */
#ifndef WSDIAG_CONNECT_EDITOR_STATE_H
#define WSDIAG_CONNECT_EDITOR_STATE_H

#include "connect/editor.h"
#include "connect/tty_out.h"

#include <histedit.h>
#include <termios.h>
#include <wchar.h>

enum { PROMPT_MAX = 256 };

struct editor {
	struct loop *l;
	const struct editor_events *up;
	void *arg;
	EditLine *el;
	HistoryW *history;
	int tty;                /* of its own: non-blocking without changing what others share */
	uv_poll_t poll;
	bool is_closed;
	struct termios saved;
	struct tty_out *out;
	struct buf keys;        /* read, not decoded yet */
	bool is_reading, is_fresh, is_stopped, is_gone, is_dumb, pastes_whole, in_paste;
	uint64_t unseen;        /* lines that came while the terminal took none */
	bool is_stale;          /* and so did changes of the prompt */
	wchar_t prompt[PROMPT_MAX];
};

struct editor *editor_of(EditLine *el);
/* The line is drawn anew: before and after what changes it or is printed above it. */
void editor_erase_line(struct editor *e);
void editor_draw_line(struct editor *e);
unsigned editor_columns(void);

/* For libedit: EL_GETCFN, and a function of a key. */
int editor_next_key(EditLine *el, wchar_t *ret);
unsigned char editor_tab(EditLine *el, int key);

#endif
