/* SPDX-License-Identifier: MIT */
/*
 * input_websocket_client: the trace of Python's websocket-client: websocket.enableTrace(True), or its logger "websocket" with any format of lines.
 *
 *	--- request header ---                       a dial: GET, Host, Sec-WebSocket-Key
 *	--- response header ---                      101: it is open; else it failed
 *	++Rcv decoded: fin=1 opcode=8 data=b'\x03\xf4...'
 *	Connection to remote host was lost. - reconnect        lost, or a dial that failed, by what came before
 *	reconnect() - retrying in 1 seconds [...]
 *
 * Without a format of its own the trace has no times: then they are those of the Date headers of the answers (resolution_us 0), or none at all (no date either).
 * What was seen with versions 1.7 to 1.9.
 */
#include "base/arena.h"
#include "codec/handshake.h"
#include "report/input_kind.h"
#include "report/input_stamp.h"
#include "report/input_words.h"

#include <stdlib.h>
#include <string.h>

enum { HEADERS_MAX = 100, HEADER_MAX = 8 * 1024 };

struct trace_log {
	struct input_out *out;
	struct source source;
	struct stamp_clock clock;
	bool has_times;
	bool is_tunnel;            /* the request is a CONNECT to a proxy */
	enum { TEXT, REQUEST, RESPONSE } block;
	size_t prefix;             /* what a logger puts before every line of a block */
	enum { IDLE, ASKED, OPEN, ENDED } phase;
	uint32_t dial, conn;
	/* Of this dial. */
	struct arena arena;
	struct span target, host, key;
	int status;
	struct span answer;        /* "HTTP 502 Bad Gateway" */
	struct header headers[HEADERS_MAX];
	size_t n_headers;
	/* Of this connection: the codes, 1005 for none; 0: no Close yet. */
	int close_sent, close_received;
	struct span reason;
	bool is_ours;              /* our Close was first */
	uint64_t close_line;
	int64_t close_us;
};

/* Where what comes first: the marks of lines, behind whatever a logger puts before them. */
static size_t
find(struct span s, const char *mark, struct span *ret_rest)
{
	size_t n = strlen(mark);
	const char *p = s.n >= n ? memmem(s.p, MIN(s.n, n + 256), mark, n) : NULL;

	if (p == NULL)
		return SIZE_MAX;
	*ret_rest = (struct span){ p + n, s.n - (size_t)(p - s.p) - n };
	return (size_t)(p - s.p);
}

static bool
has(struct span s, const char *mark)
{
	struct span rest;

	return find(s, mark, &rest) != SIZE_MAX;
}

/* --- events --- */

static void
tell_at(struct trace_log *t, uint64_t line, int64_t us, struct event *ev)
{
	ev->src = &t->source;
	ev->wall_us = us;
	ev->mono_us = INPUT_NO_MONO;
	ev->dial = t->dial;
	input_tell(t->out, line, ev);
}

static void
tell(struct trace_log *t, uint64_t line, struct event *ev)
{
	tell_at(t, line, t->clock.last, ev);
}

/* It is of the dial that comes. */
static void
tell_retry(struct trace_log *t, uint64_t line, struct event *ev)
{
	t->dial++;
	tell(t, line, ev);
	t->dial--;
}

/* A Close of either side was seen; the other's may be missing. It is told once it is over. */
static void
tell_close(struct trace_log *t)
{
	bool is_both = t->close_sent != 0 && t->close_received != 0;
	struct event ev = event_blank(EV_CLOSE);

	ev.conn = t->conn;
	ev.u.ended.by = t->is_ours ? BY_LOCAL : BY_PEER;
	ev.u.ended.cause = CAUSE_WS_CLOSE;
	ev.u.ended.clean = is_both;
	ev.u.ended.code = t->close_received;
	ev.u.ended.close_sent = t->close_sent;
	ev.u.ended.synthesised = t->close_received;
	ev.u.ended.reason = t->reason;
	if (!is_both)
		ev.u.ended.text = t->is_ours ? SPAN_LIT("the trace shows no answer to its Close") : SPAN_LIT("the trace shows no answer to the peer's Close");
	tell_at(t, t->close_line, t->close_us, &ev);
	t->close_sent = t->close_received = 0;
	t->phase = ENDED;
}

static bool
is_closing(const struct trace_log *t)
{
	return t->phase == OPEN && (t->close_sent != 0 || t->close_received != 0);
}

