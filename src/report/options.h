/* SPDX-License-Identifier: MIT */
/* options: what `wsdiag report` can be asked for, as a table. */
#ifndef WSDIAG_REPORT_OPTIONS_H
#define WSDIAG_REPORT_OPTIONS_H

#include "cli/option.h"

struct report_options {
	struct option_list from;
	bool follow;
	const char *since, *until, *session;
	uint64_t conn;
	bool exit_zero;
	int colour;                   /* enum colour_when */
	bool json, markdown;
	const char *html;             /* a file for the page; NULL */
	const char *as;               /* a library's name; NULL */
};

extern const struct option_table report_tables[];

/*
 * A time for --since and --until: "2026-03-04T22:13:02Z", with an offset or none, "22:13", "22:13:02.5". Without a date it is a time of the day that the logs
 * begin in, at or after near_us, which is when they begin. False when text is none.
 */
bool report_parse_time(const char *text, int64_t near_us, int64_t *ret_us);

#endif
