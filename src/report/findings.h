/* SPDX-License-Identifier: MIT */
/* findings: what the functions that gather evidence have in common. Internal to finding. */
#ifndef WSDIAG_REPORT_FINDINGS_H
#define WSDIAG_REPORT_FINDINGS_H

#include "base/clock.h"
#include "report/finding.h"

/* What two ends log of one moment may differ by, on clocks that agree: a slow path, a busy machine. */
#define NEAR_US (2 * US_PER_S)

/* Looking through a model for one kind of finding, or several. */
struct look {
	const struct model *m;
	enum finding_kind kind;
	struct sample *samples;
	uint32_t n_samples, n_kept;
	int64_t from_us, to_us;       /* of all samples */
	enum join_by by;              /* the weakest join that a sample rests on */
	bool is_guess;                /* a sample rests on a guess: which connection an end belongs to, or whose session it is */
	bool is_before;
	struct buf text, advice;
	struct findings *out;
	uint8_t *explained;           /* by circuit, enum explained; of all kinds so far */
	bool has_explained;           /* something was left out of this one */
};

typedef void look_fn(struct look *k);

/* Empty: no place, no life, no times. */
extern const struct sample no_sample;
/* Adds one, if no finding before explains it; the circuit's joins count towards the confidence. NULL: of one log alone. */
void look_add(struct look *k, const struct sample *s, const struct circuit *c);
/* Makes a finding of the samples, text and advice, if there are samples. The best that may be said is cut by what it rests on. */
void look_done(struct look *k, enum confidence at_best);

/* The place of a moment into the first free slot of a sample; nothing where no line says so. */
void sample_place(struct sample *s, const struct moment *at);
/* "c3", "client 2 c3": as the client calls it, where there is one; else as the first who saw it. */
void say_life(struct buf *out, const struct model *m, uint32_t life);
/* "c2", "c2 and 3 more" */
void say_lives(struct buf *out, const struct look *k);
/* " (peer FIN)": how the first ended. */
void say_ending_of_first(struct look *k);
/* " Injected: fin both (seed-971:1)." where a fault plan struck the connections. */
void say_injected(struct look *k);
void say_duration(struct buf *out, int64_t us);
/* " (1 of 3)" helpers aside: "1 dial", "3 dials". */
void say_count(struct buf *out, uint32_t n, const char *one);

/* Two moments of two participants that may be one, as far as the clocks tell. */
int64_t look_tolerance(const struct model *m, const struct life *a, const struct life *b);
/* The life of a circuit that says most about how it ended: the first loss whose cause is known, else the first loss; NO_INDEX: it was no loss. */
uint32_t circuit_loss(const struct model *m, const struct circuit *c);
/* The life whose end was the first that somebody meant (--drop, Ctrl-C); NO_INDEX: nobody did. */
uint32_t circuit_purpose(const struct model *m, const struct circuit *c);
/* It ended at about that time, or later. */
bool life_is_due_to(const struct model *m, const struct life *l, uint32_t purpose);
/* By its own log a proxy sent a 1001 as it was stopped, and nobody came back: on purpose, too. */
bool circuit_is_of_stopped_proxy(const struct model *m, const struct circuit *c);
/* What a loss comes under. */
enum finding_kind loss_kind(const struct model *m, const struct circuit *c, uint32_t loss);
bool circuit_is_hidden(const struct model *m, const struct circuit *c);
/* The log that told it is wsdiag's own. */
bool life_is_exact(const struct model *m, const struct life *l);
/* The life that faces the server: a client's, or a proxy's origin leg. */
bool life_is_downstream(const struct model *m, const struct life *l);

/* By file: findings_both.c, findings_ends.c, findings_patterns.c, findings_client.c. */
look_fn look_overlap, look_replay, look_orphan, look_unseen_end, look_hop_close, look_close_lost;
look_fn look_loss, look_close_timeout, look_violation, look_peer_closed, look_half_close;
look_fn look_idle_timeout, look_lifetime_cap, look_restart, look_flapping, look_suspend;
look_fn look_silent_loss, look_silent_gap, look_second_open, look_refused, look_dial_failed;

/* What could not be judged, and what would. Behind all findings. */
void look_unjudged(const struct model *m, struct findings *f);

#endif
