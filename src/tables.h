/* SPDX-License-Identifier: MIT */
/* tables: the tables of the program as lines of text, tab-separated, for the tests that hold manual, completions and tests to them: wsdiag dump-options ... */
#ifndef WSDIAG_TABLES_H
#define WSDIAG_TABLES_H

#include "cli/option.h"

/* word: "dump-options", ...; false where there is no such table. commands ends with a NULL. */
bool tables_dump(const char *word, const struct command *const *commands, struct buf *out);

#endif
