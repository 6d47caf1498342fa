/* SPDX-License-Identifier: MIT */
#include "cli/exit_status.h"

#include "codec/close_code.h"

const struct exit_row exit_rows[] = {
	{ EXIT_OK, "closed: by us, or by the peer with 1000 or no code; all input delivered" },
	{ EXIT_FINDINGS, "findings (report, check); the plan did not show what it promises (demo)" },
	{ EXIT_USAGE, "usage: an option, a plan or a script is wrong" },
	{ EXIT_URL, "the URL is wrong" },
	{ EXIT_PROXY_NAME, "the proxy's name has no address" },
	{ EXIT_HOST_NAME, "the host's name has no address" },
	{ EXIT_CONNECT, "TCP did not connect" },
	{ EXIT_UPGRADE_INVALID, "the answer to the upgrade is not a valid one" },
	{ EXIT_COUNT, "closed cleanly before --count was reached" },
	{ EXIT_UPGRADE_REFUSED, "the upgrade was refused" },
	{ EXIT_OUTPUT, "stdout failed" },
	{ EXIT_INPUT, "stdin or a file failed, or was not UTF-8" },
	{ EXIT_DIAL_TIMEOUT, "the dial took longer than --connect-timeout" },
	{ EXIT_TLS, "the TLS handshake failed" },
	{ EXIT_REDIRECTS, "too many redirects" },
	{ EXIT_NO_ANSWER, "the connection ended before any answer to the upgrade" },
	{ EXIT_LOST, "lost: FIN, RST or TLS cut" },
	{ EXIT_OWN_CERT, "our own certificate or its key cannot be used" },
	{ EXIT_PEER_CERT, "the peer's certificate is wrong" },
	{ EXIT_TOO_BIG, "a message over --max-message" },
	{ EXIT_CA_FILE, "the CA file cannot be used" },
	{ EXIT_TUNNEL, "the tunnel was refused" },
	{ EXIT_SILENCE, "lost to silence: a ping or TCP went unanswered" },
	{ EXIT_PROTOCOL, "the peer broke the protocol" },
	{ EXIT_RETRY_LATER, "the peer closed with 1001, 1012, 1013 or 1014: retry later" },
	{ EXIT_PEER_CLOSED, "the peer closed with another code: do not retry" },
	{ EXIT_CLOSE_UNANSWERED, "our Close went unanswered" },
	{ EXIT_SCRIPT, "a script's /expect or /wait failed" },
	{ EXIT_SIGNAL, "and more: ended by a signal, 128 plus its number" },
	{ 0, NULL },
};

/* Ended while a dial was under way: the stage says what of it. (TLS 1.3 refuses a client's certificate only after its handshake.) */
static int
exit_of_cut(const struct failure *f)
{
	switch (f->stage) {
	case STAGE_DNS:
	case STAGE_TCP: return EXIT_CONNECT;
	case STAGE_TUNNEL: return EXIT_TUNNEL;
	case STAGE_TLS: return EXIT_TLS;
	case STAGE_UPGRADE: return f->answered ? EXIT_UPGRADE_INVALID : EXIT_NO_ANSWER;
	case STAGE_OPEN: break;
	}
	return EXIT_LOST;
}

int
exit_of_failure(const struct failure *f)
{
	switch (f->cause) {
	case CAUSE_NONE: return EXIT_OK;
	case CAUSE_DNS_NOT_FOUND:
	case CAUSE_DNS_FAILED: return f->stage == STAGE_TUNNEL ? EXIT_PROXY_NAME : EXIT_HOST_NAME;
	case CAUSE_TCP_REFUSED:
	case CAUSE_TCP_UNREACHABLE:
	case CAUSE_TCP_FAILED:
	case CAUSE_TCP_CLOSED:
	case CAUSE_TCP_RESET:
	case CAUSE_TLS_CLOSED:
	case CAUSE_TLS_TRUNCATED: return exit_of_cut(f);
	case CAUSE_TCP_TIMED_OUT:
	case CAUSE_DIAL_TIMEOUT: return EXIT_DIAL_TIMEOUT;
	case CAUSE_TLS_ALERT:
	case CAUSE_TLS_CORRUPT:
	case CAUSE_TLS_HANDSHAKE:
	case CAUSE_TLS_VERSION:
	case CAUSE_TLS_NOT_TLS: return f->stage == STAGE_UPGRADE ? exit_of_cut(f) : EXIT_TLS;
	case CAUSE_CERT_EXPIRED:
	case CAUSE_CERT_FUTURE:
	case CAUSE_CERT_NAME:
	case CAUSE_CERT_UNTRUSTED:
	case CAUSE_CERT_INVALID: return EXIT_PEER_CERT;
	case CAUSE_HTTP_REFUSED: return f->stage == STAGE_TUNNEL ? EXIT_TUNNEL : EXIT_UPGRADE_REFUSED;
	case CAUSE_HTTP_INVALID:
	case CAUSE_HTTP_TOO_LARGE:
	case CAUSE_HTTP_NOT_HTTP: return f->stage == STAGE_TUNNEL ? EXIT_TUNNEL : EXIT_UPGRADE_INVALID;
	case CAUSE_HTTP_TIMEOUT: return EXIT_DIAL_TIMEOUT;
	case CAUSE_WS_CLOSE:
	case CAUSE_WS_PROTOCOL:
	case CAUSE_WS_UTF8: return EXIT_PROTOCOL;
	case CAUSE_WS_TOO_BIG: return EXIT_TOO_BIG;
	case CAUSE_WS_PING_TIMEOUT: return EXIT_SILENCE;
	case CAUSE_WS_CLOSE_TIMEOUT: return EXIT_CLOSE_UNANSWERED;
	case CAUSE_LOCAL_DROP:
	case CAUSE_LOCAL_INTERRUPT:
	case CAUSE_LOCAL_FAULT:
	case CAUSE_LOCAL_RELAY:
	case CAUSE_LOCAL_LIMIT: return EXIT_OK;
	case CAUSE_COUNT: break;
	}
	return EXIT_LOST;
}

static int
exit_of_close(const struct ev_ended *e, bool we_closed)
{
	if (we_closed)
		return EXIT_OK;
	switch (e->code) {
	case 0:
	case CLOSE_NORMAL:
	case CLOSE_NO_STATUS: return EXIT_OK;
	case CLOSE_GOING_AWAY:
	case CLOSE_SERVICE_RESTART:
	case CLOSE_TRY_AGAIN_LATER:
	case CLOSE_BAD_GATEWAY: return EXIT_RETRY_LATER;
	default: return EXIT_PEER_CLOSED;
	}
}

int
exit_of_end(const struct ev_ended *e, bool we_closed)
{
	switch (e->cause) {
	case CAUSE_NONE:
	case CAUSE_LOCAL_DROP:
	case CAUSE_LOCAL_INTERRUPT:
	case CAUSE_LOCAL_FAULT:
	case CAUSE_LOCAL_RELAY:
	case CAUSE_LOCAL_LIMIT: return EXIT_OK;
	case CAUSE_WS_CLOSE: return exit_of_close(e, we_closed);
	case CAUSE_WS_CLOSE_TIMEOUT: return EXIT_CLOSE_UNANSWERED;
	case CAUSE_WS_PROTOCOL:
	case CAUSE_WS_UTF8: return EXIT_PROTOCOL;
	case CAUSE_WS_TOO_BIG: return EXIT_TOO_BIG;
	case CAUSE_WS_PING_TIMEOUT:
	case CAUSE_TCP_TIMED_OUT: return EXIT_SILENCE;
	default: return EXIT_LOST;
	}
}
