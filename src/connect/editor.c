/* SPDX-License-Identifier: MIT */
#include "connect/editor_state.h"

#include "connect/glyph.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct editor *
editor_of(EditLine *el)
{
	void *e = NULL;

	el_wget(el, EL_CLIENTDATA, &e);
	return e;
}

/* --- where the line stands --- */

/* How far text moves the cursor on: col and row as libedit lays it out, a wide character never split over two rows. */
static void
advance(const wchar_t *text, size_t n, unsigned columns, unsigned *col, unsigned *row)
{
	for (size_t i = 0; i < n; i++) {
		int w = wcwidth(text[i]);
		unsigned width = w < 0 ? 2 : (unsigned)w; /* controls are drawn as ^X */

		if (text[i] == L'\n') { /* a search has one */
			*col = 0;
			(*row)++;
			continue;
		}
		if (*col + width > columns) {
			*col = 0;
			(*row)++;
		}
		*col += width;
		if (*col >= columns) {
			*col = 0;
			(*row)++;
		}
	}
}

/* As libedit finds it: COLUMNS does not follow a resize. */
unsigned
editor_columns(void)
{
	struct winsize ws;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0 ? ws.ws_col : 80;
}

/* Moves to the first row of the line being edited and clears all of them. */
void
editor_erase_line(struct editor *e)
{
	const LineInfoW *info = el_wline(e->el);
	unsigned columns = editor_columns(), col = 0, row = 0;
	FILE *out = tty_out_stream(e->out);

	if (e->is_dumb) {
		fputs("\r\n", out);
	} else {
		advance(e->prompt, wcslen(e->prompt), columns, &col, &row);
		advance(info->buffer, (size_t)(info->cursor - info->buffer), columns, &col, &row);
		if (row > 0)
			fprintf(out, "\033[%uA", row);
		fputs("\r\033[J", out);
	}
	fflush(out);
}

void
editor_draw_line(struct editor *e)
{
	el_wset(e->el, EL_REFRESH);
}

static void
format_prompt(struct editor *e, wchar_t out[PROMPT_MAX])
{
	struct buf text CLEANUP(buf_deinit) = { 0 };

	e->up->prompt(e->arg, &text);
	if (mbstowcs(out, buf_cstr(&text), PROMPT_MAX - 1) == (size_t)-1)
		wcscpy(out, L"> ");
	out[PROMPT_MAX - 1] = L'\0';
}

static wchar_t *
on_prompt(EditLine *el)
{
	struct editor *e = editor_of(el);

	format_prompt(e, e->prompt);
	return e->prompt;
}

