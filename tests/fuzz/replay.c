/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target over every file of the directories given: the corpus as a test, without libFuzzer. */
#include "fuzz/fuzz.h"

#include "base/buf.h"

#include <dirent.h>

static int
replay_file(const char *path)
{
	struct buf data CLEANUP(buf_deinit) = { 0 };
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL) {
		perror(path);
		return -1;
	}
	while ((n = fread(buf_reserve(&data, 4096), 1, 4096, f)) > 0)
		buf_commit(&data, n);
	fclose(f);
	/* A copy of its exact size, so that sanitizers see a read past its end. */
	uint8_t *exact = xmalloc(data.len);

	for (size_t i = 0; i < data.len; i++)
		exact[i] = buf_head(&data)[i];
	LLVMFuzzerTestOneInput(exact, data.len);
	free(exact);
	return 0;
}

static int
replay_directory(const char *directory)
{
	DIR *d = opendir(directory);
	struct dirent *entry;
	int replayed = 0;

	if (d == NULL) {
		perror(directory);
		return -1;
	}
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		char *path CLEANUP(free_charp) = xasprintf("%s/%s", directory, entry->d_name);

		if (replay_file(path) < 0)
			break;
		replayed++;
	}
	closedir(d);
	printf("%s: %d inputs\n", directory, replayed);
	return entry == NULL && replayed > 0 ? 0 : -1;
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (replay_directory(argv[i]) < 0)
			return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
