/* SPDX-License-Identifier: MIT */
/* plan: from options to what session and filter want; what does not belong together is said before any packet is sent. */
#include "base/quantity.h"
#include "cli/exit_status.h"
#include "connect/options.h"

#include <arpa/inet.h>
#include <string.h>

enum { JSON_MESSAGE_MAX = 16 * 1024 * 1024, RESEND_MAX = 16 * 1024 * 1024 };
#define HOLD_OPEN_US (30 * US_PER_S)

static int
plan_headers(const struct option_list *list, struct connect_plan *plan)
{
	plan->headers = xcalloc(list->n, sizeof(*plan->headers));
	for (size_t i = 0; i < list->n; i++) {
		struct span value = span_of(list->items[i]), name;

		span_next(&value, ':', &name);
		value = span_trim(value);
		if (value.p == NULL) {
			output_complain("-H \"%s\" has no colon; write 'Name: value'", list->items[i]);
			return EXIT_USAGE;
		}
		if (!http_is_token(name)) {
			output_complain("-H \"%s\": \"%.*s\" cannot be the name of a header", list->items[i], (int)name.n, name.p);
			return EXIT_USAGE;
		}
		if (!http_is_field_value(value)) {
			output_complain("-H \"%s\": a header's value cannot contain line breaks or NUL", list->items[i]);
			return EXIT_USAGE;
		}
		plan->headers[i] = (struct header){ name, value };
	}
	plan->header_list = (struct header_list){ plan->headers, list->n };
	return 0;
}

static int
plan_subprotocols(const struct option_list *list, struct connect_plan *plan)
{
	plan->subprotocols = xcalloc(list->n, sizeof(*plan->subprotocols));
	for (size_t i = 0; i < list->n; i++) {
		plan->subprotocols[i] = span_of(list->items[i]);
		if (!http_is_token(plan->subprotocols[i])) {
			output_complain("-s \"%s\" cannot be a subprotocol: letters, digits and -._ make a name; -s again adds another", list->items[i]);
			return EXIT_USAGE;
		}
	}
	plan->subprotocol_list = (struct span_list){ plan->subprotocols, list->n };
	return 0;
}

static bool
parse_address(struct span text, struct sockaddr_storage *ret)
{
	char *s CLEANUP(free_charp) = NULL;

	if (text.n >= 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
		text = (struct span){ text.p + 1, text.n - 2 };
	s = span_dup(text);
	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, s, &((struct sockaddr_in *)ret)->sin_addr) == 1)
		ret->ss_family = AF_INET;
	else if (inet_pton(AF_INET6, s, &((struct sockaddr_in6 *)ret)->sin6_addr) == 1)
		ret->ss_family = AF_INET6;
	else
		return false;
	return true;
}

static bool
parse_port(struct span text, uint16_t *ret)
{
	unsigned long n = 0;

	if (text.n == 0 || text.n > 5)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		n = n * 10 + (unsigned long)(text.p[i] - '0');
	}
	*ret = (uint16_t)n;
	return n > 0 && n <= UINT16_MAX;
}

/* HOST:PORT:ADDRESS[,ADDRESS...] */
static bool
parse_pin(const char *text, struct dial_pin *ret)
{
	struct span rest = span_of(text), host, port, item;
	struct sockaddr_storage *addresses;
	size_t n = 0;

	if (!span_next(&rest, ':', &host) || !span_next(&rest, ':', &port) || rest.n == 0 || host.n == 0)
		return false;
	if (!span_eq(port, "*") && !parse_port(port, &ret->port))
		return false;
	addresses = xcalloc(DIAL_ATTEMPTS_MAX, sizeof(*addresses));
	ret->host = span_dup(host);
	ret->addresses = addresses;
	while (n < DIAL_ATTEMPTS_MAX && span_next(&rest, ',', &item))
		if (!parse_address(item, &addresses[n++]))
			return false;
	ret->n = n;
	return true;
}

static int
plan_pins(const struct option_list *list, struct connect_plan *plan)
{
	plan->pins = xcalloc(list->n, sizeof(*plan->pins));
	plan->session.dial.pins = plan->pins;
	for (size_t i = 0; i < list->n; i++) {
		plan->session.dial.n_pins = i + 1;
		if (!parse_pin(list->items[i], &plan->pins[i])) {
			output_complain("--resolve \"%s\" is not HOST:PORT:ADDRESS[,ADDRESS...]", list->items[i]);
			return EXIT_USAGE;
		}
	}
	return 0;
}

static int
plan_policy(const struct connect_options *opt, struct policy *p)
{
	p->enabled = opt->reconnect;
	p->tries = opt->reconnect_tries;
	p->on = opt->reconnect_on;
	if (opt->reconnect_delay != NULL && !policy_parse_delay(opt->reconnect_delay, p)) {
		output_complain("--reconnect-delay \"%s\" is neither SECONDS nor MIN:MAX", opt->reconnect_delay);
		return EXIT_USAGE;
	}
	return 0;
}

