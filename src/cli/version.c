/* SPDX-License-Identifier: MIT */
#include "cli/version.h"

#include <idn2.h>
#include <mbedtls/version.h>
#include <uriparser/UriBase.h>
#include <uv.h>
#include <wslay/wslay.h>

const char *
version_program(void)
{
	return WSDIAG_VERSION;
}

void
version_libraries(struct buf *out)
{
	unsigned v = mbedtls_version_get_number();

	buf_printf(out, "libuv %s", uv_version_string());
	buf_printf(out, ", mbedTLS %u.%u.%u", v >> 24, v >> 16 & 255, v >> 8 & 255);
	buf_puts(out, ", wslay " WSLAY_VERSION);
	buf_puts(out, ", uriparser " URI_VER_ANSI);
	buf_printf(out, ", libidn2 %s", idn2_check_version(NULL));
}
