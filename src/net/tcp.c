/* SPDX-License-Identifier: MIT */
#include "net/tcp.h"

#include "net/tcp_info.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	DRAIN_TURN = 16,             /* reads of a drain in one turn of the loop */
	DRAIN_MAX = 16 * 1024 * 1024 /* a peer that sends on after our FIN costs us no more than this */
};

enum state {
	STATE_CONNECTING,
	STATE_TELL_OPENED, /* known inside a call, told from the loop */
	STATE_TELL_FAILED,
	STATE_OPEN,
	STATE_FAILED,
	STATE_CLOSING,
};

struct tcp {
	struct transport t;
	struct loop *l;
	enum state state;
	int fd;                /* -1: the system gave none */
	bool has_poll;
	int polled;            /* what poll is started for */
	unsigned handles;      /* still to be closed */
	uv_poll_t poll;
	uv_timer_t drain;
	struct loop_task task; /* tells what a call found out, and brings poll in line with what is wanted */
	bool asked;            /* want() has been called */
	unsigned wanted;
	bool read_over, write_over, end_told;
	int start_error;       /* of STATE_TELL_FAILED */
	int write_error;       /* positive; 0: none */
	size_t drained;
	char local[64], peer[64];
};

static const struct transport_ops tcp_ops;

static struct tcp *
of(const struct transport *t)
{
	return container_of(t, struct tcp, t);
}

void
tcp_format_address(const struct sockaddr *address, char ret[64])
{
	char host[INET6_ADDRSTRLEN];

	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, address, sizeof(in));
		inet_ntop(AF_INET, &in.sin_addr, host, sizeof(host));
		snprintf(ret, 64, "%s:%u", host, ntohs(in.sin_port));
	} else if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, address, sizeof(in6));
		inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof(host));
		snprintf(ret, 64, "[%s]:%u", host, ntohs(in6.sin6_port));
	} else {
		snprintf(ret, 64, "%s", address->sa_family == AF_UNIX ? "unix" : "unknown");
	}
}

void
tcp_describe_failure(struct failure *f, int err, const char *who)
{
	enum cause cause = cause_of_errno(err);

	switch (cause) {
	case CAUSE_TCP_REFUSED: failure_set(f, STAGE_TCP, cause, err, "connection refused by %s", who); break;
	case CAUSE_TCP_RESET: failure_set(f, STAGE_TCP, cause, err, "connection reset by %s", who); break;
	case CAUSE_TCP_TIMED_OUT: failure_set(f, STAGE_TCP, cause, err, "no answer from %s", who); break;
	case CAUSE_TCP_UNREACHABLE: failure_set(f, STAGE_TCP, cause, err, "cannot reach %s: %s", who, strerror(err)); break;
	default: failure_set(f, STAGE_TCP, cause, err, "cannot connect to %s: %s", who, strerror(err)); break;
	}
}

/* A peer's address can be had only while there is a connection, so both are kept. */
static void
note_addresses(struct tcp *tcp)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	if (getsockname(tcp->fd, (struct sockaddr *)&address, &size) == 0)
		tcp_format_address((struct sockaddr *)&address, tcp->local);
	size = sizeof(address);
	if (getpeername(tcp->fd, (struct sockaddr *)&address, &size) == 0)
		tcp_format_address((struct sockaddr *)&address, tcp->peer);
}

static int
take_error(int fd)
{
	int err = 0;
	socklen_t size = sizeof(err);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) == 0 ? err : errno;
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void
set_poll(struct tcp *tcp, int events)
{
	if (events == tcp->polled)
		return;
	tcp->polled = events;
	int rc = events != 0 ? uv_poll_start(&tcp->poll, events, on_poll) : uv_poll_stop(&tcp->poll);
	assert(rc == 0);
	(void)rc;
}

static int
events_wanted(const struct tcp *tcp)
{
	int events = 0;

	if ((tcp->wanted & T_READ) != 0 && !tcp->read_over)
		events |= UV_READABLE;
	if ((tcp->wanted & T_WRITE) != 0 && !tcp->write_over)
		events |= UV_WRITABLE;
	/* Level-triggered: once told it would fire for ever. */
	if (tcp->asked && (tcp->wanted & T_READ) == 0 && !tcp->read_over && !tcp->end_told)
		events |= UV_DISCONNECT;
	return events;
}

static void
tell_failed(struct tcp *tcp, int err)
{
	struct failure f;

	tcp->state = STATE_FAILED;
	tcp_describe_failure(&f, err, tcp->peer);
	tcp->t.up->failed(tcp->t.up_arg, &f);
}

static void
on_task(struct loop_task *task)
{
	struct tcp *tcp = container_of(task, struct tcp, task);

	if (tcp->state == STATE_TELL_OPENED) {
		tcp->state = STATE_OPEN;
		tcp->t.up->opened(tcp->t.up_arg);
	} else if (tcp->state == STATE_TELL_FAILED) {
		tell_failed(tcp, tcp->start_error);
	}
	if (tcp->state == STATE_OPEN)
		set_poll(tcp, events_wanted(tcp));
}

