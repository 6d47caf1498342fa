/* SPDX-License-Identifier: MIT */
#include "base/rng.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

void
rng_init_system(struct rng *r)
{
	r->seeded = 0;
	r->left = 0;
}

void
rng_init_seed(struct rng *r, uint64_t seed)
{
	r->seeded = 1;
	r->state = seed;
	r->left = 0;
}

/* splitmix64: a full-period generator from one 64 bit word. */
static uint64_t
next_seeded(struct rng *r)
{
	uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void
fill_seeded(struct rng *r)
{
	for (size_t i = 0; i < sizeof(r->pool); i += sizeof(uint64_t)) {
		uint64_t v = next_seeded(r);

		memcpy(r->pool + i, &v, sizeof(v));
	}
}

static void
fill_system(struct rng *r)
{
	for (size_t got = 0; got < sizeof(r->pool);) {
		ssize_t n = getrandom(r->pool + got, sizeof(r->pool) - got, 0);

		if (n > 0) {
			got += (size_t)n;
		} else if (errno != EINTR) {
			perror("wsdiag: no random numbers from the kernel");
			abort();
		}
	}
}

void
rng_bytes(struct rng *r, void *out, size_t n)
{
	uint8_t *at = out;

	while (n > 0) {
		if (r->left == 0) {
			if (r->seeded)
				fill_seeded(r);
			else
				fill_system(r);
			r->left = sizeof(r->pool);
		}
		size_t take = MIN(n, (size_t)r->left);
		memcpy(at, r->pool + sizeof(r->pool) - r->left, take);
		r->left -= (unsigned)take;
		at += take;
		n -= take;
	}
}

uint64_t
rng_u64(struct rng *r)
{
	uint64_t v;

	rng_bytes(r, &v, sizeof(v));
	return v;
}