/* A raw terminal needs a carriage return with each newline. */
static void
put_lines(struct editor *e, struct span text)
{
	struct buf out CLEANUP(buf_deinit) = { 0 };
	struct span line;

	if (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	while (span_next(&text, '\n', &line)) {
		buf_append(&out, line.p, line.n);
		buf_puts(&out, "\r\n");
	}
	tty_out_write(e->out, buf_span(&out));
}

void
editor_print(struct editor *e, struct span text)
{
	if (tty_out_is_full(e->out)) {
		e->unseen++;
	} else if (!e->is_reading) {
		put_lines(e, text);
	} else {
		editor_erase_line(e);
		put_lines(e, text);
		editor_draw_line(e);
	}
}

/* Since it was drawn. Where nothing can be drawn over, a line is drawn anew only for a first word that changed: dialling, c1, retry. */
static bool
has_prompt_changed(struct editor *e)
{
	wchar_t now[PROMPT_MAX];
	size_t n;

	format_prompt(e, now);
	if (!e->is_dumb)
		return wcscmp(now, e->prompt) != 0;
	n = wcscspn(now, L" ");
	return n != wcscspn(e->prompt, L" ") || wmemcmp(now, e->prompt, n) != 0;
}

void
editor_refresh(struct editor *e)
{
	if (!e->is_reading || !has_prompt_changed(e))
		return;
	e->is_stale = tty_out_is_full(e->out);
	if (e->is_stale)
		return;
	editor_erase_line(e);
	editor_draw_line(e);
}

/* The terminal goes on. */
static void
on_drained(void *arg)
{
	struct editor *e = arg;
	struct buf text CLEANUP(buf_deinit) = { 0 };

	if (e->unseen > 0) {
		buf_printf(&text, "... %" PRIu64 " more, while the terminal had stopped; not shown (--log keeps them all)\n", e->unseen);
		e->unseen = 0;
		editor_print(e, buf_span(&text));
	} else if (e->is_stale) {
		editor_refresh(e);
	}
}

/* --- its life --- */

static void
set_bracketed_paste(const struct editor *e, bool on)
{
	if (!e->is_dumb)
		tty_out_write(e->out, on ? SPAN_LIT("\033[?2004h") : SPAN_LIT("\033[?2004l"));
}

/* Beside libedit's own: Alt and Ctrl with an arrow, and keys that would leave a part of what they send in the line. */
static const struct {
	const wchar_t *keys, *function;
} bindings[] = {
	{ L"^I", L"wsdiag-complete" },
	{ L"^R", L"em-inc-search-prev" },
	{ L"\\e[1;3C", L"em-next-word" },
	{ L"\\e[1;5C", L"em-next-word" },
	{ L"\\e[1;3D", L"ed-prev-word" },
	{ L"\\e[1;5D", L"ed-prev-word" },
	{ L"\\e[1;2C", L"ed-next-char" },
	{ L"\\e[1;2D", L"ed-prev-char" },
	{ L"\\e[2~", L"ed-ignore" },  /* Insert, Page Up, Page Down, F1 to F12 */
	{ L"\\e[5~", L"ed-ignore" },
	{ L"\\e[6~", L"ed-ignore" },
	{ L"\\eOP", L"ed-ignore" },
	{ L"\\eOQ", L"ed-ignore" },
	{ L"\\eOR", L"ed-ignore" },
	{ L"\\eOS", L"ed-ignore" },
	{ L"\\e[15~", L"ed-ignore" },
	{ L"\\e[17~", L"ed-ignore" },
	{ L"\\e[18~", L"ed-ignore" },
	{ L"\\e[19~", L"ed-ignore" },
	{ L"\\e[20~", L"ed-ignore" },
	{ L"\\e[21~", L"ed-ignore" },
	{ L"\\e[23~", L"ed-ignore" },
	{ L"\\e[24~", L"ed-ignore" },
};

/* For vi a key that begins with ESC is none: ESC ends the insertion, without waiting for what may follow. */
static void
bind_keys(struct editor *e, bool is_vi)
{
	for (size_t i = 0; i < ARRAY_LEN(bindings); i++)
		if (!is_vi || bindings[i].keys[0] != L'\\')
			el_wset(e->el, EL_BIND, bindings[i].keys, bindings[i].function, NULL);
}

static void
start_libedit(struct editor *e)
{
	FILE *out = tty_out_stream(e->out);
	const wchar_t *editor = NULL;
	HistEventW ev;

	e->el = el_init_fd("wsdiag", stdin, out, out, STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO);
	e->history = history_winit();
	history_w(e->history, &ev, H_SETSIZE, 2000);
	history_w(e->history, &ev, H_SETUNIQUE, 1);
	el_wset(e->el, EL_CLIENTDATA, e);
	el_wset(e->el, EL_SIGNAL, 0);
	el_wset(e->el, EL_EDITOR, L"emacs");
	el_wset(e->el, EL_PROMPT, on_prompt);
	el_wset(e->el, EL_HIST, history_w, e->history);
	el_wset(e->el, EL_ADDFN, L"wsdiag-complete", L"Complete the word", editor_tab);
	bind_keys(e, false);
	el_source(e->el, NULL);
	/* "bind -v" takes all bindings away. */
	if (el_wget(e->el, EL_EDITOR, &editor) == 0 && wcscmp(editor, L"vi") == 0)
		bind_keys(e, true);
	el_wset(e->el, EL_GETCFN, editor_next_key);
}

struct editor *
editor_new(struct loop *l, const struct editor_events *up, void *arg)
{
	struct editor *e = xcalloc(1, sizeof(*e));
	const char *term = getenv("TERM"), *name = ttyname(STDIN_FILENO);

	e->l = l;
	e->up = up;
	e->arg = arg;
	e->pastes_whole = true;
	e->is_dumb = term == NULL || *term == '\0' || strcmp(term, "dumb") == 0;
	e->tty = name != NULL ? open(name, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) : -1;
	if (e->tty >= 0 && tcgetattr(STDIN_FILENO, &e->saved) == 0)
		e->out = tty_out_new(l, STDOUT_FILENO, on_drained, e);
	if (e->out == NULL || uv_poll_init(&l->uv, &e->poll, e->tty) != 0) {
		tty_out_free(e->out);
		if (e->tty >= 0)
			close(e->tty);
		free(e);
		return NULL;
	}
	e->poll.data = e;
	start_libedit(e);
	return e;
}

static void
on_poll_closed(uv_handle_t *handle)
{
	struct editor *e = handle->data;

	e->is_closed = true;
}

void
editor_free(struct editor *e)
{
	if (e == NULL)
		return;
	uv_close((uv_handle_t *)&e->poll, on_poll_closed);
	while (!e->is_closed)
		uv_run(&e->l->uv, UV_RUN_NOWAIT);
	el_end(e->el);
	history_wend(e->history);
	tty_out_free(e->out);
	close(e->tty);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &e->saved);
	buf_deinit(&e->keys);
	free(e);
}

