/* SPDX-License-Identifier: MIT */
/*
 * follow: logs that grow, judged again and again, and what is new told as it comes.
 *
 *	input_follow (each log)  -->  model  -->  judge  -->  retell  -->  standard output
 *
 * It is judged only when all logs have been read to their ends, and seldom enough to cost little: at most once a second, and a tenth of the time.
 */
#ifndef WSDIAG_REPORT_FOLLOW_H
#define WSDIAG_REPORT_FOLLOW_H

#include "report/text.h"

struct follow_options {
	const struct input_spec *specs;
	uint32_t n_specs;
	struct model *model;
	const struct text_options *text;
	/* Joins the model and looks for findings anew. An exit status other than 0, which it has told of, ends all. */
	int (*judge)(void *arg, struct findings *ret);
	void *arg;
};

/*
 * Until SIGINT, SIGTERM or SIGHUP, or until all logs are pipes that have ended; the model is then complete, to be judged a last time. 0, or an exit status
 * that was told of. A second signal ends the process.
 */
MUST_CHECK int follow_logs(const struct follow_options *opt);

#endif
