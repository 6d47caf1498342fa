/* SPDX-License-Identifier: MIT */
/* human_words: the pieces that human sentences are made of, and the two halves of the sentences. Internal to the human sink. */
#ifndef WSDIAG_LOG_HUMAN_WORDS_H
#define WSDIAG_LOG_HUMAN_WORDS_H

#include "log/human_text.h"

struct words {
	struct buf *out;
	const struct event *ev;
	const struct human_options *opt;
};

typedef void words_fn(struct words *w, struct span s);

/* Of a peer, raw. */
words_fn words_escaped;
/* A sentence, in which what a peer said may have been escaped already: its backslashes stay single. */
words_fn words_sentence;
/* What may have a secret of the user's in it: redacted unless the options say otherwise, then put. */
void words_private(struct words *w, struct span s, words_fn *put);
words_fn words_url;
/* Nothing at all for US_UNKNOWN. */
void words_duration(struct words *w, const char *before, int64_t us, const char *after);
/* Nothing at all for an empty s. */
void words_labelled(struct words *w, const char *label, struct span s);
/* "1 byte", "5 bytes" */
void words_size(struct words *w, uint64_t n);

/* EV_START to EV_HEAD: how a run and its connections begin, or do not. */
void human_text_start(struct words *w);
void human_text_listen(struct words *w);
void human_text_failed(struct words *w);
void human_text_reject(struct words *w);
void human_text_opened(struct words *w);
void human_text_head(struct words *w);

/* EV_RETRY to EV_ORPHAN: what happens between connections. */
void human_text_retry(struct words *w);
void human_text_giveup(struct words *w);
void human_text_ghost(struct words *w);
void human_text_suspend(struct words *w);
void human_text_clock(struct words *w);
void human_text_overlap(struct words *w);
void human_text_replay(struct words *w);
void human_text_orphan(struct words *w);
void human_text_inject(struct words *w);
void human_text_hears(struct words *w);

#endif
