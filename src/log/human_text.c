/* SPDX-License-Identifier: MIT */
#include "log/human_words.h"

#include "base/escape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DATA_SHOWN = 80 };

static void
put_direction(struct words *w, enum direction dir)
{
	buf_puts(w->out, dir == DIR_IN ? "<" : ">");
}

static void
put_opcode(struct words *w, unsigned opcode)
{
	const char *name = opcode_name(opcode);

	if (name != NULL)
		buf_printf(w->out, " %s", name);
	else
		buf_printf(w->out, " opcode %u", opcode);
}

static void
put_frame(struct words *w)
{
	const struct ev_frame *e = &w->ev->u.frame;

	put_direction(w, e->dir);
	put_opcode(w, e->opcode);
	buf_puts(w->out, e->fin ? " fin" : "");
	for (unsigned i = 1; i <= 3; i++)
		if (e->rsv & (8u >> i))
			buf_printf(w->out, " rsv%u", i);
	buf_putc(w->out, ' ');
	words_size(w, e->length);
	buf_puts(w->out, e->masked ? " masked" : "");
}

static void
put_payload(struct words *w, struct span data)
{
	if (data.n == 0)
		return;
	buf_puts(w->out, " \"");
	escape_text(w->out, data, DATA_SHOWN);
	buf_putc(w->out, '"');
}

static void
put_message(struct words *w)
{
	const struct ev_message *e = &w->ev->u.message;

	put_direction(w, e->dir);
	put_opcode(w, e->opcode);
	buf_putc(w->out, ' ');
	words_size(w, e->length);
	put_payload(w, e->data);
}

static void
put_ping(struct words *w)
{
	const struct ev_ping *e = &w->ev->u.ping;

	if (e->waiting != US_UNKNOWN) {
		words_duration(w, "no pong for ", e->waiting, "");
		if (e->usual_rtt > 0)
			words_duration(w, " (usual rtt ", e->usual_rtt, ")");
		if (span_eq(e->tcp, "acked"))
			buf_puts(w->out, "; TCP acked: next hop alive");
		else if (e->tcp.n > 0)
			buf_puts(w->out, "; TCP not acked: path may be dead");
		return;
	}
	put_direction(w, e->dir);
	put_payload(w, e->data);
}

static void
put_pong(struct words *w)
{
	const struct ev_pong *e = &w->ev->u.pong;

	put_direction(w, e->dir);
	words_duration(w, " rtt ", e->rtt, "");
	if (e->dir == DIR_IN && e->rtt == US_UNKNOWN)
		buf_puts(w->out, " unasked");
	put_payload(w, e->data);
}

static void
put_violation(struct words *w)
{
	const struct ev_violation *e = &w->ev->u.violation;

	buf_puts(w->out, e->dir == DIR_IN ? "broke " : "we broke ");
	words_escaped(w, e->section);
	buf_puts(w->out, ": ");
	words_sentence(w, e->rule);
	buf_printf(w->out, " (byte %" PRIu64 ")", e->offset);
	if (e->answer != 0)
		buf_printf(w->out, "; answering %u", e->answer);
}

/* A code that no peer sent stands in parentheses, behind the cause and before its explanation: "ping timeout 25.0s (1006); TCP acked". */
static void
put_cause(struct words *w, const struct ev_ended *e)
{
	char code[16];
	const char *semicolon = e->text.n > 0 ? memmem(e->text.p, e->text.n, "; ", 2) : NULL;
	struct span head = e->text, tail = SPAN_NONE;

	snprintf(code, sizeof(code), "(%d)", e->synthesised);
	if (e->synthesised == 0 || e->synthesised == e->code || span_contains_ci(e->text, code)) {
		words_sentence(w, e->text);
		return;
	}
	if (semicolon != NULL) {
		head.n = (size_t)(semicolon - head.p);
		tail = (struct span){ semicolon, e->text.n - head.n };
	}
	words_sentence(w, head);
	buf_printf(w->out, " %s", code);
	words_sentence(w, tail);
}

/* What should be nothing in a healthy end. */
static void
put_leftovers(struct words *w, const struct ev_ended *e)
{
	const struct {
		int64_t bytes;
		const char *what;
	} items[] = {
		{ e->unsent, "unsent" },
		{ w->ev->type == EV_LOST ? e->unacked : 0, "unacked" }, /* of a close it is the Close itself, on its way */
		{ (int64_t)e->partial_in, "of an unfinished message in" },
		{ (int64_t)e->partial_out, "of an unfinished message out" },
		{ (int64_t)e->after_close, "after the peer's Close" },
	};
	bool first = true;

	for (size_t i = 0; i < ARRAY_LEN(items); i++) {
		if (items[i].bytes <= 0)
			continue;
		buf_puts(w->out, first ? "; " : ", ");
		words_size(w, (uint64_t)items[i].bytes);
		buf_printf(w->out, " %s", items[i].what);
		first = false;
	}
	if (e->tcp != NULL && e->tcp->retransmits > 0)
		buf_printf(w->out, "; TCP retransmitting, %" PRIu32 " tries", e->tcp->retransmits);
}