static struct span
url_of(struct trace_log *t)
{
	struct buf url CLEANUP(buf_deinit) = { 0 };

	if (t->host.n == 0)
		return SPAN_NONE;
	/* Whether it is ws or wss is not in the trace. */
	buf_printf(&url, "ws://%.*s%.*s", (int)t->host.n, t->host.p, (int)t->target.n, t->target.p);
	return arena_copy(&t->arena, buf_span(&url));
}

static struct span
hop_of(struct trace_log *t, const struct header_list *headers)
{
	struct buf hop CLEANUP(buf_deinit) = { 0 };

	handshake_name_hop(&hop, headers);
	return hop.len > 0 ? arena_copy(&t->arena, buf_span(&hop)) : SPAN_NONE;
}

static void
tell_opened(struct trace_log *t, uint64_t line, const struct header_list *headers)
{
	struct event ev = event_blank(EV_OPENED);

	ev.conn = ++t->conn;
	ev.u.opened.is_reconnect = t->conn > 1;
	ev.u.opened.url = url_of(t);
	ev.u.opened.ws_key = t->key;
	ev.u.opened.status = t->status;
	ev.u.opened.headers = *headers;
	ev.u.opened.hop = hop_of(t, headers);
	t->phase = OPEN;
	tell(t, line, &ev);
}

static void
tell_refused(struct trace_log *t, uint64_t line, const struct header_list *headers)
{
	struct event ev = event_blank(EV_FAILED);

	ev.u.failed.stage = t->is_tunnel ? STAGE_TUNNEL : STAGE_UPGRADE;
	ev.u.failed.cause = CAUSE_HTTP_REFUSED;
	ev.u.failed.status = t->status;
	ev.u.failed.text = t->answer;
	ev.u.failed.ws_key = t->key;
	ev.u.failed.headers = *headers;
	ev.u.failed.hop = hop_of(t, headers);
	t->phase = ENDED;
	tell(t, line, &ev);
}

/* "SOMETHING - reconnect", "SOMETHING - goodbye". It comes again for an end that was already told. */
static void
tell_error(struct trace_log *t, uint64_t line, struct span text)
{
	struct words_error e = words_of_error(text);
	struct event lost = event_blank(EV_LOST), failed = event_blank(EV_FAILED);

	if (is_closing(t)) {
		tell_close(t);
	} else if (t->phase == OPEN) {
		lost.conn = t->conn;
		lost.u.ended.by = e.by;
		lost.u.ended.cause = e.cause;
		lost.u.ended.text = text;
		lost.u.ended.synthesised = 1006;
		tell(t, line, &lost);
	} else if (t->phase != ENDED) {
		t->dial += t->phase == IDLE;
		failed.u.failed.stage = t->phase == ASKED ? STAGE_UPGRADE : e.is_dial ? e.stage : STAGE_TCP;
		failed.u.failed.cause = e.cause;
		failed.u.failed.status = e.status;
		failed.u.failed.text = text;
		failed.u.failed.ws_key = t->phase == ASKED ? t->key : SPAN_NONE;
		tell(t, line, &failed);
	}
	t->phase = ENDED;
}

/* --- heads --- */

static void
begin_request(struct trace_log *t)
{
	if (is_closing(t))
		tell_close(t);
	arena_clear(&t->arena);
	t->target = t->host = t->key = t->answer = t->reason = SPAN_NONE;
	t->n_headers = 0;
	t->status = 0;
	t->dial += t->phase != ASKED || !t->is_tunnel;
	t->is_tunnel = false;
	t->block = REQUEST;
	t->phase = ASKED;
}

static bool
split_header(struct trace_log *t, struct span line, struct header *ret)
{
	const char *colon = line.n > 0 && line.n <= HEADER_MAX ? memchr(line.p, ':', line.n) : NULL;

	if (colon == NULL)
		return false;
	ret->name = arena_copy(&t->arena, span_trim((struct span){ line.p, (size_t)(colon - line.p) }));
	ret->value = arena_copy(&t->arena, span_trim((struct span){ colon + 1, line.n - (size_t)(colon - line.p) - 1 }));
	return true;
}

static void
request_line(struct trace_log *t, struct span line)
{
	struct span rest;
	struct header h;

	/* Its first line may stand behind what a logger puts before it. */
	if (t->target.p == NULL && has(line, "CONNECT ")) {
		t->is_tunnel = true;
	} else if (t->target.p == NULL && find(line, "GET ", &rest) != SIZE_MAX && rest.n <= HEADER_MAX) {
		const char *end = memchr(rest.p, ' ', rest.n);

		rest.n = end != NULL ? (size_t)(end - rest.p) : rest.n;
		t->target = arena_copy(&t->arena, rest);
	} else if (t->target.p != NULL && t->host.p == NULL && span_starts_ci(line, "host:") && split_header(t, line, &h)) {
		t->host = h.value;
	} else if (t->target.p != NULL && t->key.p == NULL && span_starts_ci(line, "sec-websocket-key:") && split_header(t, line, &h)) {
		t->key = h.value;
	}
}

