/* SPDX-License-Identifier: MIT */
/*
 * faults: what a plan does to ONE connection of a server, from its accept to its end.
 *
 *	faults_new -> faults_step (accept, request, response) -> faults_wrap -> faults_open -> faults_ended -> faults_close
 *
 * The watch says which lines fire; here is what their actions do. Switches (drop, stall, delay) work at once, ends wait until the loop is about to wait: the
 * connection is in the middle of something when a line fires. Each line that fires is an inject event.
 */
#ifndef WSDIAG_SERVE_FAULTS_H
#define WSDIAG_SERVE_FAULTS_H

#include "fault/everybody.h"
#include "ws/server.h"

struct faults;

/* Borrowed as long as there are faults. */
struct faults_settings {
	struct loop *loop;
	struct journal *journal;
	const struct plan *plan;
	const char *tag_query;
};

struct faults_events {
	/* What concerns more than this connection. */
	struct everybody_events all;
	/* After faults_close(): it is gone. */
	void (*gone)(void *arg);
};

/* accept: from 1. */
struct faults *faults_new(const struct faults_settings *set, uint32_t accept, const char *peer, const struct faults_events *up, void *arg);
/* gone follows, from the loop. */
void faults_close(struct faults *f);

/* As in struct server_events. */
void faults_step(struct faults *f, enum server_step step, const struct http_head *request, struct buf *answer, struct server_turn *ret);
struct transport *faults_wrap(struct faults *f, struct transport *t, struct span early, struct span unsent);
/* conn is told to and struck until faults_ended(). id: its number. */
void faults_open(struct faults *f, struct conn *conn, uint32_t id);
void faults_ended(struct faults *f);

/* But for what everybody.h does. */
void faults_signal(struct faults *f, int signum);
/* Ends it in after_us as a kill-all has it; how must live on. Nothing before it opened. */
void faults_kill(struct faults *f, const struct plan_action *how, int64_t after_us);
/* A half-closed connection cannot be closed with a Close frame. */
bool faults_is_half_closed(const struct faults *f);

#endif
