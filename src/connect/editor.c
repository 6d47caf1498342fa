/* SPDX-License-Identifier: MIT */
#include "connect/editor.h"

#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

enum { KEYS_MAX = 64 * 1024, CANDIDATES_MAX = 512, PROMPT_MAX = 256 };
/* Stands for a newline inside a line: what is pasted as one message. */
#define NEWLINE_SIGN L'\u2424'
#define PASTE_BEGIN "\033[200~"
#define PASTE_END "\033[201~"

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
	struct buf keys;        /* read, not decoded yet */
	bool is_reading, is_stopped, is_gone, is_dumb, pastes_whole, in_paste;
	wchar_t prompt[PROMPT_MAX];
};

static struct editor *
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

/* Moves to the first row of the line being edited and clears all of them. */
static void
erase_line(struct editor *e, FILE *out)
{
	const LineInfoW *info = el_wline(e->el);
	unsigned columns = terminal_columns(STDOUT_FILENO), col = 0, row = 0;

	if (e->is_dumb) {
		fputs("\r\n", out);
		return;
	}
	if (columns == 0)
		columns = 80;
	advance(e->prompt, wcslen(e->prompt), columns, &col, &row);
	advance(info->buffer, (size_t)(info->cursor - info->buffer), columns, &col, &row);
	if (row > 0)
		fprintf(out, "\033[%uA", row);
	fputs("\r\033[J", out);
}

/* --- keys --- */

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
			c = NEWLINE_SIGN;
		}
		if (c >= 0x20 && c != 0x7f)
			text[len++] = c;
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
		erase_line(e, stdout);
		fflush(stdout);
		el_winsertstr(e->el, text);
		el_wset(e->el, EL_REFRESH);
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
	return 1;
}

/* Where libedit waits for a key the loop runs: timers, sockets and what they print. */
static int
on_key(EditLine *el, wchar_t *ret)
{
	struct editor *e = editor_of(el);

	while (!e->is_stopped) {
		wchar_t key;

		if (e->in_paste || starts_paste(e)) {
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
		if (!uv_is_active((uv_handle_t *)&e->poll))
			uv_poll_start(&e->poll, UV_READABLE | UV_DISCONNECT, on_poll);
		uv_run(&e->l->uv, UV_RUN_ONCE);
	}
	return 0;
}

/* --- the screen --- */

static wchar_t *
on_prompt(EditLine *el)
{
	struct editor *e = editor_of(el);
	struct buf text CLEANUP(buf_deinit) = { 0 };

	e->up->prompt(e->arg, &text);
	if (mbstowcs(e->prompt, buf_cstr(&text), ARRAY_LEN(e->prompt) - 1) == (size_t)-1)
		wcscpy(e->prompt, L"> ");
	e->prompt[ARRAY_LEN(e->prompt) - 1] = L'\0';
	return e->prompt;
}

/* A raw terminal needs a carriage return with each newline. */
static void
put_lines(FILE *out, struct span text)
{
	struct span line;

	if (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	while (span_next(&text, '\n', &line)) {
		fwrite(line.p, 1, line.n, out);
		fputs("\r\n", out);
	}
}

void
editor_print(struct editor *e, struct span text)
{
	if (!e->is_reading) {
		put_lines(stdout, text);
		fflush(stdout);
		return;
	}
	erase_line(e, stdout);
	put_lines(stdout, text);
	fflush(stdout);
	el_wset(e->el, EL_REFRESH);
}

/* Where nothing can be drawn over, a line is drawn anew only for a first word that changed: dialling, c1, retry. */
static bool
is_worth_a_line(struct editor *e)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };
	wchar_t now[PROMPT_MAX] = L"";
	size_t n;

	e->up->prompt(e->arg, &text);
	if (mbstowcs(now, buf_cstr(&text), ARRAY_LEN(now) - 1) == (size_t)-1)
		return false;
	n = wcscspn(now, L" ");
	return n != wcscspn(e->prompt, L" ") || wmemcmp(now, e->prompt, n) != 0;
}

