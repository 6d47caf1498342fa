/* SPDX-License-Identifier: MIT */
/* fault_options: the plans of faults that a command is given, as a group of options, and read into one plan. */
#ifndef WSDIAG_CLI_FAULT_OPTIONS_H
#define WSDIAG_CLI_FAULT_OPTIONS_H

#include "cli/option.h"
#include "fault/plan.h"

struct fault_options {
	struct option_list plans, faults;
	const char *like, *speed;
};

extern const struct option fault_rows[];

/* who: enum PLAN_FOR_*. 0, or an exit status after having printed why; ret is the caller's to release either way. */
MUST_CHECK int fault_options_read(const struct fault_options *opt, unsigned who, struct plan *ret);

#endif
