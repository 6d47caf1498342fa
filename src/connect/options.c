/* SPDX-License-Identifier: MIT */
#include "connect/options.h"

#include <stddef.h>

enum { DEFAULT_CONNECT_TIMEOUT = 10, DEFAULT_CLOSE_TIMEOUT = 5, DEFAULT_REDIRECTS = 10, DEFAULT_HOLD = 30 };

#define AT(member) offsetof(struct connect_options, member)

static const struct option dial_rows[] = {
	{ .name = "connect", .letter = 'c', .kind = OPT_TEXT, .offset = AT(url), .argument = "URL", .help = "the URL, as wscat has it; the same as the operand" },
	{ .name = "ipv4", .letter = '4', .kind = OPT_FLAG, .offset = AT(ipv4), .help = "use IPv4 addresses only" },
	{ .name = "ipv6", .letter = '6', .kind = OPT_FLAG, .offset = AT(ipv6), .help = "use IPv6 addresses only" },
	{ .name = "connect-timeout", .kind = OPT_SECONDS, .offset = AT(connect_timeout_us), .argument = "SECONDS",
	    .help = "give up the whole dial, from the name to the 101, after this long (default 10)" },
	{ .name = "resolve", .kind = OPT_LIST, .offset = AT(resolve), .argument = "HOST:PORT:ADDRESS[,ADDRESS...]",
	    .help = "use these addresses instead of asking for the host's; HOST may be *; repeatable" },
	{ .name = "insecure", .letter = 'k', .kind = OPT_FLAG, .offset = AT(insecure), .help = "accept any certificate" },
	{ .name = "cacert", .kind = OPT_TEXT, .offset = AT(ca_file), .argument = "FILE", .complete = "file",
	    .help = "trust the authorities in this PEM file instead of the system's" },
	{ .name = "cert", .kind = OPT_TEXT, .offset = AT(cert_file), .argument = "FILE", .complete = "file", .help = "our own certificate chain, PEM" },
	{ .name = "key", .kind = OPT_TEXT, .offset = AT(key_file), .argument = "FILE", .complete = "file",
	    .help = "its private key, PEM (default: in the --cert file)" },
	{ 0 },
};

static const struct option upgrade_rows[] = {
	{ .name = "header", .letter = 'H', .kind = OPT_LIST, .offset = AT(headers), .argument = "'NAME: VALUE'",
	    .help = "add a header to the upgrade request; repeatable, the same name too", .is_secret = true },
	{ .name = "host", .kind = OPT_TEXT, .offset = AT(host), .argument = "HOST", .help = "send this Host header instead of the URL's" },
	{ .name = "origin", .letter = 'o', .kind = OPT_TEXT, .offset = AT(origin), .argument = "ORIGIN", .help = "send an Origin header" },
	{ .name = "subprotocol", .letter = 's', .kind = OPT_LIST, .offset = AT(subprotocols), .argument = "NAME", .help = "offer a subprotocol; repeatable",
	    .is_subprotocol = true },
	{ .name = "deflate", .kind = OPT_FLAG, .offset = AT(deflate), .help = "offer permessage-deflate: messages are compressed if the server agrees" },
	{ .name = "auth", .kind = OPT_TEXT, .offset = AT(auth), .argument = "USER:PASSWORD", .help = "Basic authorization", .is_secret = true },
	{ .name = "location", .letter = 'L', .kind = OPT_FLAG, .offset = AT(follows_redirects), .help = "follow redirects" },
	{ .name = "max-redirects", .kind = OPT_NUMBER, .offset = AT(max_redirects), .argument = "N", .max = 1000,
	    .help = "how many of them with --location (default 10)" },
	{ 0 },
};

static const char *const forever[] = { "forever", NULL };

static const struct option message_rows[] = {
	{ .name = "binary", .letter = 'b', .kind = OPT_FLAG, .offset = AT(binary), .help = "send binary messages instead of text" },
	{ .name = "whole", .kind = OPT_FLAG, .offset = AT(whole), .help = "all of stdin is one message; received ones are written without separator" },
	{ .name = "null", .letter = '0', .kind = OPT_FLAG, .offset = AT(nul), .help = "messages end with NUL instead of newline, both ways" },
	{ .name = "base64", .kind = OPT_FLAG, .offset = AT(base64), .help = "lines are base64 of binary messages, both ways" },
	{ .name = "hex", .kind = OPT_FLAG, .offset = AT(hex), .help = "lines are hexadecimal of binary messages, both ways" },
	{ .name = "execute", .letter = 'x', .kind = OPT_LIST, .offset = AT(texts), .argument = "TEXT",
	    .help = "send this as it is when open, before stdin; an empty stdin then counts as its end; repeatable" },
	{ .name = "wait", .letter = 'w', .kind = OPT_SECONDS, .offset = AT(wait_us), .argument = "SECONDS|forever", .choices = forever,
	    .help = "after the end of stdin, close when nothing has come for this long (default 1; with --count only if given)" },
	{ .name = "once", .letter = '1', .kind = OPT_FLAG, .offset = AT(once), .help = "close after one message was received; as --count 1" },
	{ .name = "count", .kind = OPT_NUMBER, .offset = AT(count), .argument = "N", .min = 1, .help = "close after N messages were received" },
	{ .name = "script", .kind = OPT_TEXT, .offset = AT(script), .argument = "FILE", .complete = "file",
	    .help = "do the lines of FILE instead of reading stdin: messages, and commands as in the REPL; then close" },
	{ .name = "slash", .kind = OPT_FLAG, .offset = AT(slash), .help = "lines of stdin that begin with a slash are commands, as in the REPL" },
	{ .name = "run", .kind = OPT_LIST, .offset = AT(run), .argument = "LINE", .help = "do this line of the REPL's language after the first open; repeatable" },
	{ .name = "no-input", .kind = OPT_FLAG, .offset = AT(no_input), .help = "do not read stdin; stay until the connection ends" },
	{ .name = "max-message", .kind = OPT_SIZE, .offset = AT(max_message), .argument = "SIZE",
	    .help = "refuse a received message larger than this (default: none, but 16M with --json, which holds messages whole)" },
	{ 0 },
};

