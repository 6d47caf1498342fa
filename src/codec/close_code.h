/* SPDX-License-Identifier: MIT */
/* close_code: the numbers of RFC 6455 section 7.4 and the IANA "WebSocket Close Code Number" registry. */
#ifndef WSDIAG_CODEC_CLOSE_CODE_H
#define WSDIAG_CODEC_CLOSE_CODE_H

#include <stdbool.h>

enum {
	CLOSE_NORMAL = 1000,
	CLOSE_GOING_AWAY = 1001,
	CLOSE_PROTOCOL_ERROR = 1002,
	CLOSE_UNSUPPORTED_DATA = 1003,
	CLOSE_NO_STATUS = 1005, /* an empty Close was received; never on the wire */
	CLOSE_ABNORMAL = 1006,  /* no Close was received; never on the wire */
	CLOSE_INVALID_PAYLOAD = 1007,
	CLOSE_POLICY = 1008,
	CLOSE_TOO_BIG = 1009,
	CLOSE_MANDATORY_EXTENSION = 1010,
	CLOSE_INTERNAL_ERROR = 1011,
	CLOSE_SERVICE_RESTART = 1012,
	CLOSE_TRY_AGAIN_LATER = 1013,
	CLOSE_BAD_GATEWAY = 1014,
	CLOSE_TLS_HANDSHAKE = 1015, /* never on the wire */
};

/* "Going Away"; "private" for 4000-4999, "registered" for other 3000-3999, NULL for what has no meaning. */
const char *close_code_name(int code);
/* Whether an endpoint may put it into a Close frame: 1000-1003, 1007-1014, 3000-4999 (RFC 6455 section 7.4.1 and 7.4.2). */
bool close_code_is_legal_on_wire(int code);

/* For completion and help: walks the known codes in order; 0 after the last. Start with 0. */
int close_code_next(int code);

#endif
