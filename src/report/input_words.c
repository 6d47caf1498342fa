/* SPDX-License-Identifier: MIT */
#include "report/input_words.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * The first row whose words stand in an error wins, so the special ones come first. Words are matched by words_find(). STAGE_OPEN: of a connection that was
 * open, as far as the words tell.
 */
static const struct {
	const char *words;
	enum cause cause;
	enum party by;
	enum stage stage;
} errors[] = {
	/* Dials. */
	{ "handshake status", CAUSE_HTTP_REFUSED, BY_PEER, STAGE_UPGRADE },
	{ "unexpected server response", CAUSE_HTTP_REFUSED, BY_PEER, STAGE_UPGRADE },       /* Node ws */
	{ "server rejected websocket connection", CAUSE_HTTP_REFUSED, BY_PEER, STAGE_UPGRADE }, /* Python websockets */
	{ "bad handshake", CAUSE_HTTP_REFUSED, BY_PEER, STAGE_UPGRADE },                    /* Go gorilla */
	{ "connection refused", CAUSE_TCP_REFUSED, BY_PEER, STAGE_TCP },
	{ "econnrefused", CAUSE_TCP_REFUSED, BY_PEER, STAGE_TCP },
	{ "no route to host", CAUSE_TCP_UNREACHABLE, BY_PATH, STAGE_TCP },
	{ "network is unreachable", CAUSE_TCP_UNREACHABLE, BY_PATH, STAGE_TCP },
	{ "name or service not known", CAUSE_DNS_NOT_FOUND, BY_LOCAL, STAGE_DNS },
	{ "temporary failure in name resolution", CAUSE_DNS_FAILED, BY_LOCAL, STAGE_DNS },
	{ "getaddrinfo", CAUSE_DNS_NOT_FOUND, BY_LOCAL, STAGE_DNS },
	{ "enotfound", CAUSE_DNS_NOT_FOUND, BY_LOCAL, STAGE_DNS },
	{ "hostname mismatch", CAUSE_CERT_NAME, BY_LOCAL, STAGE_TLS },
	{ "certificate has expired", CAUSE_CERT_EXPIRED, BY_LOCAL, STAGE_TLS },
	{ "certificate verify failed", CAUSE_CERT_UNTRUSTED, BY_LOCAL, STAGE_TLS },
	/* Connections. */
	{ "ping/pong timed out", CAUSE_WS_PING_TIMEOUT, BY_LOCAL, STAGE_OPEN },             /* websocket-client */
	{ "ping timeout", CAUSE_WS_PING_TIMEOUT, BY_LOCAL, STAGE_OPEN },
	{ "pong timeout", CAUSE_WS_PING_TIMEOUT, BY_LOCAL, STAGE_OPEN },
	{ "connection reset", CAUSE_TCP_RESET, BY_PEER, STAGE_OPEN },
	{ "econnreset", CAUSE_TCP_RESET, BY_PEER, STAGE_OPEN },
	{ "broken pipe", CAUSE_TCP_RESET, BY_PEER, STAGE_OPEN },
	{ "connection aborted", CAUSE_TCP_RESET, BY_PEER, STAGE_OPEN },
	{ "connection timed out", CAUSE_TCP_TIMED_OUT, BY_PATH, STAGE_OPEN },
	{ "etimedout", CAUSE_TCP_TIMED_OUT, BY_PATH, STAGE_OPEN },
	{ "eof occurred in violation of protocol", CAUSE_TLS_TRUNCATED, BY_PEER, STAGE_OPEN },
	{ "connection to remote host was lost", CAUSE_TCP_CLOSED, BY_PEER, STAGE_OPEN },    /* websocket-client: read gave no bytes */
	{ "no close frame received", CAUSE_TCP_CLOSED, BY_PEER, STAGE_OPEN },               /* Python websockets */
	{ "unexpected eof", CAUSE_TCP_CLOSED, BY_PEER, STAGE_OPEN },
};

static bool
is_wordy(char c)
{
	return isalnum((unsigned char)c) != 0;
}

size_t
words_at(struct span text, size_t i, const char *words)
{
	size_t begin = i;

	if (i > 0 && is_wordy(text.p[i - 1]) && is_wordy(*words))
		return 0;
	for (; *words != '\0'; words++) {
		if (*words == ' ') {
			i += i < text.n && (text.p[i] == ' ' || text.p[i] == '_' || text.p[i] == '-');
			continue;
		}
		if (i == text.n || tolower((unsigned char)text.p[i]) != *words)
			return 0;
		i++;
	}
	return i == text.n || !is_wordy(text.p[i]) ? i - begin : 0;
}

