/* SPDX-License-Identifier: MIT */
/*
 * tls_keylog: SSLKEYLOGFILE, the NSS key log format: `LABEL <client random> <secret>`, hex, a line each. Wireshark reads it.
 */
#ifndef WSDIAG_NET_TLS_KEYLOG_H
#define WSDIAG_NET_TLS_KEYLOG_H

#include "base/mem.h"

#include <stdint.h>

/* Opens for appending; only the owner may read what is made new. 0 or a negative errno. */
MUST_CHECK int tls_keylog_open(const char *path, int *ret_fd);
/* A line, in one write, so that processes that share the file do not mix theirs. What cannot be written is dropped. */
void tls_keylog_write(int fd, const char *label, const uint8_t client_random[32], const uint8_t *secret, size_t n);

#endif