static void
put_ended(struct words *w)
{
	const struct ev_ended *e = &w->ev->u.ended;

	put_cause(w, e);
	words_duration(w, "; age ", e->age, "");
	if (w->ev->type == EV_LOST && (e->silent_rx != US_UNKNOWN || e->silent_tx != US_UNKNOWN)) {
		buf_puts(w->out, ", silent");
		words_duration(w, " in ", e->silent_rx, "");
		words_duration(w, " out ", e->silent_tx, "");
	}
	if (e->paused_rx > 0)
		words_duration(w, "; not reading for ", e->paused_rx, "");
	put_leftovers(w, e);
}

static void
put_count(struct words *w, uint32_t n, const char *one, const char *many, bool *first)
{
	if (n == 0)
		return;
	buf_puts(w->out, *first ? "; " : ", ");
	buf_printf(w->out, "%" PRIu32 " %s", n, n == 1 ? one : many);
	*first = false;
}

static void
put_traffic(struct words *w, const char *label, const struct traffic *t, bool *first)
{
	if (t->messages == 0 && t->bytes == 0)
		return;
	buf_puts(w->out, *first ? "; " : " ");
	buf_printf(w->out, "%s %" PRIu64 " (", label, t->messages);
	human_bytes(w->out, t->bytes);
	buf_putc(w->out, ')');
	*first = false;
}

/* With more than one loss it matters whether they were of one kind. */
static void
put_causes(struct words *w, const struct ev_end *e)
{
	if (e->lost < 2)
		return;
	for (size_t i = 0; i < e->causes.n; i++) {
		buf_puts(w->out, i == 0 ? " (" : ", ");
		buf_printf(w->out, "%" PRIu32 " %s", e->causes.items[i].n, e->causes.items[i].name);
	}
	if (e->causes.n > 0)
		buf_putc(w->out, ')');
}

static void
put_end(struct words *w)
{
	const struct ev_end *e = &w->ev->u.end;
	bool first_count = true, first_traffic = true;

	if (e->up > 0) {
		words_duration(w, "up ", e->up, "");
		words_duration(w, " of ", e->total, "");
	} else {
		buf_puts(w->out, e->up == 0 && e->conns == 0 && e->dials > 0 ? "never open" : "ran");
		words_duration(w, e->up == 0 && e->conns == 0 && e->dials > 0 ? " in " : " ", e->total, "");
	}
	put_count(w, e->dials, "dial", "dials", &first_count);
	put_count(w, e->conns, "conn", "conns", &first_count);
	put_count(w, e->failed, "failed", "failed", &first_count);
	put_count(w, e->lost, "lost", "lost", &first_count);
	put_causes(w, e);
	put_count(w, e->overlaps, "overlap", "overlaps", &first_count);
	put_traffic(w, "in", &e->received, &first_traffic);
	put_traffic(w, "out", &e->sent, &first_traffic);
	if (e->rtt_median != US_UNKNOWN && e->rtt_median > 0) {
		words_duration(w, "; rtt ", e->rtt_median, "");
		words_duration(w, " (", e->rtt_min, "");
		words_duration(w, " to ", e->rtt_max, ")");
	}
	buf_printf(w->out, "; exit %d", e->exit);
}

void
human_text(struct buf *out, const struct event *ev, const struct human_options *opt)
{
	struct words w = { out, ev, opt };

	if (ev->leg != LEG_NONE && ev->type != EV_HEARS)
		buf_printf(out, "%s leg: ", leg_name(ev->leg));
	switch (ev->type) {
	case EV_START: human_text_start(&w); break;
	case EV_LISTEN: human_text_listen(&w); break;
	case EV_DIAL: words_url(&w, ev->u.dialled.url); break;
	case EV_FAILED: human_text_failed(&w); break;
	case EV_REJECT: human_text_reject(&w); break;
	case EV_OPENED: human_text_opened(&w); break;
	case EV_HEAD: human_text_head(&w); break;
	case EV_FRAME: put_frame(&w); break;
	case EV_MESSAGE: put_message(&w); break;
	case EV_PING: put_ping(&w); break;
	case EV_PONG: put_pong(&w); break;
	case EV_VIOLATION: put_violation(&w); break;
	case EV_LOST:
	case EV_CLOSE: put_ended(&w); break;
	case EV_GONE: words_duration(&w, "socket closed ", ev->u.gone.after, " after that"); break;
	case EV_RETRY: human_text_retry(&w); break;
	case EV_GIVEUP: human_text_giveup(&w); break;
	case EV_GHOST: human_text_ghost(&w); break;
	case EV_SUSPEND: human_text_suspend(&w); break;
	case EV_CLOCK: human_text_clock(&w); break;
	case EV_OVERLAP: human_text_overlap(&w); break;
	case EV_REPLAY: human_text_replay(&w); break;
	case EV_ORPHAN: human_text_orphan(&w); break;
	case EV_INJECT: human_text_inject(&w); break;
	case EV_HEARS: human_text_hears(&w); break;
	case EV_NOTE: words_private(&w, ev->u.note.text, words_sentence); break;
	case EV_END: put_end(&w); break;
	case EV_TYPE_COUNT: break;
	}
}
