/* SPDX-License-Identifier: MIT */
#include "proxy/options.h"

#include "base/clock.h"

enum { DEFAULT_UPGRADE_TIMEOUT = 10, DEFAULT_CONNECT_TIMEOUT = 10, DEFAULT_CLOSE_TIMEOUT = 2, DEFAULT_MAX_CONNECTIONS = 10000 };

#define AT(member) offsetof(struct proxy_options, member)

static const struct option client_rows[] = {
	{ .name = "listen", .letter = 'l', .kind = OPT_TEXT, .offset = AT(listen), .argument = "[ADDRESS:]PORT",
	    .help = "where clients connect (default: 127.0.0.1 and a free port)" },
	{ .name = "cert", .kind = OPT_TEXT, .offset = AT(cert_file), .argument = "FILE", .complete = "file",
	    .help = "speak TLS to clients, with this certificate chain, PEM" },
	{ .name = "key", .kind = OPT_TEXT, .offset = AT(key_file), .argument = "FILE", .complete = "file",
	    .help = "its private key, PEM (default: in the --cert file)" },
	{ .name = "upgrade-timeout", .kind = OPT_SECONDS, .offset = AT(upgrade_timeout_us), .argument = "SECONDS",
	    .help = "from accept to the end of the request head (default 10)" },
	{ .name = "close-timeout", .kind = OPT_SECONDS, .offset = AT(close_timeout_us), .argument = "SECONDS",
	    .help = "wait this long for the answer to a Close of our own (default 2)" },
	{ .name = "tag-query", .kind = OPT_TEXT, .offset = AT(tag_query), .argument = "NAME",
	    .help = "read a client's tag from this query parameter too, as connect --tag=query:NAME sends it" },
	{ .name = "as", .kind = OPT_TEXT, .offset = AT(as), .argument = "LIBRARY:VERSION",
	    .help = "beside each event, the callback that this client library would have fired: websocket-client:1.7, :1.8, :1.9" },
	{ .name = "max-connections", .kind = OPT_NUMBER, .offset = AT(max_connections), .argument = "N", .min = 1,
	    .help = "reset more than this many at a time (default 10000)" },
	{ 0 },
};

static const struct option origin_rows[] = {
	{ .name = "keep-host", .kind = OPT_FLAG, .offset = AT(keeps_host), .help = "pass the client's Host header on, instead of the upstream's name" },
	{ .name = "ipv4", .letter = '4', .kind = OPT_FLAG, .offset = AT(ipv4), .help = "use IPv4 addresses of the upstream only" },
	{ .name = "ipv6", .letter = '6', .kind = OPT_FLAG, .offset = AT(ipv6), .help = "use IPv6 addresses of the upstream only" },
	{ .name = "connect-timeout", .kind = OPT_SECONDS, .offset = AT(connect_timeout_us), .argument = "SECONDS",
	    .help = "answer 504 when the upstream has not answered after this long (default 10)" },
	{ .name = "insecure", .letter = 'k', .kind = OPT_FLAG, .offset = AT(insecure), .help = "accept any certificate of the upstream" },
	{ .name = "cacert", .kind = OPT_TEXT, .offset = AT(ca_file), .argument = "FILE", .complete = "file",
	    .help = "trust the authorities in this PEM file instead of the system's" },
	{ .name = "upstream-cert", .kind = OPT_TEXT, .offset = AT(own_cert_file), .argument = "FILE", .complete = "file",
	    .help = "our own certificate chain for the upstream, PEM" },
	{ .name = "upstream-key", .kind = OPT_TEXT, .offset = AT(own_key_file), .argument = "FILE", .complete = "file",
	    .help = "its private key, PEM (default: in the --upstream-cert file)" },
	{ .name = "tls-name", .kind = OPT_TEXT, .offset = AT(tls_name), .argument = "NAME",
	    .help = "ask for this name in TLS and check the certificate for it, instead of the upstream's" },
	{ 0 },
};

const struct option_table proxy_tables[] = {
	{ "Clients", client_rows, 0 },
	{ "Upstream", origin_rows, 0 },
	{ "Faults", fault_rows, AT(faults) },
	{ "Output", output_rows, AT(output) },
	{ 0 },
};

void
proxy_defaults(void *options)
{
	struct proxy_options *o = options;

	o->upgrade_timeout_us = DEFAULT_UPGRADE_TIMEOUT * US_PER_S;
	o->connect_timeout_us = DEFAULT_CONNECT_TIMEOUT * US_PER_S;
	o->close_timeout_us = DEFAULT_CLOSE_TIMEOUT * US_PER_S;
	o->max_connections = DEFAULT_MAX_CONNECTIONS;
}