void
editor_refresh(struct editor *e)
{
	if (!e->is_reading || (e->is_dumb && !is_worth_a_line(e)))
		return;
	erase_line(e, stdout);
	fflush(stdout);
	el_wset(e->el, EL_REFRESH);
}

/* --- completion --- */

struct candidates {
	char *words[CANDIDATES_MAX];
	const char *notes[CANDIDATES_MAX];
	size_t n;
};

static void
add_candidate(void *arg, const char *word, const char *note)
{
	struct candidates *c = arg;

	if (c->n == CANDIDATES_MAX)
		return;
	c->notes[c->n] = note;
	c->words[c->n++] = xstrdup(word);
}

static size_t
common_length(const struct candidates *c)
{
	size_t n = strlen(c->words[0]);

	for (size_t i = 1; i < c->n; i++)
		for (size_t k = 0; k < n; k++)
			if (c->words[i][k] != c->words[0][k])
				n = k;
	return n;
}

static char *
text_before_cursor(struct editor *e)
{
	const LineInfoW *info = el_wline(e->el);
	size_t n = (size_t)(info->cursor - info->buffer);
	wchar_t *copy = xcalloc(n + 1, sizeof(*copy));
	size_t size = n * MB_CUR_MAX + 1;
	char *text = xmalloc(size);

	wmemcpy(copy, info->buffer, n);
	if (wcstombs(text, copy, size) == (size_t)-1)
		*text = '\0';
	free(copy);
	return text;
}

static void
insert_text(struct editor *e, const char *text)
{
	size_t n = strlen(text) + 1;
	wchar_t *wide = xcalloc(n, sizeof(*wide));

	if (mbstowcs(wide, text, n) != (size_t)-1)
		el_winsertstr(e->el, wide);
	free(wide);
}

static void
list_candidates(struct editor *e, const struct candidates *c)
{
	struct buf out CLEANUP(buf_deinit) = { 0 };

	for (size_t i = 0; i < c->n; i++) {
		buf_printf(&out, "%s%s%s", c->words[i], c->notes[i] != NULL ? " " : "", c->notes[i] != NULL ? c->notes[i] : "");
		buf_puts(&out, i + 1 == c->n || c->notes[i] != NULL ? "\n" : "  ");
	}
	editor_print(e, buf_span(&out));
}

static unsigned char
on_tab(EditLine *el, int key UNUSED)
{
	struct editor *e = editor_of(el);
	char *line CLEANUP(free_charp) = text_before_cursor(e);
	const char *space = strrchr(line, ' '), *word = space != NULL ? space + 1 : line;
	struct candidates c = { .n = 0 };
	unsigned char result = CC_NORM;

	e->up->complete(e->arg, line, add_candidate, &c);
	if (c.n > 0) {
		size_t have = strlen(word), common = common_length(&c);
		char *start CLEANUP(free_charp) = xstrndup(c.words[0], common);

		if (common > have)
			insert_text(e, start + have);
		if (c.n == 1 && (common == 0 || start[common - 1] != '/'))
			insert_text(e, " ");
		else if (c.n > 1 && common <= have)
			list_candidates(e, &c);
		result = CC_REFRESH;
	}
	for (size_t i = 0; i < c.n; i++)
		free(c.words[i]);
	return result;
}

/* --- its life --- */

static void
set_bracketed_paste(const struct editor *e, bool on)
{
	if (e->is_dumb)
		return;
	fputs(on ? "\033[?2004h" : "\033[?2004l", stdout);
	fflush(stdout);
}

static void
bind_keys(struct editor *e)
{
	el_wset(e->el, EL_BIND, L"^I", L"wsdiag-complete", NULL);
	el_wset(e->el, EL_BIND, L"^R", L"em-inc-search-prev", NULL);
}

