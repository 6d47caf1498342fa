/* SPDX-License-Identifier: MIT */
#include "fault/plan_words.h"

enum { BOTH = PLAN_FOR_PROXY | PLAN_FOR_SERVER, PROXY = PLAN_FOR_PROXY };

/* In the order of enum plan_do. */
const struct plan_word plan_action_words[] = {
	{ "fin", "[LEG]", "end the leg: close_notify where there is TLS, then FIN; no Close frame", BOTH },
	{ "rst", "[LEG]", "end the leg with a TCP reset", BOTH },
	{ "cut-tls", "[LEG]", "end the leg with FIN and without close_notify", BOTH },
	{ "half-close", "[LEG]", "send FIN and go on reading", BOTH },
	{ "hold", "[LEG] [for TIME]", "do not end this leg when the other one ends", PROXY },
	{ "drop", "[DIR] [for TIME]", "read the bytes and throw them away; ends are still passed on", BOTH },
	{ "stall", "[DIR] [for TIME]", "do not read: the sender's window fills", BOTH },
	{ "unlisten", "[for TIME]", "close the listener: connects are refused", BOTH },
	{ "delay", "TIME [DIR]", "what comes waits so long; before the opening, this step does", BOTH },
	{ "jitter", "TIME [DIR]", "what comes waits for a random part of this, in order", BOTH },
	{ "throttle", "RATE [DIR]", "let through so many bytes a second", BOTH },
	{ "slice", "BYTES [DIR]", "write in pieces of so many bytes, each a segment of its own", BOTH },
	{ "close", "[CODE] [\"REASON\"] [LEG]", "write a Close frame of our own, between two frames; the leg ends after it", BOTH },
	{ "swallow", "", "do not pass this frame on", BOTH },
	{ "answer-pings", "[LEG]", "answer the pings that come from the leg, and do not pass them on", PROXY },
	{ "no-pongs", "[LEG]", "do not pass on pongs that come from the leg; a server leaves pings unanswered", BOTH },
	{ "status", "N [\"BODY\"]", "answer the request with this status instead of 101", BOTH },
	{ "drop-header", "NAME", "take every header of this name out of the request or the answer", BOTH },
	{ "set-header", "NAME: VALUE", "put this header in, in place of others of its name", BOTH },
	{ "replay", "", "send the request upstream twice", PROXY },
	{ "never", "", "give no answer at all; the socket stays open", BOTH },
	{ "corrupt", "[DIR]", "flip a bit of the next payload byte", BOTH },
	{ "truncate", "[DIR]", "write half of the next frame, then FIN", BOTH },
	{ "kill-all", "[fin|rst|close [CODE] [\"REASON\"]] [within TIME]", "end every open connection, each at a random moment within TIME", BOTH },
	{ 0 },
};

