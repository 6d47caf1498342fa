/* SPDX-License-Identifier: MIT */
#include "base/nearest.h"

#include "base/mem.h"

#include <string.h>

enum { WORD_MAX = 40, BEGUN_MIN = 3 };

/* Optimal string alignment: insertions, deletions, replacements and swapped neighbours count one each. */
static size_t
distance(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b), rows[3][WORD_MAX + 1];

	for (size_t j = 0; j <= nb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);

			best = MIN(best, above[j] + 1);
			best = MIN(best, row[j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = MIN(best, above2[j - 2] + 1);
			row[j] = best;
		}
	}
	return rows[na % 3][nb];
}

const char *
nearest_word(const char *typed, const char *const *words)
{
	size_t n = strlen(typed), best = MAX(n / 3, (size_t)1) + 1;
	const char *found = NULL;

	if (n < 2 || n > WORD_MAX)
		return NULL;
	for (size_t i = 0; words[i] != NULL; i++) {
		if (strlen(words[i]) > WORD_MAX)
			continue;
		size_t d = distance(typed, words[i]);

		if (d < best) {
			best = d;
			found = words[i];
		}
	}
	for (size_t i = 0; found == NULL && n >= BEGUN_MIN && words[i] != NULL; i++)
		if (strncmp(typed, words[i], n) == 0)
			found = words[i];
	return found;
}
