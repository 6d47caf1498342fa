/* SPDX-License-Identifier: MIT */
#include "fault/everybody.h"

#include <signal.h>

enum { NAME_MAX_SHOWN = 60 };

struct everybody {
	struct watch *watch;
	struct journal *journal;
	const struct everybody_events *up;
	void *arg;
};

bool
everybody_does(const struct plan_line *line, const struct plan_action *a)
{
	bool is_asked_for = line->moment.when == WHEN_SIGNAL || line->moment.when == WHEN_LINE;

	return is_asked_for && plan_action_is_for_all(a->what) && plan_is_for_everybody(&line->subject);
}

static void
on_fire(void *arg, const struct plan_line *line)
{
	struct everybody *e = arg;
	bool is_told = false;

	for (unsigned i = 0; i < line->n_actions; i++) {
		const struct plan_action *a = &line->actions[i];

		if (!everybody_does(line, a))
			continue;
		if (!is_told)
			journal_emit(e->journal, &(struct event){ .type = EV_INJECT, .u.inject = watch_inject(e->watch, line, NULL) });
		is_told = true;
		if (a->what == DO_UNLISTEN)
			e->up->unlisten(e->arg, a);
		else
			e->up->kill_all(e->arg, a);
	}
}

static const char *
signal_name(int signum)
{
	return signum == SIGUSR1 ? "USR1" : "USR2";
}

static const char *
name_of(const struct plan_moment *m)
{
	return m->when == WHEN_LINE ? m->text : signal_name(m->signum);
}

/* What was mistyped, or meant for another plan, would do nothing, and say nothing. */
static void
note_if_unawaited(const struct plan *p, enum plan_when when, struct span name, struct journal *j)
{
	struct buf awaited CLEANUP(buf_deinit) = { 0 };

	for (unsigned i = 0; i < p->n_lines; i++) {
		const struct plan_moment *m = &p->lines[i].moment;

		if (m->when == when && span_eq(name, name_of(m)))
			return;
		if (m->when == when)
			buf_printf(&awaited, "%s%s", awaited.len > 0 ? ", " : "; known: ", name_of(m));
	}
	journal_note(j, "no line of the plan waits for \"%.*s\"%s", (int)MIN(name.n, (size_t)NAME_MAX_SHOWN), name.p, buf_cstr(&awaited));
}

void
everybody_signal(const struct plan *p, int signum, struct journal *j, const struct everybody_events *up, void *arg)
{
	struct everybody e = { .journal = j, .up = up, .arg = arg };

	note_if_unawaited(p, WHEN_SIGNAL, span_of(signal_name(signum)), j);
	e.watch = watch_new(p, 0, on_fire, &e);
	watch_signal(e.watch, signum);
	watch_free(e.watch);
}

void
everybody_line(const struct plan *p, struct span typed, struct journal *j, const struct everybody_events *up, void *arg)
{
	struct everybody e = { .journal = j, .up = up, .arg = arg };

	if (typed.n > 0)
		note_if_unawaited(p, WHEN_LINE, typed, j);
	e.watch = watch_new(p, 0, on_fire, &e);
	watch_line(e.watch, typed);
	watch_free(e.watch);
}
