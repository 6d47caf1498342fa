/* SPDX-License-Identifier: MIT */
/* version: of the program and of what it is linked with, for --version and start events. */
#ifndef WSDIAG_CLI_VERSION_H
#define WSDIAG_CLI_VERSION_H

#include "base/buf.h"

/* "0.1.0" */
const char *version_program(void);
/* "libuv 1.44.2, mbedTLS 2.28.3, ...": as loaded, not as compiled, where the library tells. */
void version_libraries(struct buf *out);

#endif