void
editor_add_history(struct editor *e, const char *text)
{
	wchar_t *line = glyph_line(text);
	HistEventW ev;

	if (line != NULL)
		history_w(e->history, &ev, H_ENTER, line);
	free(line);
}

enum editor_result
editor_read(struct editor *e, char **ret_line)
{
	const wchar_t *line;
	int n = 0;

	e->is_stopped = false;
	e->is_reading = e->is_fresh = true;
	set_bracketed_paste(e, true);
	line = el_wgets(e->el, &n);
	e->is_reading = false;
	set_bracketed_paste(e, false);
	if (e->is_stopped)
		return EDITOR_STOPPED;
	if (line == NULL || n <= 0)
		return EDITOR_END;
	if (line[n - 1] == L'\n')
		n--;
	*ret_line = glyph_text(line, (size_t)n);
	return EDITOR_LINE;
}

void
editor_stop(struct editor *e)
{
	if (e->is_reading && !e->is_stopped)
		editor_erase_line(e);
	e->is_reading = false; /* what is printed from here on has the rows to itself */
	e->is_stopped = true;
}

bool
editor_clear_line(struct editor *e)
{
	const LineInfoW *info = el_wline(e->el);
	int n = (int)(info->lastchar - info->buffer);

	if (!e->is_reading || n == 0)
		return false;
	editor_erase_line(e);
	el_cursor(e->el, n);
	el_deletestr(e->el, n);
	editor_draw_line(e);
	return true;
}

void
editor_resize(struct editor *e)
{
	el_resize(e->el);
	if (e->is_reading && !tty_out_is_full(e->out)) {
		editor_erase_line(e);
		editor_draw_line(e);
	}
}

void
editor_suspend(struct editor *e)
{
	bool was_reading = e->is_reading;

	if (was_reading) {
		editor_erase_line(e);
		set_bracketed_paste(e, false);
		el_wset(e->el, EL_PREP_TERM, 0);
	}
	kill(getpid(), SIGSTOP);
	if (was_reading) {
		el_wset(e->el, EL_PREP_TERM, 1);
		set_bracketed_paste(e, true);
		editor_draw_line(e);
	}
}

void
editor_set_paste_whole(struct editor *e, bool whole)
{
	e->pastes_whole = whole;
}
