/* SPDX-License-Identifier: MIT */
/* console_show: the commands that tell something, and settings. */
#include "connect/console_state.h"

#include "base/escape.h"
#include "codec/frame.h"
#include "log/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HELP_COLUMN = 29, HELP_MIN = 30, HELP_INDENT = 6, SETTING_COLUMN = 16 };

/* What it is, and from a column on, or on a narrow terminal below it, what it means. */
static void
put_row(struct console *c, struct buf *out, const char *what, unsigned column, const char *help)
{
	unsigned columns = console_columns(c);
	bool is_narrow = columns > 0 && columns < column + HELP_MIN;
	struct buf line CLEANUP(buf_deinit) = { 0 };

	if (is_narrow) {
		console_fold(c, out, span_of(what), HELP_INDENT);
		buf_printf(&line, "%*s%s", HELP_INDENT, "", help);
	} else {
		buf_printf(&line, "%-*s %s", (int)column - 1, what, help);
	}
	console_fold(c, out, buf_span(&line), is_narrow ? HELP_INDENT : column);
}

static void
put_help(struct console *c, struct buf *out, const struct console_command *cmd)
{
	char *usage CLEANUP(free_charp) = xasprintf("  /%s %s", cmd->name, cmd->args);

	put_row(c, out, usage, HELP_COLUMN, cmd->help);
}

void
console_help(struct console *c, struct span args)
{
	struct buf out CLEANUP(buf_deinit) = { 0 };
	const struct console_command *cmd;

	if (args.n > 0 && *args.p == '/')
		args.p++, args.n--;
	if (args.n > 0) {
		cmd = console_find(args);
		if (cmd == NULL) {
			console_fail(c, "there is no /%.*s; /help lists what there is", (int)args.n, args.p);
			return;
		}
		put_help(c, &out, cmd);
	} else {
		console_fold(c, &out, SPAN_LIT("A line is sent as a text message; //text sends one that begins with a slash."), 0);
		for (cmd = console_commands; cmd->name != NULL; cmd++)
			put_help(c, &out, cmd);
		if (c->opt.shows_messages)
			console_fold(c, &out, SPAN_LIT("Tab completes, Up and Ctrl-R find earlier lines, Ctrl-C clears the line, Ctrl-D leaves. More: man wsdiag-repl"), 0);
	}
	c->up->say(c->up_arg, buf_span(&out));
}

static void
say_kept(struct console *c, const struct buf *kept, const char *none)
{
	if (kept->len > 0)
		c->up->say(c->up_arg, buf_span(kept));
	else
		console_say(c, "%s", none);
}

void
console_headers(struct console *c, struct span args UNUSED)
{
	say_kept(c, &c->headers, "nothing has been open yet");
}

void
console_tls(struct console *c, struct span args UNUSED)
{
	say_kept(c, &c->tls, c->headers.len > 0 ? "no TLS: the URL is ws://" : "nothing has been open yet");
}

void
console_timing(struct console *c, struct span args UNUSED)
{
	say_kept(c, &c->timing, "nothing has been open yet");
}

static void
put_traffic(struct buf *out, const char *way, const struct traffic *t, const char *end)
{
	buf_printf(out, "%s %" PRIu64 " message%s, %" PRIu64 " byte%s%s", way, t->messages, t->messages == 1 ? "" : "s", t->bytes, t->bytes == 1 ? "" : "s", end);
}

void
console_stats(struct console *c, struct span args UNUSED)
{
	const struct summary *sum = session_summary(c->opt.session);
	struct conn *conns[CONSOLE_CONNS];
	size_t n = session_conns(c->opt.session, conns, ARRAY_LEN(conns));
	struct traffic in = sum->received, out = sum->sent;
	struct buf text CLEANUP(buf_deinit) = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct conn_status st;

		conn_get_status(conns[i], &st);
		in.messages += st.received.messages, in.bytes += st.received.bytes;
		out.messages += st.sent.messages, out.bytes += st.sent.bytes;
	}
	buf_printf(&text, "dials %" PRIu32 ", failed %" PRIu32 "; connections %" PRIu32 ", lost %" PRIu32 "; overlaps %" PRIu32 "\n", sum->dials, sum->failed,
	    sum->conns, sum->lost, c->opt.journal->overlaps);
	for (int i = 0; i < CAUSE_COUNT; i++)
		if (sum->causes[i] > 0)
			buf_printf(&text, "  %" PRIu32 " %s\n", sum->causes[i], cause_name((enum cause)i));
	put_traffic(&text, "in", &in, "; ");
	put_traffic(&text, "out", &out, "\n");
	if (sum->n_rtts > 0) {
		buf_printf(&text, "round trips %zu, the last ", sum->n_rtts);
		clock_format_duration(&text, sum->rtts[(sum->n_rtts - 1) % SUMMARY_RTTS]);
		buf_putc(&text, '\n');
	}
	console_say(c, "%s", buf_cstr(&text));
}

