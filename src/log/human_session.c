/* SPDX-License-Identifier: MIT */
/* human_session: the sentences about what happens between connections, and between their two ends. */
#include "log/human_words.h"

#include <inttypes.h>

void
human_text_retry(struct words *w)
{
	const struct ev_retry *e = &w->ev->u.retry;

	words_duration(w, "in ", e->delay, "");
	if (e->failures > 1)
		buf_printf(w->out, "; %" PRIu32 " dials in a row have failed", e->failures);
}

void
human_text_giveup(struct words *w)
{
	words_sentence(w, w->ev->u.giveup.text);
}

void
human_text_ghost(struct words *w)
{
	const struct ev_ghost *e = &w->ev->u.ghost;

	words_sentence(w, e->text);
	words_duration(w, " ", e->after, " after lost");
	if (e->with != 0) {
		buf_printf(w->out, "; overlap with c%" PRIu32, e->with);
		words_duration(w, " ", e->overlap, "");
	}
	if (e->received.bytes > 0) {
		buf_puts(w->out, "; came meanwhile: ");
		words_size(w, e->received.bytes);
		buf_printf(w->out, ", %" PRIu64 " message%s", e->received.messages, e->received.messages == 1 ? "" : "s");
	}
}

void
human_text_suspend(struct words *w)
{
	const struct ev_suspend *e = &w->ev->u.suspend;

	if (e->slept > 0)
		words_duration(w, "the machine slept for ", e->slept, "");
	else
		words_duration(w, "this process did not run for ", e->stalled, " (stopped, or the machine overloaded)");
}

void
human_text_clock(struct words *w)
{
	int64_t jump = w->ev->u.clock.jump;

	words_duration(w, "the wall clock jumped ", jump < 0 ? -jump : jump, jump < 0 ? " back" : " ahead");
	buf_puts(w->out, "; durations are not affected");
}

void
human_text_overlap(struct words *w)
{
	const struct ev_overlap *e = &w->ev->u.overlap;
	bool is_client = w->ev->src == NULL || w->ev->src->role == ROLE_CLIENT;

	buf_printf(w->out, "c%" PRIu32, e->with);
	if (e->held)
		buf_puts(w->out, " is held open by us");
	else if (e->since == US_UNKNOWN)
		buf_puts(w->out, is_client ? " is still open" : " of the same session is still open");
	else
		buf_puts(w->out, is_client ? " not known to have ended; the server may hold both" : " of the same session not known to have ended");
}

void
human_text_replay(struct words *w)
{
	const struct ev_replay *e = &w->ev->u.replay;

	buf_printf(w->out, "c%" PRIu32 " opened with the same key", e->with);
	words_duration(w, " ", e->after, " before");
	buf_puts(w->out, ": a hop sent the request twice");
}

void
human_text_orphan(struct words *w)
{
	buf_printf(w->out, "d%" PRIu32 " opened after its successor d%" PRIu32 ": the client had given it up", w->ev->dial, w->ev->u.orphan.successor);
}

void
human_text_inject(struct words *w)
{
	const struct ev_inject *e = &w->ev->u.inject;

	words_escaped(w, e->action);
	words_labelled(w, "; ", e->plan);
	if (e->line > 0)
		buf_printf(w->out, ":%" PRIu32, e->line);
	/* A dial that never opens has no other name. */
	if (w->ev->conn == 0 && e->accept > 0) {
		buf_printf(w->out, "; accept %" PRIu32, e->accept);
		words_labelled(w, " from ", e->peer);
	}
}

void
human_text_hears(struct words *w)
{
	const struct ev_hears *e = &w->ev->u.hears;

	words_escaped(w, e->library);
	words_labelled(w, ": ", e->callback);
}
