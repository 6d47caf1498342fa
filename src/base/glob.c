/* SPDX-License-Identifier: MIT */
#include "base/glob.h"

/* One byte of the pattern that is not "*" against one of the text; how many pattern bytes it took, 0 where they differ. */
static size_t
match_one(const char *pattern, char c)
{
	if (pattern[0] == '\\' && pattern[1] != '\0')
		return pattern[1] == c ? 2 : 0;
	return pattern[0] != '\0' && (pattern[0] == '?' || pattern[0] == c) ? 1 : 0;
}

bool
glob_matches(const char *pattern, struct span text)
{
	/* Where to go on when what follows the last "*" did not match: one byte further on. */
	const char *retry = NULL;
	size_t i = 0, retry_at = 0;

	while (i < text.n) {
		size_t took;

		if (*pattern == '*') {
			retry = ++pattern;
			retry_at = i;
		} else if ((took = match_one(pattern, text.p[i])) > 0) {
			pattern += took;
			i++;
		} else if (retry != NULL) {
			pattern = retry;
			i = ++retry_at;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}
