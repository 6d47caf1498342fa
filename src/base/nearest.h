/* SPDX-License-Identifier: MIT */
/* nearest: what was probably meant by a word that was typed wrongly. */
#ifndef WSDIAG_BASE_NEAREST_H
#define WSDIAG_BASE_NEAREST_H

/* The nearest of the NULL-terminated words to what was typed, by edit distance, else the first that begins so; NULL if none does. */
const char *nearest_word(const char *typed, const char *const *words);

#endif
