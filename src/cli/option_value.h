/* SPDX-License-Identifier: MIT */
/* option_value: the text of an option's argument, made into what its row says. Internal to option. */
#ifndef WSDIAG_CLI_OPTION_VALUE_H
#define WSDIAG_CLI_OPTION_VALUE_H

#include "cli/option.h"

/* at is the row's place in the options; text is NULL for flags. 0, or -EINVAL with what is wrong with text appended to error. */
MUST_CHECK int option_set(const struct option *row, void *at, const char *text, struct buf *error);

#endif
