/* SPDX-License-Identifier: MIT */
/* exit_status: what the program's exit status says: curl's numbers where curl has the cause, 110-115 ours (wsdiag(1), EXIT STATUS). */
#ifndef WSDIAG_CLI_EXIT_STATUS_H
#define WSDIAG_CLI_EXIT_STATUS_H

#include "lifecycle/event.h"

enum exit_status {
	EXIT_OK = 0,
	EXIT_FINDINGS = 1,
	EXIT_USAGE = 2,
	EXIT_URL = 3,
	EXIT_PROXY_NAME = 5,
	EXIT_HOST_NAME = 6,
	EXIT_CONNECT = 7,
	EXIT_UPGRADE_INVALID = 8,
	EXIT_COUNT = 18,
	EXIT_UPGRADE_REFUSED = 22,
	EXIT_OUTPUT = 23,
	EXIT_INPUT = 26,
	EXIT_DIAL_TIMEOUT = 28,
	EXIT_TLS = 35,
	EXIT_REDIRECTS = 47,
	EXIT_NO_ANSWER = 52,
	EXIT_LOST = 56,
	EXIT_OWN_CERT = 58,
	EXIT_PEER_CERT = 60,
	EXIT_TOO_BIG = 63,
	EXIT_CA_FILE = 77,
	EXIT_TUNNEL = 97,
	EXIT_SILENCE = 110,
	EXIT_PROTOCOL = 111,
	EXIT_RETRY_LATER = 112,
	EXIT_PEER_CLOSED = 113,
	EXIT_CLOSE_UNANSWERED = 114,
	EXIT_SCRIPT = 115,
	EXIT_SIGNAL = 128,
};

/* Every status with its meaning, in order, for --help and the manual's test; meaning NULL ends. */
struct exit_row {
	int status;
	const char *meaning;
};
extern const struct exit_row exit_rows[];

int exit_of_failure(const struct failure *f);
/* we_closed: the Close was ours first. */
int exit_of_end(const struct ev_ended *e, bool we_closed);

#endif
