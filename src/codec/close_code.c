/* SPDX-License-Identifier: MIT */
#include "codec/close_code.h"

#include "base/mem.h"

/* In order: close_code_next() walks them. */
static const struct {
	int code;
	const char *name;
} known[] = {
	{ CLOSE_NORMAL, "Normal Closure" },
	{ CLOSE_GOING_AWAY, "Going Away" },
	{ CLOSE_PROTOCOL_ERROR, "Protocol Error" },
	{ CLOSE_UNSUPPORTED_DATA, "Unsupported Data" },
	{ 1004, "Reserved" },
	{ CLOSE_NO_STATUS, "No Status Received" },
	{ CLOSE_ABNORMAL, "Abnormal Closure" },
	{ CLOSE_INVALID_PAYLOAD, "Invalid Frame Payload Data" },
	{ CLOSE_POLICY, "Policy Violation" },
	{ CLOSE_TOO_BIG, "Message Too Big" },
	{ CLOSE_MANDATORY_EXTENSION, "Mandatory Extension" },
	{ CLOSE_INTERNAL_ERROR, "Internal Error" },
	{ CLOSE_SERVICE_RESTART, "Service Restart" },
	{ CLOSE_TRY_AGAIN_LATER, "Try Again Later" },
	{ CLOSE_BAD_GATEWAY, "Bad Gateway" },
	{ CLOSE_TLS_HANDSHAKE, "TLS Handshake" },
	{ 3000, "Unauthorized" },
	{ 3003, "Forbidden" },
	{ 3008, "Timeout" },
};

const char *
close_code_name(int code)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].code == code)
			return known[i].name;
	/* RFC 6455 section 7.4.2 */
	if (code >= 3000 && code <= 3999)
		return "registered";
	if (code >= 4000 && code <= 4999)
		return "private";
	return NULL;
}

bool
close_code_is_legal_on_wire(int code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

int
close_code_next(int code)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].code > code)
			return known[i].code;
	return 0;
}
