/* SPDX-License-Identifier: MIT */
#include "lifecycle/event.h"

#define F(type, member, name, kind, unit) { name, kind, offsetof(struct type, member), NULL, unit }
#define OBJ(type, member, name, kind, members) { name, kind, offsetof(struct type, member), members, NULL }
#define END { 0 }

static const struct field start_fields[] = {
	F(ev_start, version, "version", FIELD_TEXT, NULL),
	F(ev_start, libraries, "libraries", FIELD_TEXT, NULL),
	F(ev_start, url, "url", FIELD_TEXT, NULL),
	F(ev_start, args, "args", FIELD_TEXTS, NULL),
	END,
};

static const struct field listen_fields[] = {
	F(ev_listen, url, "url", FIELD_TEXT, NULL),
	F(ev_listen, address, "address", FIELD_TEXT, NULL),
	F(ev_listen, upstream, "upstream", FIELD_TEXT, NULL),
	END,
};

static const struct field dial_fields[] = {
	F(ev_dial, url, "url", FIELD_TEXT, NULL),
	END,
};

static const struct field failed_fields[] = {
	F(ev_failed, stage, "stage", FIELD_STAGE, NULL),
	F(ev_failed, cause, "cause", FIELD_CAUSE, NULL),
	F(ev_failed, code, "errno", FIELD_INT_OR_NULL, NULL),
	F(ev_failed, text, "text", FIELD_TEXT, NULL),
	F(ev_failed, took, "took", FIELD_SECONDS, "seconds"),
	F(ev_failed, attempts, "attempts", FIELD_ATTEMPTS, NULL),
	F(ev_failed, ws_key, "ws_key", FIELD_TEXT, NULL),
	F(ev_failed, local, "local", FIELD_TEXT, NULL),
	F(ev_failed, status, "status", FIELD_INT_OR_NULL, NULL),
	F(ev_failed, headers, "headers", FIELD_HEADERS, NULL),
	F(ev_failed, hop, "hop", FIELD_TEXT, NULL),
	F(ev_failed, body, "body", FIELD_DATA, NULL),
	END,
};

static const struct field reject_fields[] = {
	F(ev_reject, peer, "peer", FIELD_TEXT, NULL),
	F(ev_reject, status, "status", FIELD_INT_OR_NULL, NULL),
	F(ev_reject, cause, "cause", FIELD_CAUSE, NULL),
	F(ev_reject, text, "text", FIELD_TEXT, NULL),
	F(ev_reject, request, "request", FIELD_TEXT, NULL),
	F(ev_reject, headers, "headers", FIELD_HEADERS, NULL),
	F(ev_reject, took, "took", FIELD_SECONDS, "seconds"),
	END,
};

static const struct field tls_fields[] = {
	F(tls_facts, version, "version", FIELD_TEXT, NULL),
	F(tls_facts, cipher, "cipher", FIELD_TEXT, NULL),
	F(tls_facts, sni, "sni", FIELD_TEXT, NULL),
	F(tls_facts, verified, "verified", FIELD_BOOL, NULL),
	F(tls_facts, subject, "subject", FIELD_TEXT, NULL),
	F(tls_facts, issuer, "issuer", FIELD_TEXT, NULL),
	F(tls_facts, not_before, "not_before", FIELD_TEXT, NULL),
	F(tls_facts, not_after, "not_after", FIELD_TEXT, NULL),
	F(tls_facts, sha256, "sha256", FIELD_TEXT, NULL),
	END,
};

static const struct field timing_fields[] = {
	F(dial_timing, dns, "dns", FIELD_SECONDS, "seconds"),
	F(dial_timing, tcp, "tcp", FIELD_SECONDS, "seconds"),
	F(dial_timing, tunnel, "tunnel", FIELD_SECONDS, "seconds"),
	F(dial_timing, tls, "tls", FIELD_SECONDS, "seconds"),
	F(dial_timing, upgrade, "upgrade", FIELD_SECONDS, "seconds"),
	END,
};

static const struct field opened_fields[] = {
	F(ev_opened, url, "url", FIELD_TEXT, NULL),
	F(ev_opened, peer, "peer", FIELD_TEXT, NULL),
	F(ev_opened, local, "local", FIELD_TEXT, NULL),
	F(ev_opened, ws_key, "ws_key", FIELD_TEXT, NULL),
	F(ev_opened, status, "status", FIELD_INT_OR_NULL, NULL),
	F(ev_opened, headers, "headers", FIELD_HEADERS, NULL),
	F(ev_opened, subprotocol, "subprotocol", FIELD_TEXT, NULL),
	F(ev_opened, extensions, "extensions", FIELD_TEXT, NULL),
	F(ev_opened, forwarded_for, "forwarded_for", FIELD_TEXT, NULL),
	OBJ(ev_opened, tls, "tls", FIELD_OBJECT_PTR, tls_fields),
	OBJ(ev_opened, timing, "timing", FIELD_OBJECT, timing_fields),
	F(ev_opened, attempts, "attempts", FIELD_ATTEMPTS, NULL),
	F(ev_opened, hop, "hop", FIELD_TEXT, NULL),
	F(ev_opened, down, "down", FIELD_SECONDS, "seconds"),
	F(ev_opened, failed, "failed", FIELD_U32, NULL),
	END,
};

