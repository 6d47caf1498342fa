/* SPDX-License-Identifier: MIT */
/*
 * input_pump: the bytes of one log, in pieces of any size, to the lines of its reader.
 *
 *	pieces  -->  [inflate]  -->  head: which kind?  -->  lines  -->  reader  -->  struct input_events
 */
#ifndef WSDIAG_REPORT_INPUT_PUMP_H
#define WSDIAG_REPORT_INPUT_PUMP_H

#include "report/input.h"

struct input_pump;

/* spec must outlive it. */
struct input_pump *input_pump_new(const struct input_spec *spec, uint32_t log, const struct input_events *up, void *arg);
void input_pump_free(struct input_pump *p);
/* false: it is broken gzip; what comes later is dropped. */
bool input_pump_feed(struct input_pump *p, const void *data, size_t n);
/* There is no more for now: whole lines that were held back to know the log by go up. */
void input_pump_flush(struct input_pump *p);
/* The file begins again: what is behind the last newline is lost, and lines count from 1. */
void input_pump_restart(struct input_pump *p);
/* The log is over: the last line, and end. */
void input_pump_finish(struct input_pump *p);

#endif
