/* SPDX-License-Identifier: MIT */
/* pair_end: how a leg ends, by itself, by us or as its other did, and how its end is passed on. */
#include "proxy/pair_state.h"

#include "codec/close_code.h"

void
leg_close(struct leg_side *l, enum transport_close how, enum ending_reason why, const char *sent_end)
{
	if (!leg_is_up(l))
		return;
	/* What we ended before is not the peer's doing. */
	if (why == ENDING_BY_TRANSPORT && l->fin_why != ENDING_BY_TRANSPORT && how == TRANSPORT_GRACEFUL) {
		why = l->fin_why;
		sent_end = "FIN";
	}
	leg_tell_end(l, why, sent_end);
	l->is_closing = true;
	l->ended_as = how;
	transport_close(l->transport, how);
}

static const char *
name_of(enum transport_close how)
{
	return how == TRANSPORT_RST ? "RST" : how == TRANSPORT_FIN ? "FIN without close_notify" : "FIN";
}

/* Nothing was ended where nobody was: an origin that is still dialled is given up. */
void
leg_pass_on_end(struct leg_side *ended, enum transport_close how)
{
	struct leg_side *l = leg_other(ended);
	struct pair *p = l->pair;

	/* One that has a Close of ours to answer ends after that. */
	if (l->is_held || (l->is_closed_by_us && l->close_due_us >= 0))
		return;
	if (l->which == LEG_ORIGIN && p->dial != NULL) {
		dial_cancel(steal(&p->dial));
		pair_release(p);
		return;
	}
	if (!leg_is_up(l))
		return;
	if (how == TRANSPORT_FIN && transport_tls(l->transport) == NULL)
		how = TRANSPORT_GRACEFUL;
	/* What the ended one had sent belongs to this one, as far as it can be had at once. */
	if (how != TRANSPORT_RST)
		flow_flush(&ended->from, pair_now(p));
	leg_close(l, how, ENDING_RELAYED, name_of(how));
}

/* The ends of reading that leave nothing to write to either. */
static bool
find_cut(const struct leg_side *l, enum transport_close *ret_how)
{
	struct transport_end ends[TRANSPORT_ENDS_MAX];
	int n = transport_ends(l->transport, ends);
	bool is_cut = false;

	*ret_how = TRANSPORT_GRACEFUL;
	for (int i = 0; i < n; i++) {
		if (ends[i].kind == END_TRUNCATED || ends[i].kind == END_MID_RECORD) {
			*ret_how = TRANSPORT_FIN;
			is_cut = true;
		} else if (ends[i].kind != END_FIN && ends[i].kind != END_NOTIFY) {
			*ret_how = TRANSPORT_RST;
			return true;
		}
	}
	return is_cut;
}

/* It has sent a Close that was passed on, so the answer may still pass: the end is told when the leg is closed. */
static bool
waits_for_close(struct leg_side *l)
{
	return l->close_received && !l->close_sent && leg_other(l)->close_sent && leg_is_up(leg_other(l));
}

void
leg_owe_fin(struct leg_side *l, enum ending_reason why)
{
	if (l->write_over || l->owes_fin)
		return;
	l->owes_fin = true;
	/* After its own end ours is only the answer. */
	if (!l->read_over)
		l->fin_why = why;
}

void
leg_read_over(struct leg_side *l)
{
	struct pair *p = l->pair;
	enum transport_close how;

	if (l->read_over)
		return;
	l->read_over = true;
	flow_end(&l->from, pair_now(p));
	if (!leg_is_up(l))
		return;
	if (p->phase != PAIR_RELAY && p->phase != PAIR_RAW) {
		pair_gone_early(l);
		return;
	}
	if (find_cut(l, &how) || l->is_closed_by_us) {
		leg_close(l, how == TRANSPORT_FIN ? TRANSPORT_GRACEFUL : how, ENDING_BY_TRANSPORT, NULL);
		leg_pass_on_end(l, how);
		return;
	}
	if (!waits_for_close(l))
		leg_tell_end(l, l->fin_why, l->fin_why != ENDING_BY_TRANSPORT ? "FIN" : NULL);
	if (leg_is_up(leg_other(l)) && !leg_other(l)->is_held)
		leg_owe_fin(leg_other(l), ENDING_RELAYED);
}

/* The half-close that was passed on, once everything before it is written; and the end of a leg that is over both ways. */
void
leg_finish(struct leg_side *l)
{
	struct leg_side *other = leg_other(l);

	if (!leg_is_up(l))
		return;
	if (l->owes_fin && !l->write_over && flow_is_empty(&other->from)) {
		l->owes_fin = false;
		l->write_over = true;
		(void)transport_half_close(l->transport);
	}
	/* A held leg lives as long as its far end wants. */
	if (l->read_over && (l->write_over || (!leg_is_up(other) && l->pair->dial == NULL && flow_is_empty(&other->from))))
		leg_close(l, TRANSPORT_GRACEFUL, ENDING_BY_TRANSPORT, NULL);
}

/* Our Close was answered, or for long enough not. */
void
leg_end_closed(struct leg_side *l, int64_t now)
{
	if (l->close_due_us < 0 || now < l->close_due_us)
		return;
	l->close_due_us = -1;
	if (!leg_is_up(l) || l->is_held)
		return; /* held: a Close without the FIN that should follow */
	leg_close(l, TRANSPORT_GRACEFUL, l->close_why, "Close, then FIN");
	leg_pass_on_end(l, TRANSPORT_GRACEFUL);
}

/* A Close was written before: its answer, and the end, are given as long as those of a new one. */
void
leg_say_goodbye(struct leg_side *l)
{
	leg_send_close(l, ENDING_INTERRUPTED, CLOSE_GOING_AWAY, SPAN_NONE);
	if (!leg_is_up(l) || l->close_due_us >= 0)
		return;
	l->close_why = ENDING_INTERRUPTED;
	l->close_due_us = pair_now(l->pair) + l->pair->opt->close_timeout_us;
}