size_t
words_find(struct span text, const char *words)
{
	for (size_t i = 0; i < text.n; i++) {
		size_t n = words_at(text, i, words);

		if (n > 0)
			return i + n;
	}
	return 0;
}

/* --- of what a line speaks --- */

static const char *const websocket_names[] = { "ws", "wss", "websocket", "websockets", "web socket" };

/* Programs that speak to a WebSocket speak to these as well, in the same words. */
static const char *const other_names[] = { "database", "db", "sql", "sqlite", "sqlalchemy", "mysql", "mariadb", "postgres", "postgresql", "psycopg2", "pgbouncer",
	"mongo", "mongodb", "mongoose", "redis", "cassandra", "elasticsearch", "memcached", "cache", "kafka", "rabbitmq", "amqp", "mqtt", "nats", "broker", "queue",
	"celery", "zookeeper", "etcd", "consul", "vault", "ldap", "smtp", "smtpd", "postfix", "imap", "dovecot", "ftp", "sftp", "ssh", "sshd", "vpn", "wifi", "wlan",
	"bluetooth", "usb", "grpc", "http", "https", "requests", "urllib3", "prisma", "sequelize", "pool" };

/* Who connects, and the words around him. Whatever is no plain word (an address, a number, a name in quotes) may stand there, too. */
static const char *const subjects[] = { "a", "an", "the", "this", "new", "one", "another", "client", "user", "peer", "remote", "server", "session", "consumer",
	"connection", "socket", "channel", "browser", "player", "device", "agent", "guest", "visitor", "member", "participant", "subscriber", "someone", "anonymous",
	"has", "have", "is", "was", "been", "got", "gets", "now", "just", "successfully", "unexpectedly", "suddenly", "with", "id", "from", "at", "by",
	"trace", "debug", "info", "notice", "warn", "warning", "error", "err", "critical", "fatal" };

static const char *const sequels[] = { "a", "as", "after", "again", "at", "because", "by", "client", "cleanly", "code", "due", "established", "event", "for",
	"gracefully", "id", "in", "normally", "now", "ok", "on", "opened", "peer", "successfully", "unexpectedly", "user", "via", "with", "without", "abnormally", "remote",
	"since", "and", "frame", "received", "status" };

static bool
is_one_of(struct span text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (words_at(text, 0, words[i]) > 0)
			return true;
	return false;
}

static bool
has_one_of(struct span text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (words_find(text, words[i]) > 0)
			return true;
	return false;
}

bool
words_name_websocket(struct span line)
{
	return has_one_of(line, websocket_names, ARRAY_LEN(websocket_names));
}

bool
words_name_other(struct span line)
{
	return has_one_of(line, other_names, ARRAY_LEN(other_names));
}

/* What a logger or a person puts between a tag and what is said: "[app] ", "INFO: ", "name - ", "\"msg\":\"". i: just behind it. */
static bool
is_end_of_tag(struct span s, size_t i)
{
	char c = s.p[i - 1], before = i > 1 ? s.p[i - 2] : ' ', behind = i < s.n ? s.p[i] : ' ';

	switch (c) {
	case '"': return before == ':' || before == '=';
	case '-': return before == ' ' && behind == ' ';
	case ':':
	case '|':
	case ']':
	case ')':
	case '>': return behind == ' ';
	default: return false;
	}
}

static bool
is_plain_word(struct span word)
{
	for (size_t i = 0; i < word.n; i++)
		if (!isalpha((unsigned char)word.p[i]) && !(i > 0 && i + 1 == word.n && strchr(",.:;!", word.p[i]) != NULL))
			return false;
	return word.n > 0;
}

bool
words_are_subject(struct span before)
{
	struct span rest = before, word;
	size_t i = before.n;

	while (i > 0 && !is_end_of_tag(before, i))
		i--;
	rest.p += i;
	rest.n -= i;
	while (span_next(&rest, ' ', &word))
		if (is_plain_word(word) && !is_one_of(word, subjects, ARRAY_LEN(subjects)))
			return false;
	return true;
}

