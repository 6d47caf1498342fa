/* SPDX-License-Identifier: MIT */
/*
 * join: which lives are one connection, which connections one session, and what time it was.
 *
 * Joined by Sec-WebSocket-Key, else by tag (session and dial), else by addresses, else by time and order; the first that fits, and never where two fit equally
 * well: that is counted and said. Clocks: the same boot id makes monotonic times comparable, exactly; else each pair of a client's (or proxy's) dial and the
 * far end's open bounds the offset, because
 *
 *	request goes out <= far end opens <= answer is seen
 *
 * and the bounds that most pairs agree on are the offset and its uncertainty. Then the facts are fed, in corrected order, an end before an open that lies
 * within the uncertainty, to lifecycle/ledger: one for each view (the servers', each proxy's legs, each client's). Verdicts in the logs are not read.
 */
#ifndef WSDIAG_REPORT_JOIN_H
#define WSDIAG_REPORT_JOIN_H

#include "report/model.h"

/* Sets all that the model leaves to it; again after more events. */
void join_model(struct model *m);

/* What of a model is wanted. Times are on the report's clock. */
struct join_filter {
	int64_t since_us, until_us;   /* NO_TIME: no bound */
	const char *session;          /* its name or the beginning of it; NULL */
	uint32_t conn;                /* its number in any of the logs; 0 */
};

/* Hides what is not wanted (is_hidden), whole connections at a time; and what happened to the others outside the bounds is no finding. */
void join_filter(struct model *m, const struct join_filter *f);

#endif
