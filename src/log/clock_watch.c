/* SPDX-License-Identifier: MIT */
#include "log/clock_watch.h"

#include <stdlib.h>

struct clock_news
clock_watch_look(struct clock_watch *w, const struct clock *c)
{
	struct clock_watch now = { .mono = clock_mono(c), .boot = clock_boot(c), .wall = clock_wall(c) };
	struct clock_news news = { 0 };

	if (w->mono != 0) {
		int64_t ran = now.mono - w->mono, slept = now.boot - w->boot - ran, jump = now.wall - w->wall - (now.boot - w->boot);

		news.slept = slept >= CLOCK_WATCH_SLEPT_US ? slept : 0;
		news.stalled = ran >= CLOCK_WATCH_TICK_US + CLOCK_WATCH_STALL_US ? ran - CLOCK_WATCH_TICK_US : 0;
		news.jump = llabs(jump) >= CLOCK_WATCH_JUMP_US ? jump : 0;
	}
	*w = now;
	return news;
}
