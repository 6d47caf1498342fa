/* SPDX-License-Identifier: MIT */
#include "ws/ending.h"

#include "base/clock.h"
#include "base/escape.h"
#include "codec/close_code.h"

#include <errno.h>
#include <string.h>

/* 1012 Service Restart "deploy"; the well-known 1000 needs no name. */
static void
say_code(struct buf *text, int code, struct span reason)
{
	const char *name = close_code_name(code);

	if (code == CLOSE_NO_STATUS) {
		buf_puts(text, "Close without code");
	} else {
		buf_printf(text, "%d", code);
		if (code != CLOSE_NORMAL && name != NULL)
			buf_printf(text, " %s", name);
	}
	if (reason.n > 0) {
		buf_puts(text, " \"");
		escape_text(text, reason, 0);
		buf_putc(text, '"');
	}
}

static const struct transport_end *
find_end(const struct ending_facts *f, enum end_kind kind)
{
	for (int i = 0; i < f->n_ends; i++)
		if (f->ends[i].kind == kind)
			return &f->ends[i];
	return NULL;
}

/* The ends that say more than the one below them come first. */
static const struct transport_end *
decisive_end(const struct ending_facts *f)
{
	static const enum end_kind order[] = { END_ALERT, END_CORRUPT, END_ERRNO, END_MID_RECORD, END_TRUNCATED, END_NOTIFY, END_FIN };

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		const struct transport_end *e = find_end(f, order[i]);

		if (e != NULL)
			return e;
	}
	return NULL;
}

static void
judge_errno(int err, struct ev_ended *ret, struct buf *text)
{
	ret->cause = cause_of_errno(err);
	ret->error = err;
	if (ret->cause == CAUSE_TCP_RESET) {
		buf_puts(text, "peer RST");
		return;
	}
	if (ret->cause == CAUSE_TCP_TIMED_OUT || ret->cause == CAUSE_TCP_UNREACHABLE)
		ret->by = BY_PATH;
	if (ret->cause == CAUSE_TCP_TIMED_OUT)
		buf_puts(text, "TCP gave up: nothing acknowledged");
	else
		buf_puts(text, strerror(err));
}

static void
judge_transport(const struct ending_facts *f, struct ev_ended *ret, struct buf *text)
{
	const struct transport_end *e = decisive_end(f);
	static const struct transport_end unknown = { .kind = END_FIN };

	ret->by = BY_PEER;
	if (e == NULL)
		e = &unknown;
	if (f->close_received) {
		buf_puts(text, "peer ");
		say_code(text, f->code_received, f->reason_received);
		buf_puts(text, ", then before our answer ");
	}
	switch (e->kind) {
	case END_FIN:
		ret->cause = CAUSE_TCP_CLOSED;
		buf_puts(text, "peer FIN");
		break;
	case END_ERRNO:
		judge_errno(e->code, ret, text);
		break;
	case END_NOTIFY:
		ret->cause = CAUSE_TLS_CLOSED;
		buf_puts(text, "TLS closed");
		break;
	case END_TRUNCATED:
		ret->cause = CAUSE_TLS_TRUNCATED;
		buf_puts(text, "TLS cut, no close_notify");
		break;
	case END_MID_RECORD:
		ret->cause = CAUSE_TLS_TRUNCATED;
		buf_puts(text, "TLS cut inside a record");
		break;
	case END_ALERT:
		ret->cause = CAUSE_TLS_ALERT;
		ret->error = e->code;
		buf_printf(text, "peer's TLS alert: %s", e->text);
		break;
	case END_CORRUPT:
		ret->cause = CAUSE_TLS_CORRUPT;
		buf_printf(text, "TLS record damaged: %s", e->text);
		break;
	}
	if (f->close_sent) {
		buf_puts(text, ", our Close ");
		say_code(text, f->code_sent, SPAN_NONE);
		buf_puts(text, " unanswered");
	} else if (!f->close_received && (e->kind == END_FIN || e->kind == END_NOTIFY)) {
		buf_puts(text, ", no Close frame");
	}
}

static void
say_tcp_end(const struct ending_facts *f, struct buf *text)
{
	const struct transport_end *e = find_end(f, END_ERRNO);

	if (e != NULL && cause_of_errno(e->code) == CAUSE_TCP_RESET)
		buf_puts(text, ", peer RST");
	else if (find_end(f, END_TRUNCATED) != NULL || find_end(f, END_MID_RECORD) != NULL)
		buf_puts(text, ", TLS cut");
	else if (find_end(f, END_FIN) != NULL)
		buf_puts(text, ", peer FIN");
	else if (find_end(f, END_NOTIFY) != NULL)
		buf_puts(text, ", TLS closed");
	else if (f->is_server)
		buf_puts(text, ", we closed TCP");
	else if (f->waited_us >= 0) {
		buf_puts(text, ", no FIN for ");
		clock_format_duration(text, f->waited_us);
	}
}