static void
start_libedit(struct editor *e)
{
	const wchar_t *editor = NULL;
	HistEventW ev;

	e->el = el_init("wsdiag", stdin, stdout, stderr);
	e->history = history_winit();
	history_w(e->history, &ev, H_SETSIZE, 2000);
	history_w(e->history, &ev, H_SETUNIQUE, 1);
	el_wset(e->el, EL_CLIENTDATA, e);
	el_wset(e->el, EL_SIGNAL, 0);
	el_wset(e->el, EL_EDITOR, L"emacs");
	el_wset(e->el, EL_PROMPT, on_prompt);
	el_wset(e->el, EL_HIST, history_w, e->history);
	el_wset(e->el, EL_ADDFN, L"wsdiag-complete", L"Complete the word", on_tab);
	bind_keys(e);
	el_source(e->el, NULL);
	/* "bind -v" takes all bindings away. */
	if (el_wget(e->el, EL_EDITOR, &editor) == 0 && wcscmp(editor, L"vi") == 0)
		bind_keys(e);
	el_wset(e->el, EL_GETCFN, on_key);
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
	if (e->tty < 0 || tcgetattr(STDIN_FILENO, &e->saved) != 0 || uv_poll_init(&l->uv, &e->poll, e->tty) != 0) {
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
	close(e->tty);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &e->saved);
	buf_deinit(&e->keys);
	free(e);
}

void
editor_add_history(struct editor *e, const char *line)
{
	size_t n = strlen(line) + 2;
	wchar_t *wide = xcalloc(n, sizeof(*wide));
	HistEventW ev;

	if (mbstowcs(wide, line, n) != (size_t)-1)
		history_w(e->history, &ev, H_ENTER, wide);
	free(wide);
}

static char *
to_utf8(const wchar_t *wide, int n)
{
	size_t size = (size_t)n * MB_CUR_MAX + 1;
	wchar_t *copy = xcalloc((size_t)n + 1, sizeof(*copy));
	char *text = xmalloc(size);

	for (int i = 0; i < n; i++)
		copy[i] = wide[i] == NEWLINE_SIGN ? L'\n' : wide[i];
	if (n > 0 && copy[n - 1] == L'\n')
		copy[n - 1] = L'\0';
	if (wcstombs(text, copy, size) == (size_t)-1)
		*text = '\0';
	free(copy);
	return text;
}

enum editor_result
editor_read(struct editor *e, char **ret_line)
{
	const wchar_t *line;
	int n = 0;

	e->is_stopped = false;
	e->is_reading = true;
	set_bracketed_paste(e, true);
	line = el_wgets(e->el, &n);
	e->is_reading = false;
	set_bracketed_paste(e, false);
	if (e->is_stopped)
		return EDITOR_STOPPED;
	if (line == NULL || n <= 0)
		return EDITOR_END;
	*ret_line = to_utf8(line, n);
	return EDITOR_LINE;
}

void
editor_stop(struct editor *e)
{
	e->is_stopped = true;
}

bool
editor_clear_line(struct editor *e)
{
	const LineInfoW *info = el_wline(e->el);
	int n = (int)(info->lastchar - info->buffer);

	if (!e->is_reading || n == 0)
		return false;
	erase_line(e, stdout);
	fflush(stdout);
	el_cursor(e->el, n);
	el_deletestr(e->el, n);
	el_wset(e->el, EL_REFRESH);
	return true;
}

void
editor_resize(struct editor *e)
{
	el_resize(e->el);
	editor_refresh(e);
}

void
editor_suspend(struct editor *e)
{
	bool was_reading = e->is_reading;

	if (was_reading) {
		erase_line(e, stdout);
		set_bracketed_paste(e, false);
		el_wset(e->el, EL_PREP_TERM, 0);
	}
	kill(getpid(), SIGSTOP);
	if (was_reading) {
		el_wset(e->el, EL_PREP_TERM, 1);
		set_bracketed_paste(e, true);
		el_wset(e->el, EL_REFRESH);
	}
}

void
editor_set_paste_whole(struct editor *e, bool whole)
{
	e->pastes_whole = whole;
}