static const struct field head_fields[] = {
	F(ev_head, dir, "dir", FIELD_DIRECTION, NULL),
	F(ev_head, text, "text", FIELD_DATA, NULL),
	END,
};

static const struct field frame_fields[] = {
	F(ev_frame, dir, "dir", FIELD_DIRECTION, NULL),
	F(ev_frame, opcode, "opcode", FIELD_OPCODE, NULL),
	F(ev_frame, fin, "fin", FIELD_BOOL, NULL),
	F(ev_frame, rsv, "rsv", FIELD_U8, NULL),
	F(ev_frame, masked, "masked", FIELD_BOOL, NULL),
	F(ev_frame, length, "length", FIELD_U64, "bytes"),
	END,
};

static const struct field message_fields[] = {
	F(ev_message, dir, "dir", FIELD_DIRECTION, NULL),
	F(ev_message, opcode, "opcode", FIELD_OPCODE, NULL),
	F(ev_message, length, "length", FIELD_U64, "bytes"),
	F(ev_message, truncated, "truncated", FIELD_BOOL, NULL),
	F(ev_message, data, "data", FIELD_DATA, NULL),
	END,
};

static const struct field ping_fields[] = {
	F(ev_ping, dir, "dir", FIELD_DIRECTION, NULL),
	F(ev_ping, waiting, "waiting", FIELD_SECONDS, "seconds"),
	F(ev_ping, usual_rtt, "usual_rtt", FIELD_SECONDS, "seconds"),
	F(ev_ping, tcp, "tcp", FIELD_TEXT, NULL),
	F(ev_ping, data, "data", FIELD_DATA, NULL),
	END,
};

static const struct field pong_fields[] = {
	F(ev_pong, dir, "dir", FIELD_DIRECTION, NULL),
	F(ev_pong, rtt, "rtt", FIELD_SECONDS, "seconds"),
	F(ev_pong, data, "data", FIELD_DATA, NULL),
	END,
};

static const struct field violation_fields[] = {
	F(ev_violation, dir, "dir", FIELD_DIRECTION, NULL),
	F(ev_violation, rule, "rule", FIELD_TEXT, NULL),
	F(ev_violation, section, "section", FIELD_TEXT, NULL),
	F(ev_violation, offset, "offset", FIELD_U64, "bytes"),
	F(ev_violation, answer, "answer", FIELD_U16, NULL),
	END,
};

static const struct field traffic_fields[] = {
	F(traffic, messages, "messages", FIELD_U64, NULL),
	F(traffic, bytes, "bytes", FIELD_U64, "bytes"),
	END,
};

static const struct field tcp_fields[] = {
	F(tcp_facts, state, "state", FIELD_TEXT, NULL),
	F(tcp_facts, rtt, "rtt", FIELD_SECONDS, "seconds"),
	F(tcp_facts, rtt_var, "rtt_var", FIELD_SECONDS, "seconds"),
	F(tcp_facts, unacked, "unacked", FIELD_U32, "segments"),
	F(tcp_facts, retransmits, "retransmits", FIELD_U32, NULL),
	F(tcp_facts, total_retransmits, "total_retransmits", FIELD_U32, NULL),
	F(tcp_facts, lost, "lost", FIELD_U32, "segments"),
	F(tcp_facts, last_sent, "last_sent", FIELD_SECONDS, "seconds"),
	F(tcp_facts, last_received, "last_received", FIELD_SECONDS, "seconds"),
	F(tcp_facts, last_ack, "last_ack", FIELD_SECONDS, "seconds"),
	END,
};

