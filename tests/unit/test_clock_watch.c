/* SPDX-License-Identifier: MIT */
#include "log/clock_watch.h"

#include "support/unit.h"

struct fake {
	struct clock clock;
	int64_t mono, boot, wall;
};

static int64_t
fake_mono(const struct clock *c)
{
	return container_of(c, const struct fake, clock)->mono;
}

static int64_t
fake_boot(const struct clock *c)
{
	return container_of(c, const struct fake, clock)->boot;
}

static int64_t
fake_wall(const struct clock *c)
{
	return container_of(c, const struct fake, clock)->wall;
}

/* How far each clock went in one look, in milliseconds, and what that means. */
static const struct {
	int64_t mono, boot, wall;
	int64_t slept, stalled, jump;
} rows[] = {
	{ 1000, 1000, 1000, 0, 0, 0 },
	{ 1000, 1000, 1400, 0, 0, 0 },              /* a correction */
	{ 1000, 1000, 3601000, 0, 0, 3600000 },
	{ 1000, 1000, -3599000, 0, 0, -3600000 },
	{ 1000, 601000, 601000, 600000, 0, 0 },     /* slept; the wall clock went on meanwhile */
	{ 1000, 601000, 1000, 600000, 0, -600000 }, /* slept, and the wall clock did not */
	{ 13000, 13000, 13000, 0, 12000, 0 },       /* stopped */
	{ 3900, 3900, 3900, 0, 0, 0 },              /* just busy */
};

START_TEST(each_way_of_losing_time_is_told_from_the_others)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake f = { .clock = { fake_mono, fake_wall, fake_boot }, .mono = 5 * US_PER_S, .boot = 9 * US_PER_S, .wall = 77777 * US_PER_S };
		struct clock_watch w = { 0 };
		struct clock_news news = clock_watch_look(&w, &f.clock);

		ck_assert(news.slept == 0 && news.stalled == 0 && news.jump == 0);
		f.mono += rows[i].mono * US_PER_MS;
		f.boot += rows[i].boot * US_PER_MS;
		f.wall += rows[i].wall * US_PER_MS;
		news = clock_watch_look(&w, &f.clock);
		ck_assert_msg(news.slept == rows[i].slept * US_PER_MS, "row %zu", i);
		ck_assert_msg(news.stalled == rows[i].stalled * US_PER_MS, "row %zu", i);
		ck_assert_msg(news.jump == rows[i].jump * US_PER_MS, "row %zu", i);
		news = clock_watch_look(&w, &f.clock);
		ck_assert_msg(news.slept == 0 && news.stalled == 0 && news.jump == 0, "row %zu is told once", i);
	}
}
END_TEST

UNIT_MAIN("clock_watch", each_way_of_losing_time_is_told_from_the_others)
