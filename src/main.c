/* SPDX-License-Identifier: MIT */
/* main: finds the command, runs it, turns its result into an exit status. */
#include "base/nearest.h"
#include "cli/exit_status.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/version.h"
#include "connect/command.h"
#include "demo/command.h"
#include "proxy/command.h"
#include "report/command.h"
#include "serve/command.h"
#include "tables.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const struct command *const commands[] = { &connect_command, &serve_command, &proxy_command, &report_command, &demo_command, NULL };

/*
 * A socket must never become descriptor 0, 1 or 2. Where one of them was closed it is opened the wrong way round, so that reading stdin and
 * writing stdout still fail (EBADF) as they would have.
 */
static void
fill_closed_descriptors(void)
{
	static const int modes[] = { [STDIN_FILENO] = O_WRONLY, [STDOUT_FILENO] = O_RDONLY, [STDERR_FILENO] = O_WRONLY };

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", modes[fd]) != fd)
			abort();
}

/* A shell's loop stops only when it sees the signal itself. */
static int
raise_again(int status)
{
	int sig = status - EXIT_SIGNAL;
	sigset_t set;

	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(sig);
	return status;
}

static int
print(int fd, const struct buf *text)
{
	const char *p = (const char *)buf_head(text);
	size_t left = text->len;

	while (left > 0) {
		ssize_t n = write(fd, p, left);

		if (n < 0 && errno == EPIPE)
			return EXIT_SIGNAL + SIGPIPE;
		if (n < 0 && errno != EINTR) {
			output_complain("stdout: %s", strerror(errno));
			return EXIT_OUTPUT;
		}
		p += MAX(n, 0);
		left -= (size_t)MAX(n, 0);
	}
	return EXIT_OK;
}

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; commands[i] != NULL; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static const char *
nearest_command(const char *typed)
{
	const char *names[ARRAY_LEN(commands)];

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		names[i] = commands[i] != NULL ? commands[i]->name : NULL;
	return nearest_word(typed, names);
}

static int
print_command_help(const struct command *cmd)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };

	help_command(&text, cmd, terminal_columns(STDOUT_FILENO));
	return print(STDOUT_FILENO, &text);
}

static int
print_help(const char *topic)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };

	if (topic == NULL) {
		help_overview(&text, commands, terminal_columns(STDOUT_FILENO));
		return print(STDOUT_FILENO, &text);
	}
	const struct command *cmd = find_command(topic);
	if (cmd != NULL)
		return print_command_help(cmd);
	const char *near = nearest_command(topic);
	output_complain("there is no command \"%s\"%s%s%s", topic, near != NULL ? "; did you mean " : "", near != NULL ? near : "",
	    near != NULL ? "?" : "");
	return EXIT_USAGE;
}

static int
print_usage_error(void)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };

	buf_puts(&text, "usage: wsdiag [options] URL\n       wsdiag COMMAND [options] [arguments]\ncommands:");
	for (size_t i = 0; commands[i] != NULL; i++)
		buf_printf(&text, " %s", commands[i]->name);
	buf_puts(&text, "; more: wsdiag --help\n");
	(void)print(STDERR_FILENO, &text);
	return EXIT_USAGE;
}

static int
print_version(void)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };

	buf_printf(&text, "wsdiag %s\n", version_program());
	version_libraries(&text);
	buf_putc(&text, '\n');
	return print(STDOUT_FILENO, &text);
}

static int
print_completion(const char *shell)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };

	if (shell == NULL || !help_completion(&text, shell, commands)) {
		output_complain("completion needs the name of a shell: bash, zsh or fish");
		return EXIT_USAGE;
	}
	return print(STDOUT_FILENO, &text);
}

static int
run_command(const struct command *cmd, char **argv, int argc)
{
	void *options = xcalloc(1, MAX(cmd->options_size, (size_t)1));
	struct buf error CLEANUP(buf_deinit) = { 0 };
	struct invocation inv;
	int status = option_parse(cmd, argv, argc, options, &inv, &error);

	if (status > 0) {
		status = print_command_help(cmd);
	} else if (status < 0) {
		output_complain("%s", buf_cstr(&error));
		status = EXIT_USAGE;
	} else {
		status = cmd->run(options, &inv);
		option_release(cmd, options, &inv);
	}
	free(options);
	return status;
}

/* What is no command is a URL or an option: both belong to connect. */
static int
dispatch(char **argv, int argc)
{
	const char *word = argc > 1 ? argv[1] : NULL, *next = argc > 2 ? argv[2] : NULL;
	struct buf dumped CLEANUP(buf_deinit) = { 0 };

	if (word == NULL)
		return print_usage_error();
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return print_help(NULL);
	if (strcmp(word, "--version") == 0)
		return print_version();
	if (strcmp(word, "help") == 0)
		return print_help(next);
	if (strcmp(word, "completion") == 0)
		return print_completion(next);
	if (tables_dump(word, commands, &dumped))
		return print(STDOUT_FILENO, &dumped);
	const struct command *cmd = find_command(word);
	return cmd != NULL ? run_command(cmd, argv + 2, argc - 2) : run_command(&connect_command, argv + 1, argc - 1);
}

int
main(int argc, char **argv)
{
	fill_closed_descriptors();
	/* write() tells: EPIPE, and EFBIG where a limit on the size of files (ulimit -f) stops a log. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	setlocale(LC_CTYPE, "");

	int status = dispatch(argv, argc);

	return status > EXIT_SIGNAL ? raise_again(status) : status;
}
