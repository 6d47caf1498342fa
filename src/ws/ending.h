/* SPDX-License-Identifier: MIT */
/*
 * ending: from what was seen to why a connection ended. Pure: facts in, a struct ev_ended out.
 *
 * A closing handshake is finished when Close was both sent and received with no violation: that is `close`; anything else is `lost`.
 * The first thing that ended it names the cause; what followed is told in the text.
 */
#ifndef WSDIAG_WS_ENDING_H
#define WSDIAG_WS_ENDING_H

#include "base/buf.h"
#include "codec/frame.h"
#include "lifecycle/event.h"
#include "net/transport.h"

/* What made us stop, when it was not the transport or a finished handshake. */
enum ending_reason {
	ENDING_BY_TRANSPORT,     /* reading is over */
	ENDING_FINISHED,         /* both Closes; the wait for the peer's FIN is over too, or it is not ours to wait */
	ENDING_VIOLATION,
	ENDING_CLOSE_TIMEOUT,
	ENDING_PING_TIMEOUT,
	ENDING_DROPPED,          /* on request, without Close */
	ENDING_INTERRUPTED,      /* told to stop at once */
	ENDING_FAULT,            /* proxy, serve: a fault plan did it */
	ENDING_RELAYED,          /* proxy: the other leg had ended */
};

struct ending_facts {
	enum ending_reason reason;
	bool is_server;
	bool close_received, close_sent;
	bool we_closed_first;            /* our Close was queued before theirs was read */
	int code_received, code_sent;    /* CLOSE_NO_STATUS for an empty one */
	struct span reason_received;
	int64_t answered_us;
	enum frame_rule rule;            /* ENDING_VIOLATION */
	const struct transport_end *ends;
	int n_ends;
	int64_t waited_us;               /* for the timeouts: how long */
	const char *sent_end;            /* ENDING_FAULT, _RELAYED: "FIN", "RST", what we sent */
	bool tcp_known, tcp_all_acked;   /* from TCP_INFO and the send queue; for a ping timeout */
};

/* Sets by, cause, error, clean, code, reason, close_sent, synthesised and answered in *ret, and appends what a person reads to text. True for close, false
 * for lost. ret->text is not set: text may still grow. */
bool ending_judge(const struct ending_facts *f, struct ev_ended *ret, struct buf *text);

#endif
