/* SPDX-License-Identifier: MIT */
/*
 * input_text: logs of programs that log "time text", by the words that people and libraries use.
 *
 * Such programs speak to databases and brokers as well, in the same words, so a word alone is no WebSocket: some rows count by themselves ("on_open"), the
 * others only where the line leaves them to a WebSocket (enum when), and errors only in a log that also tells of connections.
 *
 * To teach it more: add a row to patterns[]. In a line, the words that come first win; where two begin at the same place, the row that comes first. Words are
 * whole words in any case, and a space in them stands for a space, "_", "-" or nothing (words_at()). Then add a line to tests/unit/test_input_text.c.
 * What libraries say in their errors is in input_words.c.
 */
#include "report/input_kind.h"
#include "report/input_stamp.h"
#include "report/input_words.h"

#include <string.h>

/* Words stand near the beginning of a line; what comes later is payload. */
enum { SEARCHED = 256 };

enum meaning { NOTHING, MESSAGE, OPENED, REOPENED, ACCEPTED, ERROR, ENDED, DIALLED, RETRIED };
enum hint { ANY, CLIENT, SERVER };

enum when {
	ALWAYS,                    /* a word that only a WebSocket has; two of English ("on error") as FITTING */
	FITTING,                   /* the line names a WebSocket, or nothing around the words makes them another's (input_words.h) */
	NAMED,                     /* the line names a WebSocket */
	ENDING,                    /* the words name one; but what is behind them must fit: "ws open interest" is of a market */
	ALONE,                     /* nothing but punctuation may come before or behind it */
};

struct pattern {
	const char *words;
	enum meaning meaning;
	enum hint role;            /* who talks like this */
	enum when when;
};

static const struct pattern patterns[] = {
	{ "not connected", NOTHING, ANY },
	{ "not yet connected", NOTHING, ANY },
	{ "already connected", NOTHING, ANY },
	{ "clients connected", NOTHING, ANY },
	{ "users connected", NOTHING, ANY },
	{ "sending ping", NOTHING, ANY },
	{ "ping", NOTHING, ANY },
	{ "pong", NOTHING, ANY },
	{ "on message", MESSAGE, CLIENT },
	{ "ws sending", MESSAGE, CLIENT },
	{ "ws received", MESSAGE, CLIENT },
	{ "sending", MESSAGE, ANY },
	{ "sent", MESSAGE, ANY },
	{ "received", MESSAGE, ANY },

	{ "on open", OPENED, CLIENT },
	{ "on ws open", OPENED, CLIENT },
	{ "ws opened", OPENED, CLIENT },
	{ "ws open", OPENED, CLIENT, ENDING },
	{ "ws connected", OPENED, CLIENT },
	{ "websocket opened", OPENED, CLIENT },
	{ "websocket connected", OPENED, CLIENT },
	{ "connected to", OPENED, CLIENT, NAMED },
	{ "connected to server", OPENED, CLIENT, FITTING },
	{ "connected to the server", OPENED, CLIENT, FITTING },
	{ "on reconnect", REOPENED, CLIENT },
	{ "reconnected", REOPENED, CLIENT, FITTING },
	{ "on error", ERROR, CLIENT },
	{ "on ws error", ERROR, CLIENT },
	{ "ws error", ERROR, CLIENT },
	{ "websocket error", ERROR, CLIENT },
	{ "connection to remote host was lost", ERROR, CLIENT },
	{ "on close", ENDED, CLIENT },
	{ "on ws close", ENDED, CLIENT },
	{ "ws closed", ENDED, CLIENT },
	{ "ws close", ENDED, CLIENT, ENDING },
	{ "websocket closed", ENDED, CLIENT },
	{ "disconnected from", ENDED, CLIENT, NAMED },
	{ "disconnected from server", ENDED, CLIENT, FITTING },
	{ "disconnected from the server", ENDED, CLIENT, FITTING },
	{ "reconnecting", RETRIED, CLIENT, FITTING },
	{ "reconnect", RETRIED, CLIENT, FITTING },
	{ "retrying", RETRIED, CLIENT, FITTING },
	{ "connecting", DIALLED, CLIENT, FITTING },
	{ "connection refused", ERROR, CLIENT, FITTING },
	{ "handshake status", ERROR, CLIENT },
	{ "failed to connect", ERROR, CLIENT, FITTING },

	{ "on connect", OPENED, SERVER },
	{ "connected", OPENED, SERVER, FITTING },
	{ "connection open", OPENED, SERVER, FITTING },
	{ "connection opened", OPENED, SERVER, FITTING },
	{ "new connection", OPENED, SERVER, FITTING },
	{ "connection accepted", OPENED, SERVER, FITTING },
	{ "accepted connection", OPENED, SERVER, FITTING },
	{ "accepted", ACCEPTED, SERVER, NAMED },
	{ "on disconnect", ENDED, SERVER },
	{ "disconnected", ENDED, SERVER, FITTING },
	{ "disconnect", ENDED, SERVER, FITTING },

	{ "connection established", OPENED, ANY, FITTING },
	{ "connection lost", ERROR, ANY, FITTING },
	{ "connection reset", ERROR, ANY, FITTING },
	{ "broken pipe", ERROR, ANY, FITTING },
	{ "lost connection", ERROR, ANY, FITTING },
	{ "connection closed", ENDED, ANY, FITTING },
	{ "open", OPENED, ANY, ALONE },
	{ "opened", OPENED, ANY, ALONE },
	{ "close", ENDED, ANY, ALONE },
	{ "closed", ENDED, ANY, ALONE },
};

