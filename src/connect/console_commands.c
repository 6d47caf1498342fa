/* SPDX-License-Identifier: MIT */
/* console_commands: the table of commands, and reading their arguments. */
#include "connect/console_state.h"

#include "base/quantity.h"

#include <string.h>

const struct console_command console_commands[] = {
	{ "help", "[COMMAND]", "what there is, or what one command does", COMPLETE_COMMAND, NULL, false, console_help },
	{ "open", "[URL]", "dial, again or somewhere else", COMPLETE_NOTHING, NULL, false, console_open },
	{ "close", "[CODE [REASON]]", "closing handshake, with 1000 unless told otherwise; gives up a dial", COMPLETE_CLOSE_CODE, NULL, false, console_close_conn },
	{ "drop", "[fin|rst]", "end TCP without a Close frame", COMPLETE_WORDS, "fin rst", false, console_drop },
	{ "reconnect", "[overlap]", "close and dial again; overlap: dial first, so that two are open", COMPLETE_WORDS, "overlap", false, console_reconnect },
	{ "conns", "", "every connection: state, age, silence each way, counts", COMPLETE_NOTHING, NULL, false, console_conns_list },
	{ "use", "N", "send on connection N", COMPLETE_CONN, NULL, false, console_use },
	{ "text", "TEXT", "send a text message, also one that begins with a slash", COMPLETE_NOTHING, NULL, true, console_text },
	{ "binary", "HEX|@FILE", "send a binary message", COMPLETE_FILE, NULL, true, console_binary },
	{ "file", "PATH", "send a file as one text message", COMPLETE_FILE, NULL, true, console_file },
	{ "fragment", "N TEXT", "send a text message in frames of N bytes", COMPLETE_NOTHING, NULL, true, console_fragment },
	{ "raw", "HEX", "send bytes as they are: wrong frames on purpose", COMPLETE_NOTHING, NULL, true, console_raw },
	{ "ping", "[PAYLOAD]", "send a ping; without payload the round trip is told", COMPLETE_NOTHING, NULL, true, console_ping },
	{ "pong", "[PAYLOAD]", "send a pong nobody asked for", COMPLETE_NOTHING, NULL, true, console_pong },
	{ "every", "SECONDS LINE|off", "do LINE again and again", COMPLETE_WORDS, "off", false, console_every },
	{ "stall", "[SECONDS]", "stop reading, to see what the peer does", COMPLETE_NOTHING, NULL, true, console_stall },
	{ "resume", "", "read on", COMPLETE_NOTHING, NULL, true, console_resume },
	{ "pongs", "on|off", "answer pings, or not", COMPLETE_WORDS, "on off", false, console_pongs },
	{ "ping-interval", "SECONDS|off", "send pings this often", COMPLETE_WORDS, "off", false, console_ping_interval },
	{ "headers", "", "headers of the answer to the last upgrade", COMPLETE_NOTHING, NULL, false, console_headers },
	{ "tls", "", "version, cipher and certificate", COMPLETE_NOTHING, NULL, false, console_tls },
	{ "timing", "", "how long each step of the last dial took", COMPLETE_NOTHING, NULL, false, console_timing },
	{ "stats", "", "counts, losses, round trips", COMPLETE_NOTHING, NULL, false, console_stats },
	{ "last", "", "the last message received, whole", COMPLETE_NOTHING, NULL, false, console_last },
	{ "save", "FILE", "the last message received, to a file", COMPLETE_FILE, NULL, false, console_save },
	{ "set", "[NAME VALUE]", "settings: show BYTES, hex BYTES, paste one|lines", COMPLETE_WORDS, "show hex paste", false, console_set },
	{ "log", "FILE|off", "write events to FILE as JSON lines", COMPLETE_FILE, NULL, false, console_log },
	{ "source", "FILE", "do the lines of a file", COMPLETE_FILE, NULL, false, console_source_file },
	{ "sleep", "SECONDS", "wait", COMPLETE_NOTHING, NULL, false, console_sleep },
	{ "wait", "EVENT [SECONDS]", "wait for an event (default 10)", COMPLETE_EVENT, NULL, false, console_wait_event },
	{ "expect", "PATTERN [SECONDS]", "wait for a message that matches an extended regular expression (default 10)", COMPLETE_NOTHING, NULL, false,
	    console_expect },
	{ "echo", "TEXT", "say something here", COMPLETE_NOTHING, NULL, false, console_echo },
	{ "quit", "", "close everything and leave", COMPLETE_NOTHING, NULL, false, console_quit },
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

bool
console_seconds(struct console *c, struct span word, int64_t *ret_us)
{
	char *text CLEANUP(free_charp) = span_dup(word);

	if (quantity_parse_seconds(text, ret_us))
		return true;
	console_fail(c, "\"%s\" is not a duration (examples: 10, 0.5, 250ms, 2m)", text);
	return false;
}