const struct action_row plan_action_rows[DO_COUNT] = {
	[DO_FIN] = { TAKES_LEG, IN_ALL, IN_ALL },
	[DO_RST] = { TAKES_LEG, IN_ALL, IN_ALL },
	[DO_CUT_TLS] = { TAKES_LEG, IN_ALL, IN_ALL },
	[DO_HALF_CLOSE] = { TAKES_LEG, IN_ALL, IN_ALL },
	[DO_HOLD] = { TAKES_LEG | TAKES_FOR, IN_ALL, 0 },
	[DO_DROP] = { TAKES_DIR | TAKES_FOR, IN_OPEN | IN_FRAME, IN_OPEN | IN_FRAME },
	[DO_STALL] = { TAKES_DIR | TAKES_FOR, IN_OPEN | IN_FRAME, IN_OPEN | IN_FRAME },
	[DO_UNLISTEN] = { TAKES_FOR, IN_ALL, IN_ALL, .is_for_all = true },
	[DO_DELAY] = { TAKES_TIME | TAKES_DIR, IN_ALL, IN_ALL },
	[DO_JITTER] = { TAKES_TIME | TAKES_DIR, IN_ALL, IN_ALL },
	[DO_THROTTLE] = { TAKES_SIZE | TAKES_DIR, IN_OPEN | IN_FRAME, IN_OPEN | IN_FRAME },
	[DO_SLICE] = { TAKES_SIZE | TAKES_DIR, IN_OPEN | IN_FRAME, IN_OPEN | IN_FRAME },
	[DO_CLOSE] = { TAKES_CODE | TAKES_LEG, IN_OPEN | IN_FRAME, IN_OPEN | IN_FRAME },
	[DO_SWALLOW] = { 0, IN_FRAME, IN_FRAME },
	[DO_ANSWER_PINGS] = { TAKES_LEG, IN_OPEN | IN_FRAME, 0 },
	[DO_NO_PONGS] = { TAKES_LEG, IN_OPEN | IN_FRAME, IN_OPEN | IN_FRAME },
	[DO_STATUS] = { TAKES_STATUS | TAKES_TEXT, IN_UPGRADE, IN_UPGRADE },
	[DO_DROP_HEADER] = { TAKES_NAME, IN_UPGRADE, IN_RESPONSE },
	[DO_SET_HEADER] = { TAKES_HEADER, IN_UPGRADE, IN_RESPONSE },
	[DO_REPLAY] = { 0, IN_REQUEST, 0 },
	[DO_NEVER] = { 0, IN_ACCEPT | IN_UPGRADE, IN_ACCEPT | IN_UPGRADE },
	[DO_CORRUPT] = { TAKES_DIR, IN_OPEN | IN_FRAME, IN_OPEN | IN_FRAME },
	[DO_TRUNCATE] = { TAKES_DIR, IN_OPEN | IN_FRAME, IN_OPEN | IN_FRAME },
	[DO_KILL_ALL] = { TAKES_HOW | TAKES_WITHIN, IN_ALL, IN_ALL, .is_for_all = true },
};

bool
plan_action_is_for_all(enum plan_do what)
{
	return plan_action_rows[what].is_for_all;
}

const struct plan_word plan_moment_words[] = {
	{ "at accept", "", "the TCP connection is accepted; nothing was read", BOTH },
	{ "at request", "", "the head of the request is complete; nothing went to the origin", BOTH },
	{ "at response", "", "the head of the answer is complete; nothing went to the client", BOTH },
	{ "at open", "", "the connection opens; as after 0s", BOTH },
	{ "after", "TIME", "so long after it opened", BOTH },
	{ "age", "TIME", "the same", BOTH },
	{ "after", "N msgs [DIR]", "when the Nth data message has wholly passed", BOTH },
	{ "after", "SIZE [DIR]", "when so many payload bytes have passed; 64KB, 1M, \"100 bytes\"", BOTH },
	{ "idle", "[DIR] TIME", "no byte for so long, in this direction or in both", BOTH },
	{ "on frame", "[OPCODE] [DIR] [text \"GLOB\"]", "a frame begins", BOTH },
	{ "on signal", "USR1|USR2", "wsdiag gets this signal", BOTH },
	{ "on line", "WORD", "this word is typed at the terminal", PROXY },
	{ 0 },
};

static const struct {
	enum moment_class bit;
	const char *words;
} class_words[] = {
	{ IN_ACCEPT, "at accept" },
	{ IN_REQUEST, "at request" },
	{ IN_RESPONSE, "at response" },
	{ IN_OPEN, "at open, after, age, idle, on signal, on line" },
	{ IN_FRAME, "on frame" },
};

enum moment_class
plan_moment_class(const struct plan_moment *m)
{
	switch (m->when) {
	case WHEN_ACCEPT: return IN_ACCEPT;
	case WHEN_REQUEST: return IN_REQUEST;
	case WHEN_RESPONSE: return IN_RESPONSE;
	case WHEN_FRAME: return IN_FRAME;
	default: return IN_OPEN;
	}
}

void
plan_say_classes(struct buf *out, unsigned classes)
{
	const char *before = "";

	for (size_t i = 0; i < ARRAY_LEN(class_words); i++) {
		if ((classes & class_words[i].bit) == 0)
			continue;
		buf_printf(out, "%s%s", before, class_words[i].words);
		before = ", ";
	}
}
