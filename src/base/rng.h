/* SPDX-License-Identifier: MIT */
/*
 * rng: random bytes, drawn from the kernel in batches so that a mask a frame costs nanoseconds.
 *
 * RFC 6455 section 5.3 wants masks from a strong source; section 4.1 the nonce. Tests seed it to repeat a run.
 */
#ifndef WSDIAG_BASE_RNG_H
#define WSDIAG_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t state;  /* the generator of a seeded rng; unused by a system one */
	int seeded;
	unsigned left;   /* unused bytes at the end of pool */
	uint8_t pool[1024];
};

/* getrandom(2). */
void rng_init_system(struct rng *r);
/* The same bytes for the same seed: for tests and for plans with a seed, never for masks in the field. */
void rng_init_seed(struct rng *r, uint64_t seed);
void rng_bytes(struct rng *r, void *out, size_t n);
uint64_t rng_u64(struct rng *r);

#endif
