/* SPDX-License-Identifier: MIT */
/*
 * library_replay LIBRARY: a log of JSON lines comes on stdin; what the library's user would have heard goes to stdout, a line for each event:
 *
 *	lost	on_error
 */
#include "lifecycle/library.h"
#include "log/reader.h"

#include <stdio.h>

/* 1 at the end of the input, 2 for a line that is none of a log's. */
static int
feed_line(struct log_reader *r, struct library_model *m, char **line, size_t *size)
{
	struct buf out CLEANUP(buf_deinit) = { 0 };
	ssize_t n = getline(line, size, stdin);
	struct event ev;

	if (n < 0)
		return 1;
	switch (log_reader_line(r, (struct span){ *line, (size_t)n - 1 }, true, &ev)) {
	case LOG_EVENT:
		if (library_feed(m, &ev, &out))
			printf("%s\t%s\n", event_name(&ev), buf_cstr(&out));
		return 0;
	case LOG_UNREADABLE:
		fprintf(stderr, "library_replay: %s: %s", log_reader_error(r), *line);
		return 2;
	default:
		return 0;
	}
}

int
main(int argc, char **argv)
{
	struct buf error CLEANUP(buf_deinit) = { 0 };
	char *line CLEANUP(free_charp) = NULL;
	struct library library;
	size_t size = 0;
	int over;

	if (argc != 2 || library_parse(argv[1], &library, &error) < 0) {
		fprintf(stderr, "usage: library_replay LIBRARY\n%s\n", buf_cstr(&error));
		return 2;
	}

	struct log_reader *r = log_reader_new(LOG_LIFECYCLE);
	struct library_model *m = library_model_new(&library);

	do
		over = feed_line(r, m, &line, &size);
	while (over == 0);
	library_model_free(m);
	log_reader_free(r);
	return over - 1;
}
