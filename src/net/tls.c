/* SPDX-License-Identifier: MIT */
#include "net/tls_layer.h"
#include "net/tls_words.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

enum { PROBE_READS = 64 }; /* of 1 KiB: what a peer sends behind its close_notify */

static struct tls *
of(const struct transport *t)
{
	return container_of(t, struct tls, t);
}

/* --- reading --- */

/* After close_notify nothing is read for its content, but whether FIN or RST follows is worth knowing. */
static void
probe_below(struct tls *s)
{
	uint8_t sink[1024];

	for (int i = 0; i < PROBE_READS && !s->below_eof; i++) {
		ssize_t n = transport_read(s->t.below, sink, sizeof(sink));

		if (n == -EAGAIN)
			return;
		s->below_eof = n <= 0;
	}
}

static void
note_cut(struct tls *s)
{
	struct transport_end end;

	/* An RST speaks for itself. */
	if (tls_first_end_below(s, &end) && end.kind == END_ERRNO)
		return;
	transport_add_end(&s->t, LAYER_TLS, tls_meter_is_inside(&s->meter) ? END_MID_RECORD : END_TRUNCATED, 0, NULL);
}

static void
end_reading(struct tls *s, int ret)
{
	char text[sizeof(s->t.ends[0].text)];
	enum tls_ret what = tls_compat_classify(ret);

	s->read_over = true;
	if (what == TLS_RET_NOTIFY) {
		transport_add_end(&s->t, LAYER_TLS, END_NOTIFY, 0, NULL);
		probe_below(s);
	} else if (s->below_eof) {
		note_cut(s);
	} else {
		/* The library's context is not to be used any more. */
		s->write_over = true;
		if (what == TLS_RET_ALERT) {
			int alert = tls_compat_alert(&s->ssl);

			tls_alert_text(alert, text, sizeof(text));
			transport_add_end(&s->t, LAYER_TLS, END_ALERT, alert, text);
		} else {
			tls_corrupt_text(ret, text, sizeof(text));
			transport_add_end(&s->t, LAYER_TLS, END_CORRUPT, 0, text);
		}
		probe_below(s);
	}
	tls_update_below(s);
}

/* What is left in the library brings no event of the socket. */
static void
hold_read(struct tls *s)
{
	s->read_held = true;
	if ((s->wanted & T_READ) != 0 && s->out.len <= TLS_OUT_MAX)
		loop_defer(s->loop, &s->wake);
}

static ssize_t
tls_read(struct transport *t, void *data, size_t n)
{
	struct tls *s = of(t);

	assert(n > 0 && s->state == TLS_OPEN);
	s->read_held = false;
	if (s->read_over)
		return 0;
	for (int i = 0; i < TLS_SPINS && s->out.len <= TLS_OUT_MAX; i++) {
		s->starved = false;
		int ret = mbedtls_ssl_read(&s->ssl, data, MIN(n, (size_t)INT_MAX));
		if (ret > 0) {
			if (mbedtls_ssl_check_pending(&s->ssl))
				hold_read(s);
			return ret;
		}
		enum tls_ret what = tls_compat_classify(ret);
		if (what == TLS_RET_AGAIN && s->starved) {
			tls_update_below(s);
			return -EAGAIN;
		}
		/* Empty records, tickets: nothing for the owner, and more may be at hand. */
		if (what == TLS_RET_AGAIN || what == TLS_RET_RETRY || (ret == 0 && !s->below_eof))
			continue;
		end_reading(s, ret);
		return 0;
	}
	hold_read(s);
	tls_update_below(s);
	return -EAGAIN;
}

/* --- writing --- */

static ssize_t
tls_writev(struct transport *t, const struct iovec *iov, int n)
{
	struct tls *s = of(t);
	struct tls_cursor at = { .iov = iov, .n = n };
	uint8_t joined[TLS_RECORD_MAX];
	size_t taken = 0, len;
	const uint8_t *record;

	assert(s->state == TLS_OPEN);
	if (s->write_over)
		return -EPIPE;
	while (s->out.len == 0 && s->write_error == 0 && (record = tls_cursor_record(&at, joined, &len)) != NULL) {
		int ret = mbedtls_ssl_write(&s->ssl, record, len);

		if (ret <= 0) {
			s->write_over = true;
			break;
		}
		tls_cursor_advance(&at, (size_t)ret);
		s->last_record = (size_t)ret;
		taken += s->write_error == 0 ? (size_t)ret : 0;
	}
	tls_update_below(s);
	if (taken == 0 && s->write_error != 0)
		return -s->write_error;
	return taken == 0 && s->write_over ? -EPIPE : (ssize_t)taken;
}

static size_t
tls_pending(const struct transport *t)
{
	return of(t)->out.len > 0 ? of(t)->last_record : 0;
}

/* --- what comes up --- */

