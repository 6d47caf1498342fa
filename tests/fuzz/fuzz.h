/* SPDX-License-Identifier: MIT */
/*
 * fuzz: what every fuzz target defines. libFuzzer calls it with inputs of its own (scripts/fuzz), replay.c with those of the corpus.
 */
#ifndef WSDIAG_TESTS_FUZZ_H
#define WSDIAG_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A property of the code that must hold for every input; independent of NDEBUG. */
#define MUST_HOLD(what)                                                                                                \
	do {                                                                                                           \
		if (!(what)) {                                                                                         \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #what);                      \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

/* The length of the next piece, of `left` bytes: from a seed in the input, so that a find repeats. */
static inline size_t
next_piece(uint32_t *seed, size_t left)
{
	*seed = *seed * 1664525u + 1013904223u;

	size_t piece = 1 + (*seed >> 24) % ((*seed >> 16 & 3) == 0 ? 200 : 5);

	return piece < left ? piece : left;
}

#endif