static void
on_connected(struct tcp *tcp)
{
	int err = take_error(tcp->fd);

	set_poll(tcp, 0);
	if (err != 0) {
		tell_failed(tcp, err);
		return;
	}
	note_addresses(tcp);
	tcp->state = STATE_OPEN;
	tcp->t.up->opened(tcp->t.up_arg);
}

static void
on_ready(struct tcp *tcp, int status, int events)
{
	/* With an error everything is worth a try: what was sent before an RST can still be read, and a write tells which error. */
	bool in = status < 0 || (events & (UV_READABLE | UV_DISCONNECT)) != 0;
	bool out = status < 0 || (events & UV_WRITABLE) != 0;
	bool end = status < 0 || (events & UV_DISCONNECT) != 0;
	unsigned bits = 0;

	if (in && (tcp->wanted & T_READ) != 0 && !tcp->read_over)
		bits |= T_READ;
	if (out && (tcp->wanted & T_WRITE) != 0 && !tcp->write_over)
		bits |= T_WRITE;
	if (end && (tcp->wanted & T_READ) == 0 && tcp->asked && !tcp->read_over && !tcp->end_told) {
		bits |= T_END;
		tcp->end_told = true;
	}
	if (bits != 0)
		tcp->t.up->ready(tcp->t.up_arg, bits);
	if (tcp->state == STATE_OPEN && tcp->polled != events_wanted(tcp))
		loop_defer(tcp->l, &tcp->task);
}

static void drain_some(struct tcp *tcp);

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct tcp *tcp = poll->data;

	if (status < 0)
		tcp->polled = 0; /* libuv has stopped it */
	switch (tcp->state) {
	case STATE_CONNECTING: on_connected(tcp); break;
	case STATE_OPEN: on_ready(tcp, status, events); break;
	case STATE_CLOSING: drain_some(tcp); break;
	default: assert(false);
	}
}

/* The connection's first errno. An RST that follows a FIN is seen as EPIPE. */
static void
add_errno(struct tcp *tcp, int err)
{
	transport_add_end(&tcp->t, LAYER_TCP, END_ERRNO, err == EPIPE ? ECONNRESET : err, NULL);
}

static void
on_read_zero(struct tcp *tcp)
{
	/* A write took the error that this read would have shown: no FIN came. */
	if (tcp->write_error != 0 && tcp->write_error != EPIPE)
		return;
	transport_add_end(&tcp->t, LAYER_TCP, END_FIN, 0, NULL);
	/* SO_ERROR can hold a soft error too, which is no end: only what an RST leaves there counts. */
	int err = take_error(tcp->fd);
	if (tcp->write_error == EPIPE || err == EPIPE || err == ECONNRESET)
		add_errno(tcp, ECONNRESET);
}

static ssize_t
tcp_read(struct transport *t, void *data, size_t n)
{
	struct tcp *tcp = of(t);
	ssize_t got;

	assert(n > 0);
	if (tcp->read_over)
		return 0;
	do
		got = recv(tcp->fd, data, n, MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		return got;
	if (got < 0 && errno == EAGAIN)
		return -EAGAIN;
	tcp->read_over = true;
	if (got < 0)
		add_errno(tcp, errno);
	else
		on_read_zero(tcp);
	loop_defer(tcp->l, &tcp->task);
	return 0;
}

static ssize_t
tcp_writev(struct transport *t, const struct iovec *iov, int n)
{
	struct tcp *tcp = of(t);
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)MIN(n, IOV_MAX) };
	ssize_t put;

	if (tcp->write_over)
		return tcp->write_error != 0 ? -tcp->write_error : -EPIPE;
	do
		put = sendmsg(tcp->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	if (put >= 0)
		return put;
	if (errno == EAGAIN)
		return 0;
	tcp->write_over = true;
	tcp->write_error = errno;
	/* EPIPE before a FIN was read: one is waiting behind what is still to be read, and comes first. */
	if (tcp->write_error != EPIPE || tcp->read_over)
		add_errno(tcp, tcp->write_error);
	loop_defer(tcp->l, &tcp->task);
	return -tcp->write_error;
}

static void
tcp_want(struct transport *t, unsigned bits)
{
	struct tcp *tcp = of(t);

	tcp->asked = true;
	tcp->wanted = bits;
	/* Not at once: a change costs two system calls, and most are taken back within the turn. */
	if (tcp->state == STATE_OPEN && tcp->polled != events_wanted(tcp))
		loop_defer(tcp->l, &tcp->task);
}

static int
tcp_half_close(struct transport *t)
{
	struct tcp *tcp = of(t);

	if (tcp->write_over)
		return -tcp->write_error;
	tcp->write_over = true;
	loop_defer(tcp->l, &tcp->task);
	return shutdown(tcp->fd, SHUT_WR) == 0 ? 0 : -errno;
}

static void
on_handle_closed(uv_handle_t *handle)
{
	struct tcp *tcp = handle->data;

	if (--tcp->handles > 0)
		return;
	tcp->t.up->closed(tcp->t.up_arg);
	free(tcp);
}