static void
end_request(struct trace_log *t, uint64_t line)
{
	struct event ev = event_blank(EV_DIAL);

	t->block = TEXT;
	ev.u.dialled.url = url_of(t);
	if (!t->is_tunnel)
		tell(t, line, &ev);
}

/* "502 Bad Gateway", behind the version. */
static void
take_status(struct trace_log *t, struct span s)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };

	t->status = atoi((char[]){ s.p[0], s.p[1], s.p[2], '\0' });
	buf_puts(&text, "HTTP ");
	buf_append(&text, s.p, MIN(s.n, (size_t)HEADER_MAX));
	t->answer = t->answer.p == NULL ? arena_copy(&t->arena, buf_span(&text)) : t->answer;
}

static void
response_line(struct trace_log *t, struct span line)
{
	struct span rest;

	if (t->status == 0 && find(line, "HTTP/1.", &rest) != SIZE_MAX && rest.n > 5) {
		take_status(t, (struct span){ rest.p + 2, rest.n - 2 });
		return;
	}
	line.p += MIN(t->prefix, line.n);
	line.n -= MIN(t->prefix, line.n);
	if (t->n_headers < HEADERS_MAX && split_header(t, line, &t->headers[t->n_headers]))
		t->n_headers++;
}

/* A trace without times has those of the answers. */
static void
set_time_by_date(struct trace_log *t)
{
	struct stamp stamp;

	for (size_t i = 0; i < t->n_headers; i++)
		if (span_eq_ci(t->headers[i].name, "date") && stamp_find(t->headers[i].value, &stamp) && stamp.has_date)
			stamp_clock_us(&t->clock, &stamp);
}

static void
end_response(struct trace_log *t, uint64_t line)
{
	struct header_list headers = { t->headers, t->n_headers };

	t->block = TEXT;
	if (!t->has_times)
		set_time_by_date(t);
	if (t->phase != ASKED || (t->is_tunnel && t->status == 200))
		return;
	if (t->status == 101)
		tell_opened(t, line, &headers);
	else
		tell_refused(t, line, &headers);
}

/* --- frames --- */

/* The code and the reason of a Close. */
static int
read_close(struct trace_log *t, struct span data, struct span *ret_reason)
{
	uint8_t bytes[125];
	size_t n = words_python_bytes(data, bytes, sizeof(bytes));

	if (n < 2)
		return 1005;
	*ret_reason = n > 2 ? arena_copy(&t->arena, (struct span){ (const char *)bytes + 2, n - 2 }) : SPAN_NONE;
	return bytes[0] << 8 | bytes[1];
}

/* "fin=1 opcode=8 data=..." */
static void
frame_line(struct trace_log *t, uint64_t line, struct span decoded, bool is_sent)
{
	struct span data, opcode, ignored;

	if (find(decoded, "opcode=", &opcode) == SIZE_MAX || find(decoded, "data=", &data) == SIZE_MAX || opcode.n < 2)
		return;
	t->out->counts.messages += (opcode.p[0] == '1' || opcode.p[0] == '2') && opcode.p[1] == ' ';
	if (opcode.p[0] != '8' || t->phase != OPEN)
		return;
	if (!is_closing(t)) {
		t->is_ours = is_sent;
		t->close_line = line;
		t->close_us = t->clock.last;
	}
	/* The first of each side counts (RFC 6455 section 7.1.5). */
	if (is_sent && t->close_sent == 0)
		t->close_sent = read_close(t, data, &ignored);
	else if (!is_sent && t->close_received == 0)
		t->close_received = read_close(t, data, &t->reason);
	if (t->close_sent != 0 && t->close_received != 0)
		tell_close(t);
}

/* --- lines --- */