static const struct field ended_fields[] = {
	F(ev_ended, by, "by", FIELD_PARTY, NULL),
	F(ev_ended, cause, "cause", FIELD_CAUSE, NULL),
	F(ev_ended, text, "text", FIELD_TEXT, NULL),
	F(ev_ended, error, "errno", FIELD_INT_OR_NULL, NULL),
	F(ev_ended, clean, "clean", FIELD_BOOL, NULL),
	F(ev_ended, code, "code", FIELD_INT_OR_NULL, NULL),
	F(ev_ended, reason, "reason", FIELD_DATA, NULL),
	F(ev_ended, close_sent, "close_sent", FIELD_INT_OR_NULL, NULL),
	F(ev_ended, synthesised, "synthesised", FIELD_INT_OR_NULL, NULL),
	F(ev_ended, age, "age", FIELD_SECONDS, "seconds"),
	F(ev_ended, silent_rx, "silent_rx", FIELD_SECONDS, "seconds"),
	F(ev_ended, silent_tx, "silent_tx", FIELD_SECONDS, "seconds"),
	F(ev_ended, answered, "answered", FIELD_SECONDS, "seconds"),
	F(ev_ended, paused_rx, "paused_rx", FIELD_SECONDS, "seconds"),
	F(ev_ended, rtt, "rtt", FIELD_SECONDS, "seconds"),
	OBJ(ev_ended, sent, "sent", FIELD_OBJECT, traffic_fields),
	OBJ(ev_ended, received, "received", FIELD_OBJECT, traffic_fields),
	F(ev_ended, unsent, "unsent", FIELD_I64_OR_NULL, "bytes"),
	F(ev_ended, unacked, "unacked", FIELD_I64_OR_NULL, "bytes"),
	F(ev_ended, partial_in, "partial_in", FIELD_U64, "bytes"),
	F(ev_ended, partial_out, "partial_out", FIELD_U64, "bytes"),
	F(ev_ended, after_close, "after_close", FIELD_U64, "bytes"),
	F(ev_ended, held, "held", FIELD_BOOL, NULL),
	F(ev_ended, held_open, "held_open", FIELD_BOOL, NULL),
	OBJ(ev_ended, tcp, "tcp", FIELD_OBJECT_PTR, tcp_fields),
	END,
};

static const struct field gone_fields[] = {
	F(ev_gone, after, "after", FIELD_SECONDS, "seconds"),
	END,
};

static const struct field retry_fields[] = {
	F(ev_retry, delay, "delay", FIELD_SECONDS, "seconds"),
	F(ev_retry, failures, "failures", FIELD_U32, NULL),
	END,
};

static const struct field giveup_fields[] = {
	F(ev_giveup, text, "text", FIELD_TEXT, NULL),
	F(ev_giveup, failures, "failures", FIELD_U32, NULL),
	END,
};

static const struct field ghost_fields[] = {
	F(ev_ghost, text, "text", FIELD_TEXT, NULL),
	F(ev_ghost, ended, "ended", FIELD_BOOL, NULL),
	F(ev_ghost, after, "after", FIELD_SECONDS, "seconds"),
	F(ev_ghost, with, "with", FIELD_U32, NULL),
	F(ev_ghost, overlap, "overlap", FIELD_SECONDS, "seconds"),
	OBJ(ev_ghost, received, "received", FIELD_OBJECT, traffic_fields),
	F(ev_ghost, code, "code", FIELD_INT_OR_NULL, NULL),
	END,
};

static const struct field suspend_fields[] = {
	F(ev_suspend, slept, "slept", FIELD_SECONDS, "seconds"),
	F(ev_suspend, stalled, "stalled", FIELD_SECONDS, "seconds"),
	END,
};

static const struct field clock_fields[] = {
	F(ev_clock, jump, "jump", FIELD_SIGNED_SECONDS, "seconds"),
	END,
};

static const struct field overlap_fields[] = {
	F(ev_overlap, with, "with", FIELD_U32, NULL),
	F(ev_overlap, held, "held", FIELD_BOOL, NULL),
	F(ev_overlap, since, "since", FIELD_SECONDS, "seconds"),
	END,
};

static const struct field replay_fields[] = {
	F(ev_replay, ws_key, "ws_key", FIELD_TEXT, NULL),
	F(ev_replay, with, "with", FIELD_U32, NULL),
	F(ev_replay, after, "after", FIELD_SECONDS, "seconds"),
	END,
};

static const struct field orphan_fields[] = {
	F(ev_orphan, successor, "successor", FIELD_U32, NULL),
	END,
};

static const struct field inject_fields[] = {
	F(ev_inject, plan, "plan", FIELD_TEXT, NULL),
	F(ev_inject, line, "line", FIELD_U32, NULL),
	F(ev_inject, action, "action", FIELD_TEXT, NULL),
	F(ev_inject, accept, "accept", FIELD_U32, NULL),
	F(ev_inject, peer, "peer", FIELD_TEXT, NULL),
	END,
};

static const struct field hears_fields[] = {
	F(ev_hears, library, "library", FIELD_TEXT, NULL),
	F(ev_hears, callback, "callback", FIELD_TEXT, NULL),
	END,
};

