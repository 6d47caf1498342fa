/* SPDX-License-Identifier: MIT */
/* reader_scan: what log/reader can tell of a line without parsing it. */
#ifndef WSDIAG_LOG_READER_SCAN_H
#define WSDIAG_LOG_READER_SCAN_H

#include "lifecycle/event.h"

struct scanned {
	enum event_type type;
	enum role role;
	struct span run;       /* its 16 digits */
	uint64_t seq;
};

/* Whether the line is of an event that is only counted, in the order of fields that we write; false says nothing about it. A line of which only the beginning
 * is there may be judged, too. */
bool reader_scan(struct span line, struct scanned *ret);

#endif
