/* SPDX-License-Identifier: MIT */
/*
 * cause: why a dial failed or a connection ended: one row for each thing that can happen, with its name in the log.
 *
 * The names before the dot follow Network Error Logging (W3C) where it has the cause: dns, tcp, tls, http; ours are ws and local.
 * The exit status for each cause is chosen in cli/exit_status.
 */
#ifndef WSDIAG_LIFECYCLE_CAUSE_H
#define WSDIAG_LIFECYCLE_CAUSE_H

#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>

/* X(identifier, name in the log, what it means, for the manual) */
#define CAUSES(X)                                                                                                      \
	X(NONE, "none", "nothing went wrong")                                                                          \
	X(DNS_NOT_FOUND, "dns.name_not_resolved", "the name has no address, or does not exist")                        \
	X(DNS_FAILED, "dns.failed", "the resolver could not be asked")                                                 \
	X(TCP_REFUSED, "tcp.refused", "nothing listens at that address and port")                                      \
	X(TCP_UNREACHABLE, "tcp.address_unreachable", "no route to the address")                                       \
	X(TCP_FAILED, "tcp.failed", "another error from the system; errno says which")                                 \
	X(TCP_CLOSED, "tcp.closed", "the far end sent FIN")                                                            \
	X(TCP_RESET, "tcp.reset", "the far end sent RST")                                                              \
	X(TCP_TIMED_OUT, "tcp.timed_out", "the system gave up retransmitting")                                         \
	X(DIAL_TIMEOUT, "dial.timed_out", "the whole dial took longer than --connect-timeout; stage says where it stood") \
	X(TLS_CLOSED, "tls.closed", "the far end sent close_notify, without a Close frame before it")                  \
	X(TLS_TRUNCATED, "tls.truncated", "FIN without close_notify: cut below TLS")                                   \
	X(TLS_ALERT, "tls.alert", "the far end sent a fatal alert")                                                    \
	X(TLS_CORRUPT, "tls.corrupt", "a record failed its integrity check")                                           \
	X(TLS_HANDSHAKE, "tls.handshake", "the TLS handshake failed")                                                  \
	X(TLS_VERSION, "tls.version", "the two ends have no TLS version in common")                                    \
	X(TLS_NOT_TLS, "tls.not_tls", "the far end does not speak TLS on this port")                                   \
	X(CERT_EXPIRED, "tls.cert.expired", "the peer's certificate, or one above it, is past its date")               \
	X(CERT_FUTURE, "tls.cert.not_yet_valid", "the peer's certificate is not valid yet")                            \
	X(CERT_NAME, "tls.cert.name_invalid", "the peer's certificate is for another name or address")                 \
	X(CERT_UNTRUSTED, "tls.cert.authority_invalid", "no trusted authority vouches for the peer's certificate")     \
	X(CERT_INVALID, "tls.cert.invalid", "the peer's certificate is unusable for another reason")                   \
	X(HTTP_REFUSED, "http.refused", "a complete answer to the upgrade that is not 101")                            \
	X(HTTP_INVALID, "http.invalid", "the answer to the upgrade is not a valid one; text names what is wrong")      \
	X(HTTP_TOO_LARGE, "http.too_large", "the head of the answer is larger than 64 KiB")                            \
	X(HTTP_NOT_HTTP, "http.not_http", "what came back is not HTTP")                                                \
	X(HTTP_TIMEOUT, "http.timed_out", "server: the request head did not arrive in time")                           \
	X(WS_CLOSE, "ws.close", "a finished closing handshake")                                                        \
	X(WS_PROTOCOL, "ws.protocol", "the peer broke a rule of RFC 6455; rule and section say which")                 \
	X(WS_UTF8, "ws.utf8", "the peer sent text that is not UTF-8")                                                  \
	X(WS_TOO_BIG, "ws.too_big", "the peer sent a message larger than --max-message")                               \
	X(WS_PING_TIMEOUT, "ws.ping_timeout", "nothing came for the ping timeout after a ping")                        \
	X(WS_CLOSE_TIMEOUT, "ws.close_timeout", "our Close went unanswered for --close-timeout")                       \
	X(LOCAL_DROP, "local.drop", "we ended TCP without a Close frame, on purpose")                                  \
	X(LOCAL_INTERRUPT, "local.interrupt", "we were told to stop at once")                                          \
	X(LOCAL_FAULT, "local.fault", "a fault plan ended it; inject says which line")                                 \
	X(LOCAL_RELAY, "local.relay", "proxy: ended because the other leg had ended")                                  \
	X(LOCAL_LIMIT, "local.limit", "server: over --max-connections")

enum cause {
#define X(id, name, help) CAUSE_##id,
	CAUSES(X)
#undef X
	CAUSE_COUNT
};

/* X(identifier, name) : how far a dial had come. */
enum stage { STAGE_DNS, STAGE_TCP, STAGE_TUNNEL, STAGE_TLS, STAGE_UPGRADE, STAGE_OPEN };

/* Who ended it. PATH only for what the path itself reports: ETIMEDOUT, EHOSTUNREACH. */
enum party { BY_PEER, BY_LOCAL, BY_PATH };

const char *cause_name(enum cause c);
const char *cause_help(enum cause c);
const char *stage_name(enum stage s);
const char *party_name(enum party p);

/*
 * Something of theirs that went wrong: a finding, not an error of ours. code is an errno, an HTTP status or a library's own
 * number, for the log; text is the whole sentence a person reads, without the stage: "HTTP 502 Bad Gateway",
 * "certificate is for *.example.net, not example.org".
 */
struct failure {
	enum stage stage;
	enum cause cause;
	int code;
	bool answered; /* at stage upgrade: some of the answer had come */
	char text[256];
};

/* Fills f; text is cut at its size. answered is false. */
void failure_set(struct failure *f, enum stage stage, enum cause cause, int code, const char *fmt, ...) PRINTF_LIKE(5, 6);
/* A failure from an errno of connect(2), read(2) or write(2); err is positive. text is strerror's, without a number. */
void failure_set_errno(struct failure *f, enum stage stage, int err);
/* tcp.* for an errno; err is positive. */
enum cause cause_of_errno(int err);

#endif