bool
words_are_sequel(struct span behind)
{
	static const char *const states[] = { "true", "false", "yes", "no" };
	struct span rest = span_trim(behind), word = SPAN_NONE;

	if (behind.n == 0)
		return true;
	/* "connected: false" says how it is, not that it came about. */
	if (*behind.p == ':')
		return !is_one_of(span_trim((struct span){ behind.p + 1, behind.n - 1 }), states, ARRAY_LEN(states));
	if (*behind.p != ' ' && *behind.p != '\t')
		return *behind.p != '\0' && strchr(".,;!()[]{\"'", *behind.p) != NULL;
	if (rest.n > 0 && *rest.p == '=')
		return false;
	if (span_next(&rest, ' ', &word) && span_eq_ci(word, "from"))
		(void)span_next(&rest, ' ', &word);
	return !is_plain_word(word) || is_one_of(word, sequels, ARRAY_LEN(sequels));
}

bool
words_are_denied(struct span before, struct span behind)
{
	static const char *const noes[] = { "no", "zero", "without", "0" };
	static const char *const things[] = { "count", "counts", "counter", "rate", "ratio", "total", "handler", "handling", "callback" };
	struct span rest = span_trim(before);
	size_t i = rest.n;

	while (i > 0 && rest.p[i - 1] != ' ')
		i--;

	struct span last = { rest.p + i, rest.n - i };
	return is_one_of(last, noes, ARRAY_LEN(noes)) || is_one_of(span_trim(behind), things, ARRAY_LEN(things));
}

/* --- what it says --- */

/* The first number of digits digits that stands alone and is within bounds, 0: none. */
static int
number_in(struct span text, size_t digits, int min, int max)
{
	for (size_t i = 0; i < text.n; i++) {
		size_t n = 0;
		int v = 0;

		if (i > 0 && (is_wordy(text.p[i - 1]) || text.p[i - 1] == '.'))
			continue;
		while (i + n < text.n && n <= digits && isdigit((unsigned char)text.p[i + n]))
			v = v * 10 + (text.p[i + n++] - '0');
		if (n == digits && v >= min && v <= max && (i + n == text.n || !is_wordy(text.p[i + n])))
			return v;
	}
	return 0;
}

int
words_close_code(struct span text)
{
	return number_in(text, 4, 1000, 4999);
}

int64_t
words_delay(struct span text)
{
	size_t end = words_find(text, "in");
	char copy[24] = { 0 };

	if (end == 0)
		return -1;

	struct span rest = span_trim((struct span){ text.p + end, text.n - end });
	memcpy(copy, rest.p, MIN(rest.n, sizeof(copy) - 1));

	char *behind;
	double v = strtod(copy, &behind);
	if (behind == copy || !(v >= 0 && v < 1e9) || !isdigit((unsigned char)copy[0]))
		return -1;
	behind += strspn(behind, " ");
	if (behind[0] == 'm' && behind[1] == 's')
		v /= 1000;
	else if (behind[0] != 's')
		return -1;
	return (int64_t)(v * 1e6 + 0.5);
}

static int
hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte; how many characters it took. */
static size_t
python_byte(struct span s, uint8_t *ret)
{
	static const char from[] = "nrt", to[] = "\n\r\t";

	*ret = (uint8_t)s.p[0];
	if (s.p[0] != '\\' || s.n < 2)
		return 1;
	if (s.p[1] == 'x' && s.n >= 4 && hex(s.p[2]) >= 0 && hex(s.p[3]) >= 0) {
		*ret = (uint8_t)(hex(s.p[2]) << 4 | hex(s.p[3]));
		return 4;
	}
	const char *found = s.p[1] != '\0' ? strchr(from, s.p[1]) : NULL;
	*ret = (uint8_t)(found != NULL ? to[found - from] : s.p[1]);
	return 2;
}

size_t
words_python_bytes(struct span s, uint8_t *ret, size_t max)
{
	size_t n = 0;

	if (s.n < 3 || s.p[0] != 'b' || (s.p[1] != '\'' && s.p[1] != '"'))
		return 0;
	for (size_t at = 2; n < max && at < s.n && s.p[at] != s.p[1]; n++)
		at += python_byte((struct span){ s.p + at, s.n - at }, &ret[n]);
	return n;
}

struct words_error
words_of_error(struct span text)
{
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		size_t end = words_find(text, errors[i].words);

		if (end == 0)
			continue;

		struct words_error e = { .cause = errors[i].cause, .by = errors[i].by, .is_dial = errors[i].stage != STAGE_OPEN, .stage = errors[i].stage };
		if (e.cause == CAUSE_HTTP_REFUSED)
			e.status = number_in((struct span){ text.p + end, text.n - end }, 3, 100, 599);
		return e;
	}
	return (struct words_error){ .cause = CAUSE_NONE };
}