static const struct field note_fields[] = {
	F(ev_note, text, "text", FIELD_TEXT, NULL),
	END,
};

static const struct field end_fields[] = {
	F(ev_end, exit, "exit", FIELD_INT, NULL),
	F(ev_end, up, "up", FIELD_SECONDS, "seconds"),
	F(ev_end, total, "total", FIELD_SECONDS, "seconds"),
	F(ev_end, dials, "dials", FIELD_U32, NULL),
	F(ev_end, conns, "conns", FIELD_U32, NULL),
	F(ev_end, lost, "lost", FIELD_U32, NULL),
	OBJ(ev_end, sent, "sent", FIELD_OBJECT, traffic_fields),
	OBJ(ev_end, received, "received", FIELD_OBJECT, traffic_fields),
	F(ev_end, down, "down", FIELD_SECONDS, "seconds"),
	F(ev_end, failed, "failed", FIELD_U32, NULL),
	F(ev_end, overlaps, "overlaps", FIELD_U32, NULL),
	F(ev_end, causes, "causes", FIELD_COUNTS, NULL),
	F(ev_end, rtt_min, "rtt_min", FIELD_SECONDS, "seconds"),
	F(ev_end, rtt_median, "rtt_median", FIELD_SECONDS, "seconds"),
	F(ev_end, rtt_max, "rtt_max", FIELD_SECONDS, "seconds"),
	END,
};

static const struct event_spec specs[EV_TYPE_COUNT] = {
	[EV_START] = { "start", start_fields },
	[EV_LISTEN] = { "listen", listen_fields },
	[EV_DIAL] = { "dial", dial_fields },
	[EV_FAILED] = { "failed", failed_fields },
	[EV_REJECT] = { "reject", reject_fields },
	[EV_OPENED] = { "open", opened_fields },
	[EV_HEAD] = { "head", head_fields },
	[EV_FRAME] = { "frame", frame_fields },
	[EV_MESSAGE] = { "message", message_fields },
	[EV_PING] = { "ping", ping_fields },
	[EV_PONG] = { "pong", pong_fields },
	[EV_VIOLATION] = { "violation", violation_fields },
	[EV_LOST] = { "lost", ended_fields },
	[EV_CLOSE] = { "close", ended_fields },
	[EV_GONE] = { "gone", gone_fields },
	[EV_RETRY] = { "retry", retry_fields },
	[EV_GIVEUP] = { "giveup", giveup_fields },
	[EV_GHOST] = { "ghost", ghost_fields },
	[EV_SUSPEND] = { "suspend", suspend_fields },
	[EV_CLOCK] = { "clock", clock_fields },
	[EV_OVERLAP] = { "overlap", overlap_fields },
	[EV_REPLAY] = { "replay", replay_fields },
	[EV_ORPHAN] = { "orphan", orphan_fields },
	[EV_INJECT] = { "inject", inject_fields },
	[EV_HEARS] = { "hears", hears_fields },
	[EV_NOTE] = { "note", note_fields },
	[EV_END] = { "end", end_fields },
};

const struct event_spec *
event_spec(enum event_type type)
{
	return &specs[type];
}

void
field_set_unknown(const struct field *f, void *at)
{
	if (f->kind == FIELD_SECONDS || f->kind == FIELD_I64_OR_NULL)
		*(int64_t *)at = -1;
	else if (f->kind == FIELD_OBJECT)
		for (const struct field *m = f->members; m->name != NULL; m++)
			field_set_unknown(m, (char *)at + m->offset);
}

struct event
event_blank(enum event_type type)
{
	struct event ev = { .type = type };

	for (const struct field *f = specs[type].fields; f->name != NULL; f++)
		field_set_unknown(f, (char *)&ev.u + f->offset);
	return ev;
}

const char *
event_name(const struct event *ev)
{
	if (ev->type == EV_OPENED && ev->u.opened.is_reconnect)
		return "reconnect";
	return specs[ev->type].name;
}

const char *
role_name(enum role r)
{
	static const char *const names[] = { [ROLE_CLIENT] = "client", [ROLE_PROXY] = "proxy", [ROLE_SERVER] = "server" };

	return names[r];
}

const char *
leg_name(enum leg l)
{
	static const char *const names[] = { [LEG_NONE] = "", [LEG_CLIENT] = "client", [LEG_ORIGIN] = "origin" };

	return names[l];
}

const char *
opcode_name(unsigned opcode)
{
	static const char *const names[16] = { [0] = "continuation", [1] = "text", [2] = "binary", [8] = "close", [9] = "ping",
		[10] = "pong" };

	return names[opcode & 15];
}
