/* SPDX-License-Identifier: MIT */
/* options: what `wsdiag serve` can be asked for, as a table. */
#ifndef WSDIAG_SERVE_OPTIONS_H
#define WSDIAG_SERVE_OPTIONS_H

#include "cli/fault_options.h"
#include "cli/output.h"

struct serve_options {
	bool sink, deflate;
	const char *send;
	struct option_list subprotocols;
	uint64_t max_message;

	const char *cert_file, *key_file;
	int64_t upgrade_timeout_us, close_timeout_us, ping_interval_us, ping_timeout_us;
	uint64_t max_connections;
	const char *tag_query;
	bool no_pong;
	struct fault_options faults;
	struct output_options output;
};

extern const struct option_table serve_tables[];
void serve_defaults(void *options);

#endif
