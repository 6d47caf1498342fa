/* SPDX-License-Identifier: MIT */
/*
 * target: where the next dial goes and what its request carries: the URL as given or as redirected, credentials, the user's headers, the tag. What is meant for one
 * origin does not go to another.
 */
#ifndef WSDIAG_CONNECT_TARGET_H
#define WSDIAG_CONNECT_TARGET_H

#include "connect/session.h"

struct target {
	const struct session_options *opt;
	struct url given;            /* as the user wrote it */
	struct url redirected;       /* host NULL: not redirected */
	struct url tagged;           /* with the tag in its query; host NULL: none */
	char *authorization;
	bool is_elsewhere;           /* redirected to another origin: without credentials */
	unsigned redirects;
	struct header *headers;      /* for the next dial */
	struct header_list header_list;
	char *tag;
};

/* 0, or -EINVAL with a sentence in *ret_error (caller frees). opt is borrowed. */
MUST_CHECK int target_init(struct target *t, const struct session_options *opt, char **ret_error);
void target_deinit(struct target *t);
/* The URL that the next dial goes to. */
const struct url *target_url(const struct target *t);
/* Back to the URL as given: every retry begins there. */
void target_reset(struct target *t);
/* To where a Location points: 0; -ELOOP: too often; -EINVAL with a sentence: it points nowhere. */
MUST_CHECK int target_follow(struct target *t, struct span location, char **ret_error);
/* Fills in url, headers, authorization and host for this dial. They are the target's, until the next call. */
void target_aim(struct target *t, const char *session, uint32_t dial, struct client_options *ret);

#endif
