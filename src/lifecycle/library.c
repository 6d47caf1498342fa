/* SPDX-License-Identifier: MIT */
#include "lifecycle/library.h"

#include "codec/close_code.h"

#include <errno.h>
#include <string.h>

/* What can happen to a client, as far as the library tells one from the other. */
enum happening {
	HAP_FAILED,    /* a dial */
	HAP_FIN,       /* or the end of TLS: Python's ssl reads it as the same */
	HAP_RESET,
	HAP_SILENT,   /* its own ping timeout */
	HAP_BROKEN,    /* frames or text that break the protocol */
	HAP_CLOSED,    /* the server's Close */
	HAP_CLOSING,   /* the user's close() */
	HAP_COUNT,
	HAP_OPENED = HAP_COUNT,
	HAP_NOTHING,   /* something that the library does not see */
	HAP_OTHER,     /* no happening to a client at all */
};

enum reaction {
	SILENCE,
	ERROR,
	ERROR_ONCE,     /* only of the first dial of all: later ones are "reconnecting" */
	RAISE,
	CLOSE_CODE,     /* on_close with the code that came, and the end */
	CLOSE_NONE,     /* on_close None/None, and the end */
	END_SILENT,
};

struct library_rules {
	const char *version, *exact; /* "1.7", and the release that was held against this row */
	const char *dispatcher;      /* NULL: its own */
	bool tells_reconnects;       /* to an app that defines on_reconnect */
	enum reaction on[HAP_COUNT];
};

/*
 * With a dispatcher of its own every end comes back to setSock(reconnecting=True), which keeps on_error to itself. With rel an end comes from a callback
 * of rel's: what the callback catches is handled there, what it does not catch comes out of rel.dispatch(), and so does the ping timeout, a timer of rel's.
 * Not modelled: 1.9 with rel answers an RST, and a Close behind an earlier loss, with several dials at once, each with an on_reconnect.
 */
static const struct library_rules rules[] = {
	/*                                FAILED      FIN         RESET       SILENT      BROKEN      CLOSED      CLOSING */
	{ "1.7", "1.7.0", NULL,  false, { ERROR_ONCE, ERROR_ONCE, ERROR_ONCE, ERROR_ONCE, ERROR_ONCE, CLOSE_CODE, CLOSE_NONE } },
	{ "1.7", "1.7.0", "rel", false, { ERROR,      ERROR,      RAISE,      RAISE,      RAISE,      CLOSE_CODE, END_SILENT } },
	{ "1.8", "1.8.0", NULL,  true,  { ERROR_ONCE, ERROR_ONCE, ERROR_ONCE, ERROR_ONCE, ERROR_ONCE, CLOSE_CODE, CLOSE_NONE } },
	{ "1.8", "1.8.0", "rel", false, { ERROR,      SILENCE,    RAISE,      RAISE,      RAISE,      CLOSE_CODE, END_SILENT } },
	{ "1.9", "1.9.2", NULL,  true,  { ERROR_ONCE, ERROR_ONCE, ERROR_ONCE, ERROR_ONCE, ERROR_ONCE, SILENCE,    CLOSE_CODE } },
	{ "1.9", "1.9.2", "rel", true,  { ERROR_ONCE, SILENCE,    SILENCE,    RAISE,      RAISE,      SILENCE,    END_SILENT } },
};

const char *const library_names[] = { "websocket-client:1.7", "websocket-client:1.8", "websocket-client:1.9", NULL };

struct library_model {
	struct library library;
	bool has_opened, is_redialling;
	const char *ended; /* what is to be said of everything from now on; NULL: it still runs */
};

static const struct library_rules *
find_rules(struct span version, const char *dispatcher)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if ((span_eq(version, rules[i].version) || span_eq(version, rules[i].exact)) &&
		    (dispatcher == NULL ? rules[i].dispatcher == NULL : rules[i].dispatcher != NULL && strcmp(dispatcher, rules[i].dispatcher) == 0))
			return &rules[i];
	return NULL;
}

int
library_parse(const char *name, struct library *ret, struct buf *error)
{
	static const char prefix[] = "websocket-client:";
	struct span rest = span_of(name), word, version = SPAN_NONE;
	const char *dispatcher = NULL;
	bool wants_on_reconnect = true, is_understood = strncmp(name, prefix, sizeof(prefix) - 1) == 0;

	if (is_understood) {
		rest.p += sizeof(prefix) - 1;
		rest.n -= sizeof(prefix) - 1;
		span_next(&rest, ',', &version);
	}
	while (is_understood && span_next(&rest, ',', &word)) {
		if (span_eq(word, "rel"))
			dispatcher = "rel";
		else if (span_eq(word, "no-on_reconnect"))
			wants_on_reconnect = false;
		else
			is_understood = false;
	}

	const struct library_rules *found = is_understood ? find_rules(version, dispatcher) : NULL;

	if (found == NULL) {
		buf_printf(error, "%s: known are", name);
		for (const char *const *known = library_names; *known != NULL; known++)
			buf_printf(error, "%s %s", known == library_names ? "" : ",", *known);
		buf_puts(error, "; behind it may stand ,rel and ,no-on_reconnect");
		return -EINVAL;
	}
	*ret = (struct library){ .rules = found, .has_on_reconnect = found->tells_reconnects && wants_on_reconnect };
	return 0;
}

