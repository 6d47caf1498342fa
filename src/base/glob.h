/* SPDX-License-Identifier: MIT */
/* glob: patterns for text: * is any bytes, ? is one byte, a backslash takes the next one literally. The whole text must match. */
#ifndef WSDIAG_BASE_GLOB_H
#define WSDIAG_BASE_GLOB_H

#include "base/span.h"

bool glob_matches(const char *pattern, struct span text);

#endif
