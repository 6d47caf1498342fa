/* SPDX-License-Identifier: MIT */
/* options: what `wsdiag connect` can be asked for, as a table, and what the rest of the room needs made of it. */
#ifndef WSDIAG_CONNECT_OPTIONS_H
#define WSDIAG_CONNECT_OPTIONS_H

#include "cli/output.h"
#include "connect/filter.h"

struct connect_options {
	const char *url;              /* -c, as wscat has it; else the operand */
	bool ipv4, ipv6;
	int64_t connect_timeout_us;
	struct option_list resolve;
	bool insecure;
	const char *ca_file, *cert_file, *key_file;

	struct option_list headers;
	const char *host, *origin;
	struct option_list subprotocols;
	const char *auth;
	bool deflate;
	bool follows_redirects;
	uint64_t max_redirects;

	bool binary, whole, nul, base64, hex;
	struct option_list texts;
	int64_t wait_us;              /* -1: not given */
	bool once;
	uint64_t count;
	bool no_input;
	const char *script;
	struct option_list run;
	bool slash;
	uint64_t max_message;

	int64_t close_timeout_us, ping_interval_us, ping_timeout_us;
	bool no_pong;
	const char *heartbeat;        /* SECONDS:TEXT */

	bool reconnect;
	const char *reconnect_delay;
	uint64_t reconnect_tries;
	int reconnect_on;             /* enum reconnect_on */
	struct option_list on_reconnect;
	int64_t hold_lost_us;         /* INT64_MAX: open */
	const char *tag;              /* "header", "query:NAME" */
	struct output_options output;
};

extern const struct option_table connect_tables[];
extern const struct option_hint connect_hints[];
void connect_defaults(void *options);

/* What is made of the options beside plain copies; owned. */
struct connect_plan {
	struct filter_options filter;
	struct session_options session;
	struct header *headers;
	struct header_list header_list;
	struct span *subprotocols;
	struct span_list subprotocol_list;
	struct dial_pin *pins;
};

/* Checks what belongs together and fills ret (to be released in every case). url: the operand, NULL if none. interactive: for a REPL. 0, or an exit status after having printed why. Loop,
 * journal and input are left to the caller. */
MUST_CHECK int connect_plan(const struct connect_options *opt, const char *url, bool interactive, struct connect_plan *ret);
void connect_plan_release(struct connect_plan *plan);
/* Says, as notes, where an option looks like a mistake of somebody who knows another tool. */
void connect_hint(const struct connect_options *opt, struct journal *j);

#endif