static void
put_not_kept(struct buf *out, const struct console *c)
{
	if (c->last_length > c->last.len)
		buf_printf(out, "... %" PRIu64 " bytes more came, and were not kept\n", c->last_length - c->last.len);
}

void
console_last(struct console *c, struct span args UNUSED)
{
	struct buf out CLEANUP(buf_deinit) = { 0 };

	if (c->n_messages == 0) {
		console_fail(c, "no message has come yet");
		return;
	}
	if (c->last_opcode == OP_BINARY) {
		display_hex_dump(&out, buf_span(&c->last), console_columns(c));
	} else {
		escape_text(&out, buf_span(&c->last), 0);
		buf_putc(&out, '\n');
	}
	put_not_kept(&out, c);
	c->up->say(c->up_arg, buf_span(&out));
}

void
console_save(struct console *c, struct span args)
{
	char *path CLEANUP(free_charp) = console_path(args);
	struct buf out CLEANUP(buf_deinit) = { 0 };
	FILE *f;

	if (c->n_messages == 0) {
		console_fail(c, "no message has come yet");
		return;
	}
	f = fopen(path, "we");
	if (f == NULL) {
		console_fail(c, "%s: %s", path, strerror(errno));
		return;
	}
	bool ok = fwrite(buf_head(&c->last), 1, c->last.len, f) == c->last.len;
	ok = fclose(f) == 0 && ok;
	if (!ok) {
		console_fail(c, "%s: %s", path, strerror(errno));
		return;
	}
	buf_printf(&out, "%zu bytes written to %s\n", c->last.len, path);
	put_not_kept(&out, c);
	c->up->say(c->up_arg, buf_span(&out));
}

const struct console_setting console_settings[] = {
	{ "show", "BYTES", "bytes shown of a text message" },
	{ "hex", "BYTES", "bytes shown of a binary message" },
	{ "paste", "one|lines", "pasted lines are one message, or a line each" },
	{ 0 },
};

/* Of a setting in bytes; else NULL. */
static size_t *
size_of_setting(struct console *c, struct span name)
{
	return span_eq(name, "show") ? &c->display.text_max : span_eq(name, "hex") ? &c->display.binary_max : NULL;
}

static void
say_settings(struct console *c)
{
	struct buf out CLEANUP(buf_deinit) = { 0 };

	for (const struct console_setting *s = console_settings; s->name != NULL; s++) {
		const size_t *size = size_of_setting(c, span_of(s->name));
		char *value CLEANUP(free_charp) = size != NULL ? xasprintf("%zu", *size) : xstrdup(c->pastes_lines ? "lines" : "one");
		char *row CLEANUP(free_charp) = xasprintf("  %-5s %s", s->name, value);

		put_row(c, &out, row, SETTING_COLUMN, s->help);
	}
	c->up->say(c->up_arg, buf_span(&out));
}

static void
set_paste(struct console *c, struct span how)
{
	if (!span_eq(how, "one") && !span_eq(how, "lines")) {
		console_fail(c, "/set paste one, or /set paste lines");
		return;
	}
	c->pastes_lines = span_eq(how, "lines");
	if (c->up->paste != NULL)
		c->up->paste(c->up_arg, !c->pastes_lines);
}

void
console_set(struct console *c, struct span args)
{
	struct span name;
	size_t *size;
	uint64_t n;

	if (!console_word(&args, &name)) {
		say_settings(c);
		return;
	}
	size = size_of_setting(c, name);
	if (span_eq(name, "paste"))
		set_paste(c, args);
	else if (size == NULL)
		console_fail(c, "there is no setting \"%.*s\": show BYTES, hex BYTES, paste one|lines", (int)name.n, name.p);
	else if (!console_number(args, CONSOLE_LAST_MAX, &n))
		console_fail(c, "/set %.*s BYTES, at most %d", (int)name.n, name.p, CONSOLE_LAST_MAX);
	else
		*size = (size_t)n;
}

static void
on_log_trouble(void *arg, const char *path, int err)
{
	console_say(arg, "%s: %s; lines are missing from it (told once)", path, strerror(-err));
}

void
console_log(struct console *c, struct span args)
{
	const struct json_options json = { .wants = EVENT_ALL & ~EVENT_VERBOSE, .show_secrets = c->opt.show_secrets };
	char *path CLEANUP(free_charp) = console_path(args);
	int err;

	if (c->log != NULL) {
		struct sink *s = steal(&c->log);

		journal_remove(c->opt.journal, s);
		s->free(s);
	}
	if (span_eq(args, "off"))
		return;
	err = sink_file_new(path, &json, on_log_trouble, c, &c->log);
	if (err < 0) {
		console_fail(c, "%s: %s", path, strerror(-err));
		return;
	}
	journal_add(c->opt.journal, c->log);
}

void
console_echo(struct console *c, struct span args)
{
	struct buf out CLEANUP(buf_deinit) = { 0 };

	escape_text(&out, args, 0);
	buf_putc(&out, '\n');
	c->up->say(c->up_arg, buf_span(&out));
}
