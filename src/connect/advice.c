/* SPDX-License-Identifier: MIT */
#include "connect/advice.h"

static const struct {
	int status;
	const char *text;
} by_status[] = {
	{ 400, "the server, or a proxy before it, did not take this for an upgrade: -v shows both heads; a proxy must pass Upgrade and Connection on" },
	{ 401, "it wants credentials: --auth USER:PASSWORD, or -H 'Authorization: ...'" },
	{ 403, "it refuses us: it may want credentials (--auth, -H) or another Origin (-o)" },
	{ 404, "something answers there, but has no WebSocket at this path" },
	{ 407, "the proxy wants credentials" },
	{ 426, "it speaks another version of the protocol, or a hop dropped the Upgrade header: -v shows both heads" },
	{ 429, "it limits how often one may dial: wait" },
	{ 502, "the answer is a hop's: it could not reach the server behind it" },
	{ 503, "the answer may be a hop's: the server is busy, starting, or not there" },
	{ 504, "the answer is a hop's: the server behind it did not answer in time" },
};

static const char *
advice_for_status(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(by_status); i++)
		if (by_status[i].status == status)
			return by_status[i].text;
	if (status >= 200 && status < 300)
		return "a web server answers there, but it does not upgrade: check the path, and that every hop passes Upgrade on";
	if (status >= 300 && status < 400)
		return "-L follows redirects";
	return NULL;
}

const char *
advice_for(const struct client_failure *f, const struct url *url)
{
	switch (f->failure.cause) {
	case CAUSE_DNS_NOT_FOUND: return "check the name; --resolve HOST:PORT:ADDRESS dials an address of your choice under it";
	case CAUSE_DNS_FAILED: return "the resolver did not answer; --resolve HOST:PORT:ADDRESS does without it";
	case CAUSE_TCP_REFUSED: return "nothing listens there: check the port, and that the server runs";
	case CAUSE_TCP_UNREACHABLE: return "there is no route to that address from here: check the network; -4 or -6 chooses the family";
	case CAUSE_DIAL_TIMEOUT:
		if (f->failure.stage == STAGE_TCP)
			return "packets may be dropped on the way (a firewall); --connect-timeout waits longer";
		if (f->failure.stage == STAGE_UPGRADE)
			return "the server took the connection and says nothing: is it a WebSocket server? --connect-timeout waits longer";
		return "--connect-timeout waits longer";
	case CAUSE_HTTP_NOT_HTTP:
		return url->is_tls ? "this is no WebSocket server: check the port" : "this is no WebSocket server, or it wants TLS: try wss://, or check the port";
	case CAUSE_TLS_NOT_TLS: return "try ws://, or check the port";
	case CAUSE_TCP_RESET:
	case CAUSE_TCP_CLOSED:
		if (f->failure.stage == STAGE_TLS)
			return "the port may not speak TLS: try ws://, or check the port";
		if (f->failure.stage != STAGE_UPGRADE || f->failure.answered)
			return NULL;
		return url->is_tls ? "the server hung up on the request: check the path and the port"
				   : "the server hung up on the request: it may want TLS (try wss://), or refuse this path or Host";
	case CAUSE_HTTP_REFUSED: return advice_for_status(f->status);
	default: return NULL;
	}
}