/* SECONDS:TEXT */
static int
plan_heartbeat(const struct connect_options *opt, struct session_options *s)
{
	struct span rest = span_of(opt->heartbeat), seconds;
	char *text CLEANUP(free_charp) = NULL;

	if (opt->heartbeat == NULL)
		return 0;
	span_next(&rest, ':', &seconds);
	text = span_dup(seconds);
	if (rest.p == NULL || !quantity_parse_seconds(text, &s->heartbeat_us) || s->heartbeat_us < US_PER_MS) {
		output_complain("--heartbeat \"%s\" is not SECONDS:TEXT", opt->heartbeat);
		return EXIT_USAGE;
	}
	if (!utf8_is_valid(rest)) {
		output_complain("the text of --heartbeat is not UTF-8, which a text message must be");
		return EXIT_USAGE;
	}
	s->heartbeat = rest.p; /* the end of an argument: it has its NUL */
	return 0;
}

static int
plan_tag(const struct connect_options *opt, struct session_options *s)
{
	if (opt->tag == NULL)
		return 0;
	if (strcmp(opt->tag, "header") == 0) {
		s->tag = TAG_HEADER;
		return 0;
	}
	if (strncmp(opt->tag, "query:", 6) != 0 || !http_is_token(span_of(opt->tag + 6)) || strpbrk(opt->tag + 6, "&=#%+") != NULL) {
		output_complain("--tag=%s: write --tag for a header, or --tag=query:NAME with the name of a query parameter", opt->tag);
		return EXIT_USAGE;
	}
	s->tag = TAG_QUERY;
	s->tag_name = opt->tag + 6;
	return 0;
}

/* Pairs that contradict each other. */
static int
check_pairs(const struct connect_options *opt, const char *url, bool interactive)
{
	const char *why = NULL;

	if (url == NULL && opt->url == NULL)
		why = "a URL is missing; for example: wsdiag wss://example.org/chat";
	else if (url != NULL && opt->url != NULL)
		why = "the URL is given twice, with -c and by itself";
	else if (opt->ipv4 && opt->ipv6)
		why = "-4 and -6 exclude each other; without both, either is used";
	else if (opt->base64 + opt->hex + (opt->nul && (opt->base64 || opt->hex)) > 1)
		why = "only one of --base64, --hex and -0 makes sense";
	else if (opt->whole && opt->nul)
		why = "--whole and -0 exclude each other: with --whole nothing separates messages";
	else if (opt->key_file != NULL && opt->cert_file == NULL)
		why = "--key needs --cert";
	else if (opt->once && opt->count > 1)
		why = "-1 means --count 1, but --count is given too";
	else if (opt->origin != NULL && !http_is_field_value(span_of(opt->origin)))
		why = "--origin cannot contain line breaks";
	else if (opt->host != NULL && (*opt->host == '\0' || !http_is_field_value(span_of(opt->host))))
		why = "--host cannot be empty or contain line breaks";
	else if (!opt->reconnect && !interactive && (opt->reconnect_delay != NULL || opt->reconnect_tries > 0 || opt->on_reconnect.n > 0))
		why = "--reconnect-delay, --reconnect-tries and --on-reconnect need -r/--reconnect";
	else if (opt->slash && (opt->binary || opt->whole || opt->base64 || opt->hex))
		why = "--slash reads lines of text: it does not go with -b, --whole, --base64 or --hex";
	else if (opt->script != NULL && opt->slash)
		why = "--script reads commands from a file, --slash from stdin: one of the two";
	else if (opt->connect_timeout_us <= 0)
		why = "--connect-timeout must be more than 0";
	if (why == NULL)
		return 0;
	output_complain("%s", why);
	return EXIT_USAGE;
}

static int
check_texts(const struct option_list *list, const char *option)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!utf8_is_valid(span_of(list->items[i]))) {
			output_complain("the text of %s number %zu is not UTF-8, which a text message must be; -b sends binary", option, i + 1);
			return EXIT_USAGE;
		}
	}
	return 0;
}

static int64_t
ping_timeout(const struct connect_options *opt)
{
	if (opt->ping_timeout_us >= 0)
		return opt->ping_timeout_us;
	return opt->ping_interval_us > 0 ? 20 * US_PER_S : 0;
}

static void
plan_filter(const struct connect_options *opt, struct filter_options *f)
{
	f->framing = (struct framing){
		.binary = opt->binary,
		.whole = opt->whole,
		.nul = opt->nul,
		.encoding = opt->base64 ? ENCODING_BASE64 : opt->hex ? ENCODING_HEX : ENCODING_NONE,
	};
	f->texts = opt->texts.items;
	f->n_texts = opt->texts.n;
	f->again = opt->on_reconnect.n > 0 ? &opt->on_reconnect : NULL;
	f->wait_given = opt->wait_us >= 0;
	f->wait_us = f->wait_given ? opt->wait_us : US_PER_S;
	f->count = opt->once ? 1 : opt->count;
	f->puts_messages = !opt->output.json;
	f->script = opt->script;
	f->run = &opt->run;
	f->slash = opt->slash;
	f->show_secrets = opt->output.show_secrets;
}

