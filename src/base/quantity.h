/* SPDX-License-Identifier: MIT */
/* quantity: durations and sizes as people write them, and numbers. */
#ifndef WSDIAG_BASE_QUANTITY_H
#define WSDIAG_BASE_QUANTITY_H

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

/* "10", "0.5", "250ms", "2m", "1h": seconds without a unit. false when text is not one. */
bool quantity_parse_seconds(const char *text, int64_t *ret_us);
/* "4096", "64K", "64KB", "16M", "2G": 1024 each. */
bool quantity_parse_size(const char *text, uint64_t *ret);
/* Digits and nothing else. */
bool quantity_parse_number(const char *text, uint64_t *ret);

#endif
