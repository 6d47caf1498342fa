/* SPDX-License-Identifier: MIT */
#include "fault/everybody.h"

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

void
everybody_signal(const struct plan *p, int signum, struct journal *j, const struct everybody_events *up, void *arg)
{
	struct everybody e = { .journal = j, .up = up, .arg = arg };

	e.watch = watch_new(p, 0, on_fire, &e);
	watch_signal(e.watch, signum);
	watch_free(e.watch);
}

void
everybody_line(const struct plan *p, struct span typed, struct journal *j, const struct everybody_events *up, void *arg)
{
	struct everybody e = { .journal = j, .up = up, .arg = arg };

	e.watch = watch_new(p, 0, on_fire, &e);
	watch_line(e.watch, typed);
	watch_free(e.watch);
}