static void
plan_session(const struct connect_options *opt, const char *url, struct connect_plan *plan)
{
	struct session_options *s = &plan->session;
	uint64_t max_message = opt->max_message > 0 ? opt->max_message : opt->output.json ? JSON_MESSAGE_MAX : 0;

	s->url = url != NULL ? url : opt->url;
	s->auth = opt->auth;
	s->follows_redirects = opt->follows_redirects;
	s->max_redirects = (unsigned)opt->max_redirects;
	s->tls = (struct tls_options){
		.insecure = opt->insecure,
		.ca_file = opt->ca_file,
		.cert_file = opt->cert_file,
		.key_file = opt->key_file,
		.keylog = getenv("SSLKEYLOGFILE"),
	};
	s->dial.families = opt->ipv4 ? AF_INET : opt->ipv6 ? AF_INET6 : AF_UNSPEC;
	s->dial.host = opt->host;
	s->dial.origin = opt->origin;
	s->dial.subprotocols = plan->subprotocol_list.n > 0 ? &plan->subprotocol_list : NULL;
	s->dial.headers = plan->header_list.n > 0 ? &plan->header_list : NULL;
	s->dial.offers_deflate = opt->deflate;
	s->dial.connect_timeout_us = opt->connect_timeout_us;
	s->dial.conn = (struct conn_settings){
		.close_timeout_us = opt->close_timeout_us,
		.ping_interval_us = opt->ping_interval_us,
		.ping_timeout_us = ping_timeout(opt),
		.no_pong = opt->no_pong,
		.hold_us = !opt->reconnect ? 0 : opt->hold_lost_us == INT64_MAX ? HOLD_OPEN_US : opt->hold_lost_us,
		.hold_open = opt->hold_lost_us == INT64_MAX,
		.max_message = max_message,
		.capture = output_capture(&opt->output, max_message),
	};
	s->stays = opt->script != NULL || opt->run.n > 0 || opt->slash; /* a script may close and open again */
	if (s->stays)
		s->dial.conn.capture = MAX(s->dial.conn.capture, (size_t)JSON_MESSAGE_MAX); /* for /expect and /last */
	s->resend_max = opt->max_message > 0 ? opt->max_message : RESEND_MAX;
}

/* A person who watches wants the session to go on, once it has begun at all; and messages whole, for /last. */
static void
plan_repl(const struct connect_options *opt, struct session_options *s)
{
	s->stays = true;
	s->policy.not_first = !opt->reconnect;
	s->policy.enabled = true;
	s->dial.conn.hold_us = opt->hold_lost_us == INT64_MAX ? HOLD_OPEN_US : opt->hold_lost_us;
	s->dial.conn.capture = JSON_MESSAGE_MAX;
}

int
connect_plan(const struct connect_options *opt, const char *url, bool interactive, struct connect_plan *ret)
{
	int status;

	*ret = (struct connect_plan){ 0 };
	if ((status = check_pairs(opt, url, interactive)) != 0)
		return status;
	if (!opt->binary && ((status = check_texts(&opt->texts, "-x")) != 0 || (status = check_texts(&opt->on_reconnect, "--on-reconnect")) != 0))
		return status;
	if ((status = plan_headers(&opt->headers, ret)) != 0 || (status = plan_subprotocols(&opt->subprotocols, ret)) != 0)
		return status;
	if ((status = plan_pins(&opt->resolve, ret)) != 0)
		return status;
	if ((status = plan_policy(opt, &ret->session.policy)) != 0 || (status = plan_heartbeat(opt, &ret->session)) != 0 ||
	    (status = plan_tag(opt, &ret->session)) != 0)
		return status;
	plan_filter(opt, &ret->filter);
	plan_session(opt, url, ret);
	if (interactive)
		plan_repl(opt, &ret->session);
	return 0;
}

void
connect_plan_release(struct connect_plan *plan)
{
	for (size_t i = 0; i < plan->session.dial.n_pins; i++) {
		free((char *)plan->pins[i].host);
		free((void *)plan->pins[i].addresses);
	}
	free(plan->pins);
	free(plan->headers);
	free(plan->subprotocols);
}

static bool
looks_like_url(const char *text)
{
	return strstr(text, "://") != NULL;
}

void
connect_hint(const struct connect_options *opt, struct journal *j)
{
	uint16_t port;

	for (size_t i = 0; i < opt->subprotocols.n; i++)
		if (parse_port(span_of(opt->subprotocols.items[i]), &port))
			journal_note(j, "-s %s offers the subprotocol \"%s\"; to listen there: wsdiag serve %s", opt->subprotocols.items[i],
			    opt->subprotocols.items[i], opt->subprotocols.items[i]);
	for (size_t i = 0; i < opt->texts.n; i++)
		if (looks_like_url(opt->texts.items[i]))
			journal_note(j, "-x sends its text as a message; it does not set a proxy");
	if (opt->origin != NULL && !looks_like_url(opt->origin) && strcmp(opt->origin, "null") != 0)
		journal_note(j, "-o %s sends \"Origin: %s\"; for a log use --log FILE, for messages > FILE", opt->origin, opt->origin);
}
