/* SPDX-License-Identifier: MIT */
/*
 * pair: one accepted client and the origin that is dialled for it, from the accept to the end of both legs.
 *
 *	accept -> [TLS] -> request -> dial -> answer -> relay -> ended, leg by leg -> gone
 *
 * An end is passed on as it came: FIN as FIN (the other direction goes on), RST as RST, a cut below TLS as such a cut where the other leg has TLS; a leg that
 * the plan holds is spared. It writes the open, failed, reject, lost, close, gone, frame, message and inject events, with their leg.
 */
#ifndef WSDIAG_PROXY_PAIR_H
#define WSDIAG_PROXY_PAIR_H

#include "codec/url.h"
#include "fault/watch.h"
#include "log/journal.h"
#include "net/dial.h"

struct pair;

/* Borrowed as long as the pairs live. */
struct pair_options {
	struct loop *loop;
	struct journal *journal;
	const struct plan *plan;
	struct tls_context *client_tls;   /* NULL: plain */
	const struct url *upstream;
	struct tls_context *origin_tls;   /* for wss */
	const char *tls_name;             /* what the origin's certificate must be for; NULL: the host */
	int families;
	bool keeps_host;
	const char *tag_query;
	int64_t upgrade_timeout_us;       /* from accept to the end of the request's head */
	int64_t connect_timeout_us;       /* from the dial to the end of the answer's head */
	int64_t close_timeout_us;         /* after a Close of our own */
};

struct pair_events {
	/* An origin has answered with 101: which open this is, from 1. */
	uint32_t (*opens)(void *arg);
	/* An event of the client leg: something that happened to the client. */
	void (*told)(void *arg, const struct event *ev, const char *client);
	/* Of a leg; both are told of each that opened. */
	void (*ended)(void *arg, enum leg leg, bool is_lost, const struct traffic *sent, const struct traffic *received);
	/* What concerns more than this pair. */
	void (*unlisten)(void *arg, const struct plan_action *a);
	void (*kill_all)(void *arg, const struct plan_action *how);
	void (*gone)(void *arg);
};

/* Takes over fd. accept: from 1. */
struct pair *pair_accept(const struct pair_options *opt, int fd, const char *peer, uint32_t accept, const struct pair_events *up, void *arg);
/* Both legs with a Close 1001 where they are open, or at once. gone follows. */
void pair_stop(struct pair *p, bool at_once);
/* Ends it in after_us as a kill-all has it. */
void pair_kill(struct pair *p, const struct plan_action *how, int64_t after_us);
/* But for what everybody.h does. */
void pair_signal(struct pair *p, int signum);
void pair_line(struct pair *p, struct span typed);
bool pair_is_open(const struct pair *p);

#endif
