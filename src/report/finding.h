/* SPDX-License-Identifier: MIT */
/*
 * finding: what the logs prove, or make likely. Each kind is a row of a table with a function that gathers its evidence; a finding rests on samples, and each
 * sample on lines. One sample is never certain. What was looked for and could not be judged is said as well, with the log that would allow it.
 *
 * A healthy run has no findings: whatever an endpoint did on purpose is none. Nothing is told twice: a connection whose end one finding explains is left out of
 * those behind it that say only that it ended (enum share).
 */
#ifndef WSDIAG_REPORT_FINDING_H
#define WSDIAG_REPORT_FINDING_H

#include "report/model.h"

enum confidence { CONFIDENCE_INSUFFICIENT, CONFIDENCE_POSSIBLE, CONFIDENCE_LIKELY, CONFIDENCE_CERTAIN };

/* The order of a report: what does harm first, then what explains it. */
enum finding_kind {
	FINDING_OVERLAP,
	FINDING_REPLAY,
	FINDING_ORPHAN,
	FINDING_IDLE_TIMEOUT,
	FINDING_LIFETIME_CAP,
	FINDING_HOP_CLOSE,
	FINDING_RESTART,
	FINDING_CLOSE_LOST,
	FINDING_ZOMBIE_LEG,
	FINDING_PATH_DEAD,
	FINDING_SILENCE,          /* a ping timeout of which TCP tells nothing */
	FINDING_HALF_CLOSE,
	FINDING_SILENT_LOSS,
	FINDING_UNSEEN_END,
	FINDING_SILENT_GAP,
	FINDING_SUSPEND,
	FINDING_FLAPPING,
	FINDING_REFUSED,
	FINDING_DIAL_FAILED,
	FINDING_RESET,
	FINDING_TRUNCATED_TLS,
	FINDING_LOSS_BOTH,
	FINDING_LOSS,
	FINDING_CLOSE_TIMEOUT,
	FINDING_VIOLATION,
	FINDING_PEER_CLOSED,      /* with a code that says an error */
	FINDING_SECOND_OPEN,
	FINDING_KIND_COUNT
};

enum { FINDING_SAMPLES_MAX = 64, SAMPLE_PLACES_MAX = 3 };

/* One time that it happened. */
struct sample {
	uint32_t life, other;     /* NO_INDEX: none */
	uint32_t failed;          /* NO_INDEX: none */
	int64_t from_us, to_us;   /* on the report's clock; to_us NO_TIME: a moment */
	struct place places[SAMPLE_PLACES_MAX]; /* line 0: no more */
};

struct finding {
	enum finding_kind kind;
	enum confidence confidence;
	uint32_t n_samples;       /* all of them */
	struct sample *samples;   /* the first FINDING_SAMPLES_MAX */
	uint32_t n_kept;
	int64_t from_us, to_us;   /* of all samples; to_us NO_TIME: one moment */
	bool is_before;           /* it happened at an unknown time before from_us */
	char *text;               /* sentences: what happened */
	char *advice;             /* sentences: what to change in the client, the server or the hop; NULL */
};

/* "FIN/RST/Close" could not be judged: "no wsdiag log". */
struct unjudged {
	const char *what;
	char *why;
};

struct findings {
	struct finding *items;    /* in the order of enum finding_kind */
	uint32_t n;
	struct unjudged *unjudged;
	uint32_t n_unjudged;
	char *next;               /* the one thing to do that would tell most; NULL */
};

struct finding_spec {
	const char *name;         /* "OVERLAP" */
	unsigned number;          /* in wsdiag's catalogue of findings; 0: none */
	const char *meaning;      /* one phrase, for the manual and legends */
};

const struct finding_spec *finding_spec(enum finding_kind kind);
const char *confidence_name(enum confidence c);

/* Of a model that is joined (and filtered). ret is filled; findings_deinit() releases it. */
void findings_look(const struct model *m, struct findings *ret);
void findings_deinit(struct findings *f);

#endif
