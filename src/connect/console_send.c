/* SPDX-License-Identifier: MIT */
/* console_send: the commands that send something. */
#include "connect/console_state.h"

#include "base/utf8.h"
#include "codec/encode.h"

#include <errno.h>
#include <string.h>

enum { FILE_MAX = 16 * 1024 * 1024 };

void
console_text(struct console *c, struct span args)
{
	console_send_text(c, args);
}

/* A whole file, of what is sent as one message; complains itself. */
static bool
read_file(struct console *c, struct span path, struct buf *out)
{
	char *name CLEANUP(free_charp) = console_path(path);
	int err = console_read(name, FILE_MAX, out);

	if (err == -EFBIG)
		console_fail(c, "%s: larger than 16 MiB; a pipe sends any size: wsdiag -b --whole URL <FILE", name);
	else if (err < 0)
		console_fail(c, "%s: %s", name, strerror(-err));
	return err == 0;
}

void
console_binary(struct console *c, struct span args)
{
	struct buf data CLEANUP(buf_deinit) = { 0 };

	if (args.n > 0 && *args.p == '@') {
		args.p++;
		args.n--;
		if (args.n == 0)
			console_fail(c, "/binary @FILE: the name of a file is missing");
		if (args.n == 0 || !read_file(c, args, &data))
			return;
	} else if (!decode_hex(&data, args)) {
		console_fail(c, "\"%.*s\" is not hexadecimal; /binary @FILE sends a file", (int)MIN(args.n, (size_t)40), args.p);
		return;
	}
	session_send(c->opt.session, OP_BINARY, buf_head(&data), data.len, true);
}

void
console_file(struct console *c, struct span args)
{
	struct buf data CLEANUP(buf_deinit) = { 0 };

	if (!read_file(c, args, &data))
		return;
	if (!utf8_is_valid(buf_span(&data)))
		console_fail(c, "the file is not UTF-8, which a text message must be; /binary @FILE sends it");
	else
		session_send(c->opt.session, OP_TEXT, buf_head(&data), data.len, true);
}

void
console_fragment(struct console *c, struct span args)
{
	struct span word;
	uint64_t size;

	if (!console_word(&args, &word) || !console_number(word, 1 << 20, &size) || size == 0)
		console_fail(c, "/fragment N TEXT: N is how many bytes a frame has");
	else if (!utf8_is_valid(args))
		console_fail(c, "this is not UTF-8, which a text message must be");
	else if (!conn_send_fragments(session_conn(c->opt.session), OP_TEXT, args, (size_t)size))
		console_fail(c, "another message is under way");
}

void
console_raw(struct console *c, struct span args)
{
	struct buf data CLEANUP(buf_deinit) = { 0 };

	if (!decode_hex(&data, args))
		console_fail(c, "/raw HEX, for example /raw c1 80 00 00 00 00 (a frame with RSV1 set)");
	else
		conn_send_raw(session_conn(c->opt.session), buf_span(&data));
}

void
console_ping(struct console *c, struct span args)
{
	if (args.n > FRAME_CONTROL_MAX)
		console_fail(c, "the payload of a ping has 125 bytes at most");
	else
		c->has_pinged = conn_ping(session_conn(c->opt.session), args);
}

void
console_pong(struct console *c, struct span args)
{
	if (args.n > FRAME_CONTROL_MAX)
		console_fail(c, "the payload of a pong has 125 bytes at most");
	else
		conn_pong(session_conn(c->opt.session), args);
}

static void
on_every(uv_timer_t *timer)
{
	struct console *c = timer->data;

	/* Beside the lines that wait, not behind them; without a connection not at all, rather than complain each time. */
	if (session_state(c->opt.session) == SESSION_OPEN)
		console_do(c, span_of(c->every_line));
}

static bool
is_waiting_command(struct span line)
{
	static const char *const names[] = { "/sleep", "/wait", "/expect", "/source", "/every" };
	struct span word;

	console_word(&line, &word);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (span_eq(word, names[i]))
			return true;
	return false;
}

void
console_every(struct console *c, struct span args)
{
	struct span word;
	int64_t us;

	if (span_eq(args, "off")) {
		uv_timer_stop(&c->every);
		return;
	}
	if (!console_word(&args, &word) || args.n == 0) {
		console_fail(c, "/every SECONDS LINE, or /every off");
		return;
	}
	if (!console_seconds(c, word, &us))
		return;
	if (us == 0) {
		console_fail(c, "/every needs some time in between; /every off ends it");
		return;
	}
	if (is_waiting_command(args)) {
		console_fail(c, "/every does lines that are done at once; this one waits");
		return;
	}
	free(c->every_line);
	c->every_line = span_dup(args);
	uint64_t ms = MAX((uint64_t)(us / US_PER_MS), UINT64_C(1));
	uv_timer_start(&c->every, on_every, ms, ms);
}