static void
text_mark(struct trace_log *t, uint64_t line, struct span s)
{
	static const char *const ends[] = { " - reconnect", " - goodbye" };
	struct event retry = event_blank(EV_RETRY);
	struct span rest;

	if (find(s, "++Rcv decoded: ", &rest) != SIZE_MAX) {
		frame_line(t, line, rest, false);
	} else if (find(s, "++Sent decoded: ", &rest) != SIZE_MAX) {
		frame_line(t, line, rest, true);
	} else if (find(s, "++", &rest) != SIZE_MAX) {
		return;
	} else if (find(s, "- retrying", &rest) != SIZE_MAX) {
		if (is_closing(t))
			tell_close(t);
		retry.u.retry.delay = words_delay(rest);
		t->phase = IDLE;
		tell_retry(t, line, &retry);
	} else {
		struct span error = { s.p + MIN(t->prefix, s.n), s.n - MIN(t->prefix, s.n) };

		for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
			size_t n = strlen(ends[i]);

			if (error.n > n && memcmp(error.p + error.n - n, ends[i], n) == 0)
				tell_error(t, line, (struct span){ error.p, error.n - n });
		}
	}
}

/* Levels differ in width, so the prefix of a line is what comes before the words of the logger: taken anew where a mark shows it. */
static size_t
prefix_of(const struct trace_log *t, struct span s)
{
	static const char *const names[] = { " websocket ", ":websocket:", "[websocket] ", "websocket: ", "websocket - " };
	struct stamp stamp;
	struct span rest;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t at = find((struct span){ s.p, MIN(s.n, (size_t)96) }, names[i], &rest);

		if (at != SIZE_MAX)
			return at + strlen(names[i]);
	}
	return t->has_times && stamp_find(s, &stamp) ? (size_t)(stamp.rest.p - s.p) : 0;
}

static void
trace_line(void *reader, const struct input_line *line)
{
	struct trace_log *t = reader;
	struct span s = line->text;
	struct stamp stamp;

	if (s.n > 0 && s.p[s.n - 1] == '\r')
		s.n--;
	if (t->has_times && stamp_find(s, &stamp))
		stamp_clock_us(&t->clock, &stamp);
	t->prefix = prefix_of(t, s);
	if (has(s, "--- request header ---"))
		begin_request(t);
	else if (has(s, "--- response header ---"))
		t->block = RESPONSE;
	else if (t->block != TEXT && has(s, "-----------------------"))
		t->block == REQUEST ? end_request(t, line->number) : end_response(t, line->number);
	else if (t->block == REQUEST)
		request_line(t, s);
	else if (t->block == RESPONSE)
		response_line(t, s);
	else
		text_mark(t, line->number, s);
}

static bool
trace_knows(struct span head)
{
	static const char *const marks[] = { "--- request header ---", "++Rcv decoded: ", "++Sent decoded: ", "++Rcv raw: ", "++Sent raw: ",
		"Calling dispatcher reconnect [", "Websocket connected\n" };

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (head.n > 0 && memmem(head.p, head.n, marks[i], strlen(marks[i])) != NULL)
			return true;
	return false;
}

/* Without times: those of the answers, and before the first one its time, so that nothing seems to have happened in 1970. */
static void
look_for_dates(struct trace_log *t, struct span head)
{
	struct span line;
	struct stamp stamp;

	while (span_next(&head, '\n', &line))
		if (span_starts_ci(line, "date:") && stamp_find(line, &stamp) && stamp.has_zone) {
			t->out->about.has_date = t->out->about.has_zone = true;
			stamp_clock_us(&t->clock, &stamp);
			return;
		}
}

/* A logger's times stand before its marks; a Date header's do not. */
static void
look_at_head(struct trace_log *t, struct span head)
{
	struct input_log *about = &t->out->about;
	struct span rest = head, line;
	struct stamp stamp;

	while (span_next(&rest, '\n', &line)) {
		bool is_mark = has(line, "--- re") || has(line, "++") || has(line, "Websocket connected") || has(line, "reconnect");

		if (!is_mark || !stamp_find(line, &stamp))
			continue;
		t->has_times = true;
		about->has_date = stamp.has_date;
		about->has_zone = stamp.has_zone;
		about->resolution_us = stamp.resolution_us;
		return;
	}
	look_for_dates(t, head);
}

static void *
trace_open(struct input_out *out, struct span head)
{
	struct trace_log *t = xcalloc(1, sizeof(*t));

	t->out = out;
	t->source.role = ROLE_CLIENT;
	out->about.has_key = true;
	look_at_head(t, head);
	return t;
}

static void
trace_close(void *reader)
{
	struct trace_log *t = reader;

	if (is_closing(t))
		tell_close(t);
	arena_deinit(&t->arena);
	free(t);
}

const struct input_kind input_websocket_client = {
	.name = "websocket-client",
	.title = "websocket-client trace",
	.help = "trace of Python's websocket-client: websocket.enableTrace(True)",
	.knows = trace_knows,
	.open = trace_open,
	.line = trace_line,
	.close = trace_close,
};
