/* SPDX-License-Identifier: MIT */
#include "demo/options.h"

#define AT(member) offsetof(struct demo_options, member)

static const char *const colour_choices[] = { "auto", "always", "never", NULL };

static const struct option run_rows[] = {
	{ .name = "speed", .kind = OPT_TEXT, .offset = AT(speed), .argument = "N",
	    .help = "the plan's times, and the pings', N times shorter (default: as the plan asks, else 5)" },
	{ .name = "for", .kind = OPT_SECONDS, .offset = AT(for_us), .argument = "SECONDS",
	    .help = "end after this long (default: when the plan has shown what it promises; 10 where it promises nothing)" },
	{ 0 },
};

static const struct option output_rows[] = {
	{ .name = "as", .kind = OPT_TEXT, .offset = AT(as), .argument = "LIBRARY:VERSION",
	    .help = "whose callbacks the last column has (default: as the plan asks, else websocket-client:1.7)" },
	{ .name = "keep", .kind = OPT_TEXT, .offset = AT(keep), .argument = "DIR",
	    .help = "leave client.jsonl, proxy.jsonl and server.jsonl there, see wsdiag-log(5)" },
	{ .name = "color", .kind = OPT_CHOICE, .offset = AT(colour), .choices = colour_choices,
	    .help = "coloured events (default auto: on a terminal, unless NO_COLOR is set)" },
	{ 0 },
};

const struct option_table demo_tables[] = {
	{ "Run", run_rows, 0 },
	{ "Output", output_rows, 0 },
	{ 0 },
};

void
demo_defaults(void *options)
{
	struct demo_options *o = options;

	o->for_us = -1;
}
