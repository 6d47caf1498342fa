/* SPDX-License-Identifier: MIT */
#include "log/journal.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Two logs with the same boot id have one monotonic clock. No /proc, no id: the logs can still be joined by wall time. */
static bool
read_boot_id(char *id, size_t size)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, id, size - 1) : -1;

	if (fd >= 0)
		close(fd);
	id[n > 0 ? n : 0] = '\0';
	id[strcspn(id, "\n")] = '\0';
	return id[0] != '\0';
}

void
journal_init(struct journal *j, enum role role, uint64_t run, const struct clock *clock)
{
	*j = (struct journal){ .src = { .run = run, .role = role }, .clock = clock };
	list_init(&j->sinks);
	j->ledger = ledger_new(&LEDGER_LIMITS);
	if (read_boot_id(j->boot, sizeof(j->boot)))
		j->src.boot = j->boot;
}

void
journal_deinit(struct journal *j)
{
	while (j->sinks.next != NULL && !list_is_empty(&j->sinks)) {
		struct sink *s = container_of(j->sinks.next, struct sink, link);

		list_remove(&s->link);
		s->free(s);
	}
	j->wants = 0;
	ledger_free(steal(&j->ledger));
}

void
journal_add(struct journal *j, struct sink *s)
{
	list_append(&j->sinks, &s->link);
	j->wants |= s->wants;
}

void
journal_remove(struct journal *j, struct sink *s)
{
	list_remove(&s->link);
	j->wants = 0;
	for (struct list *l = j->sinks.next; l != &j->sinks; l = l->next)
		j->wants |= container_of(l, struct sink, link)->wants;
}

/* A fact that was timed when it was seen is told later: its wall time is as long ago as its monotonic time. */
static void
set_times(const struct clock *clock, struct event *ev)
{
	int64_t mono = clock_mono(clock), wall = clock_wall(clock);

	if (ev->mono_us == 0)
		ev->mono_us = mono;
	ev->wall_us = wall - (mono - ev->mono_us);
}

static void
fan_out(struct journal *j, const struct event *ev)
{
	for (struct list *l = j->sinks.next; l != &j->sinks; l = l->next) {
		struct sink *s = container_of(l, struct sink, link);

		if (s->wants & EVENT_BIT(ev->type))
			s->event(s, ev);
	}
}

static void
on_verdict(void *arg, struct event *verdict)
{
	struct journal *j = arg;

	j->overlaps += verdict->type == EV_OVERLAP;
	journal_emit(j, verdict);
}

/* The facts that the ledger judges by; the many others (messages) never reach it. */
static bool
is_judged(enum event_type type)
{
	return type == EV_OPENED || type == EV_LOST || type == EV_CLOSE || type == EV_GHOST || type == EV_GONE;
}

void
journal_watch_clocks(struct journal *j)
{
	struct clock_news news = clock_watch_look(&j->watch, j->clock);
	struct event suspend = { .type = EV_SUSPEND, .u.suspend = { .slept = news.slept, .stalled = news.stalled } };
	struct event jump = { .type = EV_CLOCK, .u.clock.jump = news.jump };

	if (news.slept != 0 || news.stalled != 0)
		journal_emit(j, &suspend);
	if (news.jump != 0)
		journal_emit(j, &jump);
}

void
journal_emit(struct journal *j, struct event *ev)
{
	if (!journal_wants(j, ev->type) && !is_judged(ev->type))
		return;
	if (ev->type == EV_LOST || ev->type == EV_FAILED)
		journal_watch_clocks(j);
	ev->src = &j->src;
	set_times(j->clock, ev);
	fan_out(j, ev);
	if (is_judged(ev->type))
		ledger_feed(j->ledger, ev, ev->mono_us, on_verdict, j);
}

bool
journal_is_first(const struct journal *j, struct span session)
{
	return session.n == 0 || ledger_first(j->ledger, session);
}

void
journal_note(struct journal *j, const char *fmt, ...)
{
	char *text CLEANUP(free_charp) = NULL;
	va_list ap;

	if (!journal_wants(j, EV_NOTE))
		return;
	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort(); /* out of memory, as everywhere */

	struct event ev = { .type = EV_NOTE, .u.note.text = { text, (size_t)n } };
	journal_emit(j, &ev);
}