static void
tell_ready(struct tls *s, unsigned bits)
{
	if (s->half_closing && s->out.len == 0) {
		s->half_closing = false;
		int r UNUSED = transport_half_close(s->t.below);
	}
	if ((bits & T_END) != 0 && s->read_over)
		probe_below(s);
	s->end_seen |= (bits & T_END) != 0 && !s->read_over;

	if (s->read_held && s->out.len <= TLS_OUT_MAX)
		bits |= T_READ;
	if (s->out.len > 0)
		bits &= ~(unsigned)T_WRITE;
	else if (s->write_error != 0)
		bits |= T_WRITE;
	bits &= s->wanted & (s->read_over ? T_WRITE : T_READ | T_WRITE);
	if (s->end_seen && !s->end_told && !s->read_over && s->asked) {
		s->end_told = true;
		bits |= T_END;
	}
	tls_update_below(s);
	if (bits != 0)
		s->t.up->ready(s->t.up_arg, bits);
}

void
tls_on_wake(struct loop_task *task)
{
	struct tls *s = container_of(task, struct tls, wake);

	if (s->state == TLS_HANDSHAKE)
		tls_handshake(s);
	else if (s->state == TLS_OPEN)
		tell_ready(s, 0);
}

static void
tls_want(struct transport *t, unsigned bits)
{
	struct tls *s = of(t);

	s->asked = true;
	s->wanted = bits;
	if ((s->wanted & T_READ) != 0 && s->state == TLS_OPEN && !s->read_over && mbedtls_ssl_check_pending(&s->ssl))
		s->read_held = true;
	if ((s->read_held && (bits & T_READ) != 0) || (s->end_seen && !s->end_told))
		loop_defer(s->loop, &s->wake);
	tls_update_below(s);
}

/* --- ending --- */

static void
send_notify(struct tls *s)
{
	if (s->write_over || s->write_error != 0)
		return;
	s->write_over = true;
	/* Best effort: it can fail only for want of memory. */
	int r UNUSED = mbedtls_ssl_close_notify(&s->ssl);
}

static int
tls_half_close(struct transport *t)
{
	struct tls *s = of(t);

	send_notify(s);
	s->write_over = true;
	if (s->write_error != 0)
		return -s->write_error;
	s->half_closing = s->out.len > 0;
	tls_update_below(s);
	return s->half_closing ? 0 : transport_half_close(s->t.below);
}

static void
free_timer(uv_handle_t *handle)
{
	free(handle);
}

static void
close_below(struct tls *s)
{
	s->state = TLS_CLOSING;
	if (s->flush_limit != NULL)
		uv_close((uv_handle_t *)steal(&s->flush_limit), free_timer);
	transport_close(s->t.below, s->how);
}

static void
on_flush_limit(uv_timer_t *timer)
{
	close_below(timer->data);
}

/* Close goes on below once what was accepted is in the kernel, or cannot be within DRAIN_MS. */
static void
start_flush(struct tls *s)
{
	s->state = TLS_FLUSHING;
	s->flush_limit = xcalloc(1, sizeof(*s->flush_limit));
	uv_timer_init(&s->loop->uv, s->flush_limit);
	s->flush_limit->data = s;
	uv_timer_start(s->flush_limit, on_flush_limit, DRAIN_MS, 0);
	tls_update_below(s);
}

static void
tls_close(struct transport *t, enum transport_close how)
{
	struct tls *s = of(t);

	assert(s->state != TLS_FLUSHING && s->state != TLS_CLOSING);
	loop_undefer(&s->wake);
	s->how = how;
	if (how == TRANSPORT_GRACEFUL && s->state == TLS_OPEN)
		send_notify(s);
	if (how == TRANSPORT_RST || how == TRANSPORT_LET_GO) {
		close_below(s);
		return;
	}
	tls_flush_out(s);
	if (s->out.len == 0)
		close_below(s);
	else
		start_flush(s);
}

static const struct tls_facts *
tls_tls(const struct transport *t)
{
	return &of(t)->facts;
}

const struct transport_ops tls_ops = {
	.read = tls_read,
	.writev = tls_writev,
	.pending = tls_pending,
	.want = tls_want,
	.half_close = tls_half_close,
	.close = tls_close,
	.tls = tls_tls,
};

/* --- from below --- */

static void
on_ready(void *arg, unsigned bits)
{
	struct tls *s = arg;

	if (bits & T_WRITE)
		tls_flush_out(s);
	switch (s->state) {
	case TLS_HANDSHAKE: tls_handshake(s); break;
	case TLS_OPEN: tell_ready(s, bits); break;
	case TLS_FLUSHING:
		if (s->out.len == 0)
			close_below(s);
		break;
	case TLS_FAILED: tls_update_below(s); break;
	case TLS_CLOSING: break;
	}
}

static void
on_closed(void *arg)
{
	struct tls *s = arg;

	s->t.up->closed(s->t.up_arg);
	mbedtls_ssl_free(&s->ssl);
	tls_verify_deinit(&s->verify);
	buf_deinit(&s->out);
	free(s->sni);
	free(s);
}

static void
on_opened(void *arg UNUSED)
{
}

static void
on_failed(void *arg, const struct failure *f)
{
	struct tls *s = arg;

	s->state = TLS_FAILED;
	s->t.up->failed(s->t.up_arg, f);
}

const struct transport_events tls_from_below = { .opened = on_opened, .failed = on_failed, .ready = on_ready, .closed = on_closed };
