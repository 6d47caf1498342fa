/* SPDX-License-Identifier: MIT */
/*
 * retell: what there is to say when findings were looked for anew, of logs that have grown since. Two findings are the same when they are of one kind and have
 * a subject in common: a connection, a failed dial or a line that they rest on. What only moved a little, as clocks are known better, is not told again; what
 * only happened more often is when it did twice as often, or a minute after what was told last.
 */
#ifndef WSDIAG_REPORT_RETELL_H
#define WSDIAG_REPORT_RETELL_H

#include "report/finding.h"

enum retold { RETOLD_NEW, RETOLD_REVISED, RETOLD_WITHDRAWN };

/* f is borrowed; a withdrawn one is as it was told last. */
typedef void retell_fn(void *arg, enum retold what, const struct finding *f);

/* Tells how now differs from what was told: first what is withdrawn, then the rest in the order of a report. told then is what was told last of each, and now
 * is empty. */
void retell(struct findings *told, struct findings *now, retell_fn *tell, void *arg);

#endif
