/* SPDX-License-Identifier: MIT */
/* reader_value: the values of one parsed line, for log/reader. All that is read lives until the next line is parsed. */
#ifndef WSDIAG_LOG_READER_VALUE_H
#define WSDIAG_LOG_READER_VALUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "lifecycle/event.h"

#include <jansson.h>

struct values {
	json_t *root;
	struct arena arena;
	struct buf scratch;
	bool is_newer;       /* the line is of a newer version: what is not understood is left unknown */
	char error[128];
};

void values_deinit(struct values *v);
/* The line, whole; false: it is no JSON object, and error says why. */
bool values_parse(struct values *v, struct span line);
/* What the fields want of an object, into base; false: one has a value of another kind, and error names it. */
bool values_read(struct values *v, const json_t *object, const struct field *fields, void *base);
/* false, and error set. */
bool values_fail(struct values *v, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
