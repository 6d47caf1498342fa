/* SPDX-License-Identifier: MIT */
/* options: what `wsdiag proxy` can be asked for, as a table. */
#ifndef WSDIAG_PROXY_OPTIONS_H
#define WSDIAG_PROXY_OPTIONS_H

#include "cli/fault_options.h"
#include "cli/output.h"

struct proxy_options {
	const char *listen, *cert_file, *key_file, *tag_query;
	int64_t upgrade_timeout_us;
	uint64_t max_connections;

	bool ipv4, ipv6, insecure, keeps_host;
	const char *ca_file, *own_cert_file, *own_key_file, *tls_name;
	int64_t connect_timeout_us;

	struct fault_options faults;
	const char *as;
	int64_t close_timeout_us;
	struct output_options output;
};

extern const struct option_table proxy_tables[];
void proxy_defaults(void *options);

#endif
