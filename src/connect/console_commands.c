/* SPDX-License-Identifier: MIT */
/* console_commands: the table of commands, and reading their arguments. */
#include "connect/console_state.h"

#include "base/quantity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { READ_SIZE = 64 * 1024 };

const struct console_command console_commands[] = {
	{ "help", "[COMMAND]", "what there is, or what one command does", false, console_help },
	{ "open", "[URL]", "dial, again or somewhere else", false, console_open },
	{ "close", "[CODE [REASON]]", "closing handshake, with 1000 unless told otherwise; gives up a dial", false, console_close_conn },
	{ "drop", "[fin|rst]", "end TCP without a Close frame", false, console_drop },
	{ "reconnect", "[overlap]", "close and dial again; overlap: dial first, so that two are open", false, console_reconnect },
	{ "conns", "", "every connection: state, age, silence each way, counts", false, console_conns_list },
	{ "use", "CONN", "send on another connection; /conns lists them", false, console_use },
	{ "text", "[TEXT]", "send a text message, also one that begins with a slash", true, console_text },
	{ "binary", "[HEX|@FILE]", "send a binary message", true, console_binary },
	{ "file", "PATH", "send a file as one text message", true, console_file },
	{ "fragment", "N TEXT", "send a text message in frames of N bytes", true, console_fragment },
	{ "raw", "HEX", "send bytes as they are: wrong frames on purpose", true, console_raw },
	{ "ping", "[PAYLOAD]", "send a ping; without payload the round trip is told", true, console_ping },
	{ "pong", "[PAYLOAD]", "send a pong nobody asked for", true, console_pong },
	{ "every", "off|SECONDS LINE", "do LINE again and again", false, console_every },
	{ "stall", "[SECONDS]", "stop reading, to see what the peer does", true, console_stall },
	{ "resume", "", "read on", true, console_resume },
	{ "pongs", "on|off", "answer pings, or not", false, console_pongs },
	{ "ping-interval", "SECONDS|off", "send pings this often", false, console_ping_interval },
	{ "headers", "", "headers of the answer to the last upgrade", false, console_headers },
	{ "tls", "", "version, cipher and certificate", false, console_tls },
	{ "timing", "", "how long each step of the last dial took", false, console_timing },
	{ "stats", "", "counts, losses, round trips", false, console_stats },
	{ "last", "", "the last message received, whole", false, console_last },
	{ "save", "FILE", "the last message received, to a file", false, console_save },
	{ "set", "[NAME VALUE]", "settings: show BYTES, hex BYTES, paste one|lines", false, console_set },
	{ "log", "off|FILE", "write events to FILE as JSON lines", false, console_log },
	{ "source", "FILE", "do the lines of a file", false, console_source_file },
	{ "sleep", "SECONDS", "wait", false, console_sleep },
	{ "wait", "EVENT [SECONDS]", "wait for an event (default 10)", false, console_wait_event },
	{ "expect", "PATTERN [SECONDS]", "wait for a message that matches an extended regular expression (default 10)", false, console_expect },
	{ "echo", "[TEXT]", "say something here", false, console_echo },
	{ "quit", "", "close everything and leave", false, console_quit },
	{ 0 },
};

const struct console_command *
console_find(struct span name)
{
	for (const struct console_command *cmd = console_commands; cmd->name != NULL; cmd++)
		if (span_eq(name, cmd->name))
			return cmd;
	return NULL;
}

bool
console_word(struct span *args, struct span *ret)
{
	struct span s = span_trim(*args);
	size_t n = 0;

	if (s.n == 0)
		return false;
	while (n < s.n && s.p[n] != ' ' && s.p[n] != '\t')
		n++;
	*ret = (struct span){ s.p, n };
	*args = span_trim((struct span){ s.p + n, s.n - n });
	return true;
}

bool
console_number(struct span word, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;

	if (word.n == 0 || word.n > 18)
		return false;
	for (size_t i = 0; i < word.n; i++) {
		if (word.p[i] < '0' || word.p[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(word.p[i] - '0');
	}
	*ret = n;
	return n <= max;
}

char *
console_path(struct span args)
{
	const char *home = getenv("HOME");

	if (args.n >= 2 && args.p[0] == '~' && args.p[1] == '/' && home != NULL)
		return xasprintf("%s%.*s", home, (int)args.n - 1, args.p + 1);
	return span_dup(args);
}

int
console_read(const char *path, size_t max, struct buf *out)
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (f == NULL)
		return -errno;
	while (out->len <= max && (n = fread(buf_reserve(out, READ_SIZE), 1, READ_SIZE, f)) > 0)
		buf_commit(out, n);
	int err = ferror(f) ? -errno : out->len > max ? -EFBIG : 0;
	fclose(f);
	return err;
}

bool
console_seconds(struct console *c, struct span word, int64_t *ret_us)
{
	char *text CLEANUP(free_charp) = span_dup(word);

	if (quantity_parse_seconds(text, ret_us))
		return true;
	console_fail(c, "\"%s\" is not a duration (examples: 10, 0.5, 250ms, 2m)", text);
	return false;
}
