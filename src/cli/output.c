/* SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include "base/escape.h"
#include "cli/exit_status.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of each message with --log-messages data: a log is read by people. */
enum { LOG_DATA_MAX = 64 * 1024 };

static const char *const message_choices[] = { "meta", "none", "data", NULL };
static const char *const time_choices[] = { "auto", "local", "iso", "relative", "none", NULL };
static const char *const colour_choices[] = { "auto", "always", "never", NULL };

#define AT(member) offsetof(struct output_options, member)
const struct option output_rows[] = {
	{ .name = "json", .kind = OPT_FLAG, .offset = AT(json), .help = "events and messages as JSON lines on stdout" },
	{ .name = "log", .kind = OPT_TEXT, .offset = AT(log), .argument = "FILE", .complete = "file",
	    .help = "append events to FILE as JSON lines, see wsdiag-log(5)" },
	{ .name = "log-messages", .kind = OPT_CHOICE, .offset = AT(log_messages), .choices = message_choices,
	    .help = "messages in the log: their size, not at all, or with the first 64 KiB of their data (default meta)" },
	{ .name = "time", .kind = OPT_CHOICE, .offset = AT(time), .choices = time_choices,
	    .help = "time of events (default auto: local on a terminal, else ISO 8601 in UTC)" },
	{ .name = "color", .kind = OPT_CHOICE, .offset = AT(colour), .choices = colour_choices,
	    .help = "coloured events (default auto: on a terminal, unless NO_COLOR is set)" },
	{ .name = "quiet", .letter = 'q', .kind = OPT_FLAG, .offset = AT(quiet), .help = "no events on stderr" },
	{ .name = "verbose", .letter = 'v', .kind = OPT_COUNT, .offset = AT(verbose), .help = "HTTP heads and dials; -vv: every frame" },
	{ .name = "show-pings", .letter = 'P', .kind = OPT_FLAG, .offset = AT(show_pings), .help = "every ping and pong" },
	{ .name = "show-secrets", .kind = OPT_FLAG, .offset = AT(show_secrets),
	    .help = "do not hide credentials in events and logs" },
	{ 0 },
};
#undef AT

/* Blocking, also where someone made the terminal non-blocking; nobody is left to tell about an error. */
static void
write_stderr(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(STDERR_FILENO, p, n);

		if (done >= 0) {
			p += done;
			n -= (size_t)done;
		} else if (errno == EAGAIN) {
			struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };

			poll(&pfd, 1, -1);
		} else if (errno != EINTR) {
			return;
		}
	}
}

static void
human_line(void *arg UNUSED, const char *line, size_t n)
{
	write_stderr(line, n);
}

void
output_say(struct span text)
{
	write_stderr(text.p, text.n);
}

void
output_complain(const char *fmt, ...)
{
	char text[1024];
	struct buf line CLEANUP(buf_deinit) = { 0 };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_puts(&line, "wsdiag: ");
	/* What was quoted in the sentence may have been escaped already. */
	struct span rest = span_of(text), part;
	for (bool first = true; span_next(&rest, '\\', &part); first = false) {
		if (!first)
			buf_putc(&line, '\\');
		escape_text(&line, part, 0);
	}
	buf_putc(&line, '\n');
	write_stderr((const char *)buf_head(&line), line.len);
}

/* Where human lines go it garbles nothing: a prompt may stand there. */
static void
log_trouble(void *arg, const char *path, int err)
{
	const struct output_lines *to = arg;
	char *text CLEANUP(free_charp) = xasprintf("--log %s: %s; lines are missing from it (told once)", path, strerror(-err));
	struct buf line CLEANUP(buf_deinit) = { 0 };

	if (to->human == NULL) {
		output_complain("%s", text);
		return;
	}
	buf_puts(&line, "wsdiag: ");
	escape_text(&line, span_of(text), 0);
	buf_putc(&line, '\n');
	to->human(to->human_arg, buf_cstr(&line), line.len);
}

/* Heads with -v, frames with -vv, in every rendering. */
static event_mask
wanted_by_verbosity(unsigned verbose)
{
	event_mask wants = EVENT_ALL & ~EVENT_VERBOSE;

	if (verbose >= 1)
		wants |= EVENT_BIT(EV_HEAD);
	if (verbose >= 2)
		wants |= EVENT_BIT(EV_FRAME);
	return wants;
}

/* Messages are on stdout; a person need not hear of what always happens. Pings: the sink itself knows which matter. */
static event_mask
wanted_by_people(const struct output_options *opt)
{
	event_mask wants = wanted_by_verbosity(opt->verbose) & ~EVENT_BIT(EV_MESSAGE);

	if (opt->verbose == 0)
		wants &= ~(EVENT_BIT(EV_DIAL) | EVENT_BIT(EV_GONE));
	if (!opt->show_pings)
		wants &= ~EVENT_BIT(EV_PONG);
	return wants;
}

static struct sink *
open_human(const struct output_options *opt, const struct output_lines *to)
{
	bool is_terminal = terminal_is(STDERR_FILENO);
	enum time_style by_terminal = is_terminal ? TIME_LOCAL : TIME_ISO;
	struct human_options human = {
		.wants = wanted_by_people(opt),
		.show_secrets = opt->show_secrets,
		.colour = terminal_wants_colour(STDERR_FILENO, (enum colour_when)opt->colour),
		.time = opt->time == 0 ? by_terminal : (enum time_style)(opt->time - 1),
		.columns = terminal_columns(STDERR_FILENO),
		.show_pings = opt->show_pings,
	};

	return sink_human_new(&human, to->human != NULL ? to->human : human_line, to->human_arg);
}

static int
open_log(const struct output_options *opt, struct journal *j, const struct output_lines *to)
{
	struct json_options json = {
		.wants = wanted_by_verbosity(opt->verbose),
		.show_secrets = opt->show_secrets,
		.message_data = opt->log_messages == LOG_MESSAGES_DATA,
		.data_max = LOG_DATA_MAX,
	};
	struct sink *s;

	if (opt->log_messages == LOG_MESSAGES_NONE)
		json.wants &= ~EVENT_BIT(EV_MESSAGE);
	int err = sink_file_new(opt->log, &json, log_trouble, (void *)to, &s);
	if (err < 0) {
		output_complain("--log %s: %s", opt->log, strerror(-err));
		return EXIT_INPUT;
	}
	journal_add(j, s);
	return 0;
}

int
output_open(const struct output_options *opt, struct journal *j, const struct output_lines *to, struct sink **ret_human)
{
	struct sink *human = NULL;

	if (opt->json) {
		struct json_options json = {
			.wants = wanted_by_verbosity(opt->verbose),
			.show_secrets = opt->show_secrets,
			.message_data = true,
		};

		journal_add(j, sink_json_new(&json, to->json, to->json_arg));
	} else if (!opt->quiet) {
		human = open_human(opt, to);
		journal_add(j, human);
	}
	if (opt->log != NULL) {
		int status = open_log(opt, j, to);

		if (status != 0)
			return status;
	}
	*ret_human = human;
	return 0;
}

size_t
output_capture(const struct output_options *opt, uint64_t max_message)
{
	uint64_t n = 0;

	if (opt->json)
		n = max_message;
	else if (opt->log != NULL && opt->log_messages == LOG_MESSAGES_DATA)
		n = max_message > 0 ? MIN(max_message, (uint64_t)LOG_DATA_MAX) : LOG_DATA_MAX;
	return (size_t)MIN(n, (uint64_t)SIZE_MAX);
}
