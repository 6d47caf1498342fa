/* SPDX-License-Identifier: MIT */
/* options: what `wsdiag demo` can be asked for, as a table. */
#ifndef WSDIAG_DEMO_OPTIONS_H
#define WSDIAG_DEMO_OPTIONS_H

#include "cli/option.h"

struct demo_options {
	const char *speed;     /* NULL: the plan's */
	int64_t for_us;        /* -1: not given */
	const char *as;        /* NULL: the plan's */
	const char *keep;
	int colour;            /* enum colour_when */
};

extern const struct option_table demo_tables[];
void demo_defaults(void *options);

#endif
