/* SPDX-License-Identifier: MIT */
#include "serve/options.h"

#include "base/clock.h"

#include <stddef.h>

enum { DEFAULT_UPGRADE_TIMEOUT = 10, DEFAULT_CLOSE_TIMEOUT = 5, DEFAULT_MAX_CONNECTIONS = 10000 };

#define AT(member) offsetof(struct serve_options, member)

static const struct option message_rows[] = {
	{ .name = "sink", .kind = OPT_FLAG, .offset = AT(sink), .help = "only read; without it every message is sent back" },
	{ .name = "send", .kind = OPT_TEXT, .offset = AT(send), .argument = "FILE", .complete = "file",
	    .help = "send each line of FILE (-: stdin) to every connection, once there is one; what comes is only read" },
	{ .name = "subprotocol", .letter = 's', .kind = OPT_LIST, .offset = AT(subprotocols), .argument = "NAME",
	    .help = "agree to this subprotocol; repeatable, the first that the client offers too is chosen", .is_subprotocol = true },
	{ .name = "deflate", .kind = OPT_FLAG, .offset = AT(deflate), .help = "agree to permessage-deflate where a client offers it" },
	{ .name = "max-message", .kind = OPT_SIZE, .offset = AT(max_message), .argument = "SIZE",
	    .help = "refuse a received message larger than this (default: none, but 16M with --json)" },
	{ 0 },
};

static const struct option connection_rows[] = {
	{ .name = "cert", .kind = OPT_TEXT, .offset = AT(cert_file), .argument = "FILE", .complete = "file", .help = "speak TLS, with this certificate chain, PEM" },
	{ .name = "key", .kind = OPT_TEXT, .offset = AT(key_file), .argument = "FILE", .complete = "file",
	    .help = "its private key, PEM (default: in the --cert file)" },
	{ .name = "upgrade-timeout", .kind = OPT_SECONDS, .offset = AT(upgrade_timeout_us), .argument = "SECONDS",
	    .help = "from accept to the end of the request head (default 10)" },
	{ .name = "close-timeout", .kind = OPT_SECONDS, .offset = AT(close_timeout_us), .argument = "SECONDS",
	    .help = "wait this long for the answer to our Close (default 5)" },
	{ .name = "ping-interval", .kind = OPT_SECONDS, .offset = AT(ping_interval_us), .argument = "SECONDS",
	    .help = "ping every client this often; Daphne does every 20" },
	{ .name = "ping-timeout", .kind = OPT_SECONDS, .offset = AT(ping_timeout_us), .argument = "SECONDS",
	    .help = "lost when nothing has come for this long after a ping (default 20 with --ping-interval; Daphne has 30)" },
	{ .name = "no-pong", .kind = OPT_FLAG, .offset = AT(no_pong), .help = "do not answer pings: what does the client do?" },
	{ .name = "tag-query", .kind = OPT_TEXT, .offset = AT(tag_query), .argument = "NAME",
	    .help = "read a client's tag from this query parameter too, as connect --tag=query:NAME sends it" },
	{ .name = "max-connections", .kind = OPT_NUMBER, .offset = AT(max_connections), .argument = "N", .min = 1,
	    .help = "refuse more than this many at a time with 503 (default 10000)" },
	{ 0 },
};

const struct option_table serve_tables[] = {
	{ "Messages", message_rows, 0 },
	{ "Connections", connection_rows, 0 },
	{ "Faults", fault_rows, AT(faults) },
	{ "Output", output_rows, AT(output) },
	{ 0 },
};

void
serve_defaults(void *options)
{
	struct serve_options *o = options;

	o->upgrade_timeout_us = DEFAULT_UPGRADE_TIMEOUT * US_PER_S;
	o->close_timeout_us = DEFAULT_CLOSE_TIMEOUT * US_PER_S;
	o->ping_timeout_us = -1;
	o->max_connections = DEFAULT_MAX_CONNECTIONS;
}