static void
judge_finished(const struct ending_facts *f, struct ev_ended *ret, struct buf *text)
{
	ret->cause = CAUSE_WS_CLOSE;
	ret->clean = true;
	if (f->we_closed_first) {
		ret->by = BY_LOCAL;
		buf_puts(text, "ours ");
		say_code(text, f->code_sent, SPAN_NONE);
		buf_puts(text, ", answered ");
		say_code(text, f->code_received, f->reason_received);
		buf_puts(text, " in ");
		clock_format_duration(text, f->answered_us);
	} else {
		ret->by = BY_PEER;
		buf_puts(text, "peer ");
		say_code(text, f->code_received, f->reason_received);
	}
	say_tcp_end(f, text);
}

static void
judge_violation(const struct ending_facts *f, struct ev_ended *ret, struct buf *text)
{
	ret->by = BY_PEER;
	ret->cause = f->rule == RULE_MESSAGE_TOO_BIG ? CAUSE_WS_TOO_BIG
	    : frame_rule_answer(f->rule) == CLOSE_INVALID_PAYLOAD ? CAUSE_WS_UTF8
	    : CAUSE_WS_PROTOCOL;
	if (f->rule == RULE_MESSAGE_TOO_BIG)
		buf_puts(text, "message larger than --max-message");
	else
		buf_printf(text, "broke RFC 6455 %s: %s", frame_rule_section(f->rule), frame_rule_sentence(f->rule));
	if (f->close_sent)
		buf_printf(text, f->we_closed_first ? ", after our Close %d" : ", answered %d", f->code_sent);
}

static void
judge_ping_timeout(const struct ending_facts *f, struct ev_ended *ret, struct buf *text)
{
	ret->by = BY_LOCAL;
	ret->cause = CAUSE_WS_PING_TIMEOUT;
	buf_puts(text, "ping timeout ");
	clock_format_duration(text, f->waited_us);
}

/* No answer to our Close; or it, or our answer to theirs, never left. */
static void
judge_close_timeout(const struct ending_facts *f, struct ev_ended *ret, struct buf *text)
{
	ret->by = BY_LOCAL;
	ret->cause = CAUSE_WS_CLOSE_TIMEOUT;
	if (f->close_received) {
		buf_puts(text, "peer ");
		say_code(text, f->code_received, f->reason_received);
		buf_puts(text, ", but our answer");
	} else {
		buf_puts(text, "our Close ");
		say_code(text, f->code_sent, SPAN_NONE);
	}
	buf_puts(text, f->close_sent ? " unanswered for " : " could not be sent for ");
	clock_format_duration(text, f->waited_us);
	if (!f->close_sent)
		buf_puts(text, ": peer does not read");
}

bool
ending_judge(const struct ending_facts *f, struct ev_ended *ret, struct buf *text)
{
	ret->code = f->close_received ? f->code_received : 0;
	ret->reason = f->close_received ? f->reason_received : SPAN_NONE;
	ret->close_sent = f->close_sent ? f->code_sent : 0;
	ret->answered = f->answered_us;
	ret->synthesised = f->close_received ? f->code_received : CLOSE_ABNORMAL;

	if (f->close_received && f->close_sent && f->reason != ENDING_VIOLATION) {
		judge_finished(f, ret, text);
		return true;
	}
	switch (f->reason) {
	case ENDING_FINISHED:
	case ENDING_BY_TRANSPORT: judge_transport(f, ret, text); break;
	case ENDING_VIOLATION: judge_violation(f, ret, text); break;
	case ENDING_CLOSE_TIMEOUT: judge_close_timeout(f, ret, text); break;
	case ENDING_PING_TIMEOUT: judge_ping_timeout(f, ret, text); break;
	case ENDING_DROPPED:
		ret->by = BY_LOCAL;
		ret->cause = CAUSE_LOCAL_DROP;
		buf_puts(text, "dropped by us, no Close frame");
		break;
	case ENDING_INTERRUPTED:
		ret->by = BY_LOCAL;
		ret->cause = CAUSE_LOCAL_INTERRUPT;
		buf_puts(text, "stopped by us at once");
		break;
	case ENDING_FAULT:
		ret->by = BY_LOCAL;
		ret->cause = CAUSE_LOCAL_FAULT;
		buf_printf(text, "our %s, by the plan", f->sent_end);
		break;
	case ENDING_RELAYED:
		ret->by = BY_LOCAL;
		ret->cause = CAUSE_LOCAL_RELAY;
		buf_printf(text, "our %s, as the other leg had ended", f->sent_end);
		break;
	}
	if (!f->close_received)
		buf_puts(text, " (1006)");
	if (f->reason == ENDING_PING_TIMEOUT && f->tcp_known)
		buf_puts(text, f->tcp_all_acked ? "; TCP acked: far side silent" : "; TCP not acked: path dead");
	return false;
}
