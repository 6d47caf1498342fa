/* SPDX-License-Identifier: MIT */
#include "cli/fault_options.h"

#include "cli/exit_status.h"
#include "cli/output.h"

#include <errno.h>
#include <stdlib.h>

#define AT(member) offsetof(struct fault_options, member)

const struct option fault_rows[] = {
	{ .name = "plan", .kind = OPT_LIST, .offset = AT(plans), .argument = "NAME|FILE", .complete = "plan",
	    .help = "a plan of faults: an installed one by its name, or a file; repeatable; see wsdiag-plan(5)" },
	{ .name = "fault", .letter = 'f', .kind = OPT_LIST, .offset = AT(faults), .argument = "'LINE'", .help = "one line of a plan; repeatable" },
	{ .name = "like", .kind = OPT_TEXT, .offset = AT(like), .argument = "HOP", .complete = "like",
	    .help = "end connections as this hop does by default: nginx, haproxy, aws-alb, cloudflare, ...; see wsdiag-plan(5)" },
	{ .name = "speed", .kind = OPT_TEXT, .offset = AT(speed), .argument = "N", .help = "make every time in the plans N times shorter" },
	{ 0 },
};

static int
load_like(const char *name, unsigned who, struct plan *ret, struct buf *error)
{
	const struct installed_plan *like = plan_like(name);

	if (like != NULL)
		return plan_load(ret, like->name, who, error);
	buf_printf(error, "--like \"%s\" is not known; there are", name);
	for (const struct installed_plan *p = installed_plans; p->name != NULL; p++)
		if (p->like != NULL)
			buf_printf(error, " %s", p->like);
	return -EINVAL;
}

int
fault_options_read(const struct fault_options *opt, unsigned who, struct plan *ret)
{
	struct buf error CLEANUP(buf_deinit) = { 0 };
	char *end = NULL;
	double speed = opt->speed != NULL ? strtod(opt->speed, &end) : 1;
	int err = 0;

	if (opt->speed != NULL && (end == opt->speed || *end != '\0' || !(speed > 0) || speed > 1e6)) {
		output_complain("--speed \"%s\" is not a number above 0", opt->speed);
		return EXIT_USAGE;
	}
	if (opt->like != NULL)
		err = load_like(opt->like, who, ret, &error);
	for (size_t i = 0; err == 0 && i < opt->plans.n; i++)
		err = plan_load(ret, opt->plans.items[i], who, &error);
	for (size_t i = 0; err == 0 && i < opt->faults.n; i++)
		err = plan_add_fault(ret, opt->faults.items[i], who, &error);
	if (err != 0) {
		output_complain("%s", buf_cstr(&error));
		return EXIT_USAGE;
	}
	plan_speed_up(ret, speed);
	return 0;
}