static void
release(struct tcp *tcp)
{
	uv_close((uv_handle_t *)&tcp->drain, on_handle_closed);
	if (tcp->has_poll)
		uv_close((uv_handle_t *)&tcp->poll, on_handle_closed);
	if (tcp->fd >= 0)
		close(tcp->fd);
}

static void
drain_some(struct tcp *tcp)
{
	for (int i = 0; i < DRAIN_TURN; i++) {
		ssize_t got = recv(tcp->fd, tcp->l->scratch, sizeof(tcp->l->scratch), MSG_DONTWAIT);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			break;
		if (got > 0)
			tcp->drained += (size_t)got;
		if (got <= 0 || tcp->drained > DRAIN_MAX) {
			release(tcp);
			return;
		}
	}
	set_poll(tcp, UV_READABLE);
}

static void
on_drain_timeout(uv_timer_t *timer)
{
	release(timer->data);
}

static void
tcp_close(struct transport *t, enum transport_close how)
{
	struct tcp *tcp = of(t);
	bool is_open = tcp->state == STATE_OPEN || tcp->state == STATE_TELL_OPENED;

	assert(tcp->state != STATE_CLOSING);
	tcp->state = STATE_CLOSING;
	loop_undefer(&tcp->task);
	if (how == TRANSPORT_RST && tcp->fd >= 0) {
		const struct linger now = { .l_onoff = 1, .l_linger = 0 };

		setsockopt(tcp->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	} else if (how != TRANSPORT_LET_GO && is_open && !tcp->read_over && shutdown(tcp->fd, SHUT_WR) == 0) {
		set_poll(tcp, UV_READABLE);
		uv_timer_start(&tcp->drain, on_drain_timeout, DRAIN_MS, 0);
		return;
	}
	release(tcp);
}

static void
tcp_stat(struct transport *t, struct transport_stat *ret)
{
	struct tcp *tcp = of(t);

	*ret = (struct transport_stat){ .fd = tcp->fd, .unacked = tcp_info_unacked(tcp->fd) };
	memcpy(ret->local, tcp->local, sizeof(ret->local));
	memcpy(ret->peer, tcp->peer, sizeof(ret->peer));
	ret->has_tcp = tcp_info_read(tcp->fd, &ret->tcp);
}

static const struct transport_ops tcp_ops = {
	.read = tcp_read,
	.writev = tcp_writev,
	.want = tcp_want,
	.half_close = tcp_half_close,
	.close = tcp_close,
	.stat = tcp_stat,
};

static struct tcp *
tcp_new(struct loop *l, int fd, const struct transport_events *up, void *arg)
{
	struct tcp *tcp = xcalloc(1, sizeof(*tcp));

	tcp->t = (struct transport){ .ops = &tcp_ops, .up = up, .up_arg = arg };
	tcp->l = l;
	tcp->fd = fd;
	tcp->task.run = on_task;
	uv_timer_init(&l->uv, &tcp->drain);
	tcp->drain.data = tcp;
	tcp->handles = 1;
	return tcp;
}

static int
start_poll(struct tcp *tcp)
{
	int rc = uv_poll_init(&tcp->l->uv, &tcp->poll, tcp->fd);

	if (rc < 0)
		return rc;
	tcp->poll.data = tcp;
	tcp->has_poll = true;
	tcp->handles++;
	/* Frames are put together above; waiting for more would only add delay (RFC 896). No TCP, no harm. */
	setsockopt(tcp->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	return 0;
}

/* Tells from the loop how it began. */
static void
tell_later(struct tcp *tcp, int err)
{
	tcp->state = err == 0 ? STATE_TELL_OPENED : STATE_TELL_FAILED;
	tcp->start_error = err;
	loop_defer(tcp->l, &tcp->task);
}

struct transport *
tcp_connect(struct loop *l, const struct sockaddr *address, const struct transport_events *up, void *arg)
{
	struct tcp *tcp = tcp_new(l, socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), up, arg);
	socklen_t size = address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

	tcp_format_address(address, tcp->peer);
	if (tcp->fd < 0) {
		tell_later(tcp, errno);
		return &tcp->t;
	}
	int rc = start_poll(tcp);
	if (rc < 0) {
		tell_later(tcp, -rc);
	} else if (connect(tcp->fd, address, size) == 0) {
		note_addresses(tcp);
		tell_later(tcp, 0);
	} else if (errno != EINPROGRESS) {
		tell_later(tcp, errno);
	} else {
		tcp->state = STATE_CONNECTING;
		set_poll(tcp, UV_WRITABLE);
	}
	return &tcp->t;
}

struct transport *
tcp_adopt(struct loop *l, int fd, const struct transport_events *up, void *arg)
{
	struct tcp *tcp = tcp_new(l, fd, up, arg);
	int rc = start_poll(tcp);

	note_addresses(tcp);
	tell_later(tcp, -rc);
	return &tcp->t;
}