struct text_log {
	struct input_out *out;
	struct source source;
	struct stamp_clock clock;
	bool has_conns;            /* it tells of connections, so its errors may be theirs */
	uint64_t accepted;         /* opens of which the log may speak again */
};

/* Where the words of a pattern were found, and what is said behind them. */
struct match {
	const struct pattern *pattern;
	size_t at;
	bool is_sure;              /* it speaks of a WebSocket by name */
	struct span rest;
};

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether a pattern's words, at..end, speak of a WebSocket. */
static bool
is_meant(const struct pattern *p, struct span text, size_t at, size_t end)
{
	struct span before = { text.p, at }, behind = { text.p + end, text.n - end };
	bool is_english = p->when == ALWAYS && strncmp(p->words, "on ", 3) == 0 && text.p[at + 2] == ' ';

	if (p->meaning == NOTHING || p->meaning == MESSAGE)
		return true;
	if (p->when == ALONE)
		return at == 0 && (behind.n == 0 || (*behind.p != '\0' && strchr(":,;(.", *behind.p) != NULL));
	if (p->when == ENDING)
		return words_are_sequel(behind) || words_name_websocket(behind);
	if (p->meaning == ERROR && words_are_denied(before, behind))
		return false;
	if (words_name_websocket(text))
		return p->when == ALWAYS || !words_name_other(before);
	if (p->when == NAMED || words_name_other(before))
		return false;
	return (p->when == ALWAYS && !is_english) || (words_are_subject(before) && words_are_sequel(behind));
}

static bool
find_pattern(struct span text, struct match *ret)
{
	for (size_t at = 0; at < text.n; at++) {
		if (!is_letter(text.p[at]) || (at > 0 && is_letter(text.p[at - 1])))
			continue;
		for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
			/* The first letter is what most fail at. */
			size_t n = patterns[i].words[0] == (text.p[at] | 0x20) ? words_at(text, at, patterns[i].words) : 0;

			if (n == 0 || !is_meant(&patterns[i], text, at, at + n))
				continue;
			*ret = (struct match){ .pattern = &patterns[i], .at = at, .rest = { text.p + at + n, text.n - at - n } };
			ret->is_sure = patterns[i].when == ALWAYS || patterns[i].when == ENDING || words_name_websocket(text);
			return patterns[i].meaning != NOTHING;
		}
	}
	return false;
}

/* A log that says so once tells of connections. */
static bool
tells_of_conns(const struct match *m)
{
	return m->is_sure || m->pattern->meaning == OPENED || m->pattern->meaning == ENDED;
}

/* The time and the words of a line; false where it has no time. */
static bool
split_line(struct span line, struct stamp *ret_stamp, struct span *ret_words)
{
	bool has_stamp = stamp_find(line, ret_stamp);

	*ret_words = span_trim(has_stamp ? ret_stamp->rest : line);
	return has_stamp;
}

static struct span
searched(struct span words)
{
	return (struct span){ words.p, MIN(words.n, (size_t)SEARCHED) };
}

/* --- what is true of the whole log --- */

/* A name says it only where the words do not. */
static bool
guess_role(const char *name, const unsigned votes[3], enum role *ret)
{
	const char *file = strrchr(name, '/');
	struct span s = span_of(file != NULL ? file + 1 : name);

	if (votes[CLIENT] != votes[SERVER]) {
		*ret = votes[CLIENT] > votes[SERVER] ? ROLE_CLIENT : ROLE_SERVER;
		return true;
	}
	*ret = span_contains_ci(s, "serv") || span_contains_ci(s, "backend") ? ROLE_SERVER : ROLE_CLIENT;
	return span_contains_ci(s, "client") || *ret == ROLE_SERVER;
}

static void
look_at_head(struct text_log *t, struct span head)
{
	struct input_log *about = &t->out->about;
	unsigned votes[3] = { 0 };
	bool has_stamp = false;
	struct span line;

	about->resolution_us = INT64_C(1000000);
	while (span_next(&head, '\n', &line)) {
		struct stamp stamp;
		struct span text;
		struct match match;

		if (split_line(line, &stamp, &text)) {
			about->has_date = has_stamp ? about->has_date : stamp.has_date;
			about->has_zone = has_stamp ? about->has_zone : stamp.has_zone;
			about->resolution_us = MIN(about->resolution_us, stamp.resolution_us);
			has_stamp = true;
		}
		if (!find_pattern(searched(text), &match))
			continue;
		votes[match.pattern->role]++;
		t->has_conns = t->has_conns || tells_of_conns(&match);
	}
	guess_role(about->name, votes, &t->source.role);
	about->role_is_guessed = true;
}

