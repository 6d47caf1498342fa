/* SPDX-License-Identifier: MIT */
/*
 * filter_state: a filter's state, and what its files share. Internal to filter*.c:
 *
 *	filter.c         input, output, the end
 *	filter_script.c  the lines of --script, --run and --slash
 */
#ifndef WSDIAG_CONNECT_FILTER_STATE_H
#define WSDIAG_CONNECT_FILTER_STATE_H

#include "connect/console.h"
#include "connect/filter.h"

struct filter {
	const struct filter_options *opt;
	const struct filter_events *up;
	void *up_arg;
	struct loop *loop;
	struct journal *journal;
	struct session *session;
	struct framing_in in;
	struct framing_out out;
	struct fd_reader *reader;
	struct fd_writer *writer;
	struct console *console;   /* for scripts; NULL: none */
	uv_timer_t wait;
	int open_handles;          /* reader, writer, timer, session, console */
	bool has_begun, is_input_over, is_ended, has_told_separator, is_waiting;
	uint64_t last_heard_ms;
	int signal;
	int output_error;          /* positive errno */
	bool has_input_error, has_script_ended;
	int script_status;         /* of a line that failed; 0: none did */
	int status;
};

void filter_start_input(struct filter *f);

/* Makes the console where lines are to be done. */
void filter_open_console(struct filter *f);
/* After the first open. Whether there are lines to be done before input, if not instead of it. */
bool filter_start_script(struct filter *f);
/* With --slash every whole line goes through the console, so that their order stays; what is too long to be a line is a message. */
bool filter_take_line(struct filter *f, const void *data, size_t n);

#endif
