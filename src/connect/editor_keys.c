/* SPDX-License-Identifier: MIT */
#include "connect/editor_state.h"

#include "connect/glyph.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { KEYS_MAX = 64 * 1024 };
#define PASTE_BEGIN "\033[200~"
#define PASTE_END "\033[201~"

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct editor *e = poll->data;
	ssize_t n = 0;

	if (status < 0 || (events & UV_READABLE)) {
		n = read(e->tty, buf_reserve(&e->keys, 4096), 4096);
		if (n > 0)
			buf_commit(&e->keys, (size_t)n);
	}
	if ((n < 0 && errno != EAGAIN && errno != EINTR) || (n == 0 && (status < 0 || (events & (UV_READABLE | UV_DISCONNECT))))) {
		e->is_gone = true;
		uv_poll_stop(poll);
	} else if (e->keys.len > KEYS_MAX) {
		uv_poll_stop(poll); /* a paste that is larger waits in the terminal */
	}
}

/* How much of what was read is no part of the mark that ends a paste, which a read may have cut. */
static size_t
pasted_bytes(struct span in)
{
	const char *end = memmem(in.p, in.n, PASTE_END, strlen(PASTE_END));

	if (end != NULL)
		return (size_t)(end - in.p);
	for (size_t part = MIN(strlen(PASTE_END) - 1, in.n); part > 0; part--)
		if (memcmp(in.p + in.n - part, PASTE_END, part) == 0)
			return in.n - part;
	return in.n;
}

/* Pasted text takes the bytes as they are: no tab completes, no newline submits unless lines are wanted. True when something was taken. */
static bool
take_paste(struct editor *e, wchar_t *ret_key)
{
	struct span in = buf_span(&e->keys);
	size_t n = pasted_bytes(in);
	bool has_end = in.n - n >= strlen(PASTE_END);
	wchar_t text[1024];
	size_t len = 0, used = 0;

	*ret_key = 0;
	while (used < n && len < ARRAY_LEN(text) - 1) {
		mbstate_t state = { 0 };
		wchar_t c;
		size_t got = mbrtowc(&c, in.p + used, n - used, &state);

		if (got == (size_t)-2 && !has_end)
			break; /* a character cut by the read */
		if (got == 0 || got > n)
			got = 1, c = L'?';
		used += got;
		if (c == L'\r' || c == L'\n') {
			if (!e->pastes_whole) {
				*ret_key = L'\n';
				break;
			}
			text[len++] = glyph_of(L'\n');
		}
		if (c >= 0x20 && c != 0x7f)
			text[len++] = glyph_of(c);
		else if (c == L'\t')
			text[len++] = L' ';
	}
	text[len] = L'\0';
	buf_consume(&e->keys, used);
	if (has_end && used == n) {
		buf_consume(&e->keys, strlen(PASTE_END));
		e->in_paste = false;
	}
	if (len > 0) {
		editor_erase_line(e);
		el_winsertstr(e->el, text);
		editor_draw_line(e);
	}
	return used > 0 || !e->in_paste;
}

static bool
starts_paste(struct editor *e)
{
	size_t n = strlen(PASTE_BEGIN);

	if (e->keys.len < n || memcmp(buf_head(&e->keys), PASTE_BEGIN, n) != 0)
		return false;
	buf_consume(&e->keys, n);
	return e->in_paste = true;
}

/* Behind other keys a read may cut the mark; ESC alone, or with a bracket, is a key. */
static bool
may_start_paste(const struct editor *e)
{
	return e->keys.len > 2 && e->keys.len < strlen(PASTE_BEGIN) && memcmp(buf_head(&e->keys), PASTE_BEGIN, e->keys.len) == 0;
}

/* One character from what was read: 1, or 0 when more is needed. */
static int
decode_key(struct editor *e, wchar_t *ret)
{
	mbstate_t state = { 0 };
	size_t n;

	if (e->keys.len == 0)
		return 0;
	n = mbrtowc(ret, (const char *)buf_head(&e->keys), e->keys.len, &state);
	if (n == (size_t)-2)
		return 0;
	if (n == (size_t)-1) {
		n = 1;
		*ret = L'?';
	} else if (n == 0) {
		n = 1; /* NUL: Ctrl-@ */
	}
	buf_consume(&e->keys, n);
	if (*ret > 0x7f)
		*ret = glyph_of(*ret);
	return 1;
}

/* Where libedit waits for a key the loop runs: timers, sockets and what they print. Who sees nothing types nothing. */
int
editor_next_key(EditLine *el, wchar_t *ret)
{
	struct editor *e = editor_of(el);

	/* The line before may change what the keys behind it mean, and they may have been read with it: /set paste, and a paste. */
	if (e->is_fresh)
		uv_run(&e->l->uv, UV_RUN_NOWAIT);
	e->is_fresh = false;
	while (!e->is_stopped) {
		wchar_t key;

		if (tty_out_is_full(e->out)) {
			/* what is typed waits in the terminal */
		} else if (e->in_paste || starts_paste(e)) {
			if (e->keys.len > 0 && take_paste(e, &key)) {
				if (key != 0) {
					*ret = key;
					return 1;
				}
				continue;
			}
		} else if (!may_start_paste(e) && decode_key(e, ret)) {
			return 1;
		}
		if (e->is_gone)
			break;
		if (!uv_is_active((uv_handle_t *)&e->poll) && e->keys.len <= KEYS_MAX)
			uv_poll_start(&e->poll, UV_READABLE | UV_DISCONNECT, on_poll);
		uv_run(&e->l->uv, UV_RUN_ONCE);
	}
	return 0;
}