static bool
text_knows(struct span head UNUSED)
{
	return true;
}

static void *
text_open(struct input_out *out, struct span head)
{
	struct text_log *t = xcalloc(1, sizeof(*t));

	t->out = out;
	look_at_head(t, head);
	return t;
}

/* --- events --- */

static void
tell(struct text_log *t, uint64_t line, struct event *ev)
{
	ev->src = &t->source;
	ev->wall_us = t->clock.last;
	ev->mono_us = INPUT_NO_MONO;
	input_tell(t->out, line, ev);
}

/* What is said behind the words: ": [Errno 111] ...", to the end of the line: what is cut could no more be seen to be a secret. */
static struct span
saying(struct span words, const struct match *m)
{
	struct span rest = { m->rest.p, words.n - (size_t)(m->rest.p - words.p) };

	while (rest.n > 0 && strchr(" :,-(\t", *rest.p) != NULL && *rest.p != '\0')
		rest.p++, rest.n--;
	return rest;
}

static void
tell_error(struct text_log *t, uint64_t line, struct span words, const struct match *m)
{
	struct words_error e = words_of_error(searched(words));
	struct event ev = event_blank(e.is_dial ? EV_FAILED : EV_LOST);
	struct span text = saying(words, m);

	if (e.is_dial) {
		ev.u.failed.stage = e.stage;
		ev.u.failed.cause = e.cause;
		ev.u.failed.status = e.status;
		ev.u.failed.text = text;
	} else {
		ev.u.ended.by = e.by;
		ev.u.ended.cause = e.cause;
		ev.u.ended.text = text;
		ev.u.ended.synthesised = 1006;
	}
	tell(t, line, &ev);
}

/* 1006 is never on the wire: whoever says so saw no Close. */
static void
tell_end(struct text_log *t, uint64_t line, struct span words, const struct match *m)
{
	int code = words_close_code(m->rest);
	bool is_wire = code != 0 && code != 1006;
	struct event ev = event_blank(code == 1006 ? EV_LOST : EV_CLOSE);

	ev.u.ended.text = saying(words, m);
	ev.u.ended.synthesised = code;
	ev.u.ended.cause = is_wire ? CAUSE_WS_CLOSE : CAUSE_NONE;
	ev.u.ended.code = is_wire ? code : 0;
	tell(t, line, &ev);
}

/* Uvicorn says "[accepted]", and then "connection open" of the same. */
static bool
is_said_again(struct text_log *t, const struct match *m)
{
	if (m->pattern->meaning == ACCEPTED) {
		t->accepted++;
		return false;
	}
	if (m->pattern->meaning != OPENED || t->accepted == 0)
		return false;
	t->accepted--;
	return true;
}

static void
tell_meaning(struct text_log *t, uint64_t line, struct span words, const struct match *m)
{
	struct event opened = event_blank(EV_OPENED), dialled = event_blank(EV_DIAL), retried = event_blank(EV_RETRY);

	t->has_conns = t->has_conns || tells_of_conns(m);
	if ((m->pattern->meaning == ERROR && !t->has_conns) || is_said_again(t, m))
		return;
	switch (m->pattern->meaning) {
	case OPENED:
	case REOPENED:
	case ACCEPTED:
		opened.u.opened.is_reconnect = m->pattern->meaning == REOPENED;
		tell(t, line, &opened);
		break;
	case ERROR: tell_error(t, line, words, m); break;
	case ENDED: tell_end(t, line, words, m); break;
	case DIALLED: tell(t, line, &dialled); break;
	case RETRIED:
		retried.u.retry.delay = words_delay(m->rest);
		tell(t, line, &retried);
		break;
	case MESSAGE: t->out->counts.messages++; break;
	case NOTHING: break;
	}
}

/* A line without a time goes with the one before it, if it begins with words that we know: print() between the lines of a logger. Others continue a line:
 * tracebacks, JSON. */
static void
text_line(void *reader, const struct input_line *line)
{
	struct text_log *t = reader;
	struct stamp stamp;
	struct span words;
	struct match match;
	bool has_stamp = split_line(line->text, &stamp, &words);

	if (has_stamp)
		stamp_clock_us(&t->clock, &stamp);
	if (line->text.n > 0 && memchr(line->text.p, '\0', MIN(line->text.n, (size_t)SEARCHED)) != NULL)
		input_tell_unreadable(t->out, line->number);
	else if (!find_pattern(searched(words), &match) || (!has_stamp && (match.at > 0 || !is_letter(*line->text.p))))
		return;
	else if (!t->clock.has_last)
		input_tell_unreadable(t->out, line->number);
	else
		tell_meaning(t, line->number, words, &match);
}

static void
text_close(void *reader)
{
	free(reader);
}

const struct input_kind input_text = {
	.name = "text",
	.title = "text",
	.help = "lines of a time and words, by patterns: on_open, connected, disconnect",
	.knows = text_knows,
	.open = text_open,
	.line = text_line,
	.close = text_close,
};