static const struct option connection_rows[] = {
	{ .name = "close-timeout", .kind = OPT_SECONDS, .offset = AT(close_timeout_us), .argument = "SECONDS",
	    .help = "wait this long for the answer to our Close, and for the end of TCP (default 5)" },
	{ .name = "ping-interval", .kind = OPT_SECONDS, .offset = AT(ping_interval_us), .argument = "SECONDS", .help = "send a ping this often" },
	{ .name = "ping-timeout", .kind = OPT_SECONDS, .offset = AT(ping_timeout_us), .argument = "SECONDS",
	    .help = "lost when nothing has come for this long after a ping (default 20 with --ping-interval)" },
	{ .name = "no-pong", .kind = OPT_FLAG, .offset = AT(no_pong), .help = "do not answer pings: what does the peer do?" },
	{ .name = "heartbeat", .kind = OPT_TEXT, .offset = AT(heartbeat), .argument = "SECONDS:TEXT",
	    .help = "send TEXT as a message this often, for hops that ignore pings" },
	{ .name = "tag", .kind = OPT_TEXT, .offset = AT(tag), .argument = "query:NAME", .bare = "header",
	    .help = "name session and dial in a header Wsdiag-Session, or in a query parameter, so that logs of both ends can be joined" },
	{ 0 },
};

static const char *const reconnect_on[] = { "lost", "any", NULL };
static const char *const open_word[] = { "open", NULL };

static const struct option reconnect_rows[] = {
	{ .name = "reconnect", .letter = 'r', .kind = OPT_FLAG, .offset = AT(reconnect), .help = "dial again after a loss, and after a dial that failed" },
	{ .name = "reconnect-delay", .kind = OPT_TEXT, .offset = AT(reconnect_delay), .argument = "SECONDS|MIN:MAX",
	    .help = "wait so long before, or from MIN growing to MAX (default: 0 to 5 at random, then growing to 60)" },
	{ .name = "reconnect-tries", .kind = OPT_NUMBER, .offset = AT(reconnect_tries), .argument = "N",
	    .help = "give up when N dials in a row have failed (default: never)" },
	{ .name = "reconnect-on", .kind = OPT_CHOICE, .offset = AT(reconnect_on), .choices = reconnect_on,
	    .help = "any: also after every Close, and after 401, 403, 404 and certificate errors (default lost)" },
	{ .name = "on-reconnect", .kind = OPT_LIST, .offset = AT(on_reconnect), .argument = "TEXT",
	    .help = "send this on a reconnect, instead of the -x texts; repeatable; empty: nothing" },
	{ .name = "hold-lost", .kind = OPT_SECONDS, .offset = AT(hold_lost_us), .argument = "SECONDS|open", .choices = open_word,
	    .help = "after a ping timeout, half-close and read on for this long; open: do not even half-close (default 30; 0: close)" },
	{ 0 },
};

const struct option_table connect_tables[] = {
	{ "Dial", dial_rows, 0 },
	{ "Upgrade", upgrade_rows, 0 },
	{ "Messages", message_rows, 0 },
	{ "Connection", connection_rows, 0 },
	{ "Reconnecting", reconnect_rows, 0 },
	{ "Output", output_rows, AT(output) },
	{ 0 },
};

const struct option_hint connect_hints[] = {
	{ "-n", "insecure is -k; no input is --no-input; stay open is -w forever" },
	{ "-l", "to listen: wsdiag serve PORT" },
	{ "--listen", "to listen: wsdiag serve PORT" },
	{ "--no-check", "to accept any certificate: -k" },
	{ "--no-color", "--color never" },
	{ "-p", "the version is always 13; a subprotocol is -s" },
	{ "--passphrase", "a key must not be encrypted: openssl pkey -in KEY -out PLAIN" },
	{ "-V", "--version" },
	{ 0 },
};

void
connect_defaults(void *options)
{
	struct connect_options *o = options;

	o->connect_timeout_us = DEFAULT_CONNECT_TIMEOUT * US_PER_S;
	o->close_timeout_us = DEFAULT_CLOSE_TIMEOUT * US_PER_S;
	o->max_redirects = DEFAULT_REDIRECTS;
	o->wait_us = -1;
	o->hold_lost_us = DEFAULT_HOLD * US_PER_S;
	o->ping_timeout_us = -1;
}