struct library_model *
library_model_new(const struct library *l)
{
	struct library_model *m = xcalloc(1, sizeof(*m));

	m->library = *l;
	return m;
}

void
library_model_free(struct library_model *m)
{
	free(m);
}

/* --- an event as a happening --- */

static enum happening
happening_of_cause(enum cause c)
{
	switch (c) {
	case CAUSE_TCP_RESET: return HAP_RESET;
	case CAUSE_WS_PING_TIMEOUT: return HAP_SILENT;
	case CAUSE_WS_PROTOCOL:
	case CAUSE_WS_UTF8:
	case CAUSE_TLS_ALERT:
	case CAUSE_TLS_CORRUPT: return HAP_BROKEN;
	default: return HAP_FIN;
	}
}

/* As the client that logged it lived it. */
static enum happening
own_end(const struct ev_ended *e, int *ret_code)
{
	*ret_code = e->code;
	if (e->cause == CAUSE_LOCAL_DROP || e->cause == CAUSE_LOCAL_INTERRUPT)
		return HAP_CLOSING;
	if (e->cause == CAUSE_WS_CLOSE)
		return e->by == BY_LOCAL ? HAP_CLOSING : HAP_CLOSED;
	enum happening h = happening_of_cause(e->cause);
	if (h == HAP_SILENT || h == HAP_BROKEN)
		return h;
	/* One Close, and no answer to it. */
	return e->code != 0 ? HAP_CLOSED : e->close_sent != 0 ? HAP_CLOSING : h;
}

/* As the other end logged it, a server or a proxy's client leg. A client that just leaves had heard nothing for too long. */
static enum happening
peers_end(const struct ev_ended *e, int *ret_code)
{
	*ret_code = e->close_sent;
	if (e->cause == CAUSE_WS_CLOSE)
		return e->by == BY_LOCAL ? HAP_CLOSED : HAP_CLOSING;
	if (e->close_sent != 0)
		return HAP_CLOSED;
	if (e->code != 0)
		return HAP_CLOSING;
	if (e->by == BY_PEER)
		return HAP_SILENT;
	return span_contains_ci(e->text, "RST") ? HAP_RESET : HAP_FIN;
}

static enum happening
happening_of(const struct event *ev, int *ret_code)
{
	bool is_client = ev->src->role == ROLE_CLIENT;

	*ret_code = 0;
	if (ev->leg == LEG_ORIGIN)
		return HAP_OTHER;
	switch (ev->type) {
	case EV_OPENED: return HAP_OPENED;
	case EV_FAILED: return is_client ? HAP_FAILED : HAP_OTHER;
	case EV_REJECT: return HAP_FAILED;
	case EV_LOST:
	case EV_CLOSE: return is_client ? own_end(&ev->u.ended, ret_code) : peers_end(&ev->u.ended, ret_code);
	case EV_GHOST: return HAP_NOTHING;
	case EV_END: return is_client ? HAP_CLOSING : HAP_OTHER;
	default: return HAP_OTHER;
	}
}

/* --- a happening as a callback --- */

static void
say_close(struct buf *out, int code)
{
	if (code == 0 || code == CLOSE_NO_STATUS)
		buf_puts(out, "on_close None/None");
	else
		buf_printf(out, "on_close %d", code);
}

static void
react(struct library_model *m, enum reaction r, int code, struct buf *out)
{
	const char *over = m->library.rules->dispatcher == NULL ? "(returned)" : "(silence)";

	switch (r) {
	case ERROR_ONCE: buf_puts(out, m->is_redialling ? "(silence)" : "on_error"); break;
	case ERROR: buf_puts(out, "on_error"); break;
	case SILENCE: buf_puts(out, "(silence)"); break;
	case RAISE: buf_puts(out, m->ended = "(raised)"); break;
	case END_SILENT: buf_puts(out, m->ended = "(silence)"); break;
	case CLOSE_CODE:
	case CLOSE_NONE:
		say_close(out, r == CLOSE_CODE ? code : 0);
		m->ended = over;
		break;
	}
	m->is_redialling = true;
}

bool
library_feed(struct library_model *m, const struct event *ev, struct buf *out)
{
	int code;
	enum happening h = happening_of(ev, &code);

	if (h == HAP_OTHER || (ev->type == EV_END && m->ended != NULL))
		return false;
	if (m->ended != NULL || h == HAP_NOTHING) {
		buf_puts(out, m->ended != NULL ? m->ended : "(silence)");
	} else if (h == HAP_OPENED) {
		buf_puts(out, m->is_redialling && m->library.has_on_reconnect ? "on_reconnect" : m->has_opened ? "on_open again" : "on_open");
		m->has_opened = true;
	} else {
		react(m, m->library.rules->on[h], code, out);
	}
	return true;
}
