/* SPDX-License-Identifier: MIT */
/*
 * unit: what every unit test begins with. A test file lists its cases in one table and ends in UNIT_MAIN:
 *
 *	START_TEST(empty_text_is_valid) { ... } END_TEST
 *	UNIT_MAIN("utf8", empty_text_is_valid, ...)
 *
 * UNIT_LOOP_MAIN(name, n, ...) runs each case n times, with _i from 0. Check prints TAP, for meson.
 */
#ifndef WSDIAG_TESTS_UNIT_H
#define WSDIAG_TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>

static inline int
unit_run(const char *name, int times, const TTest *const *tests, size_t n)
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 60);
	for (size_t i = 0; i < n; i++)
		tcase_add_loop_test(tc, tests[i], 0, times);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define UNIT_MAIN(name, ...) UNIT_LOOP_MAIN(name, 1, __VA_ARGS__)

#define UNIT_LOOP_MAIN(name, times, ...)                                                                               \
	int main(void)                                                                                                 \
	{                                                                                                              \
		const TTest *const tests[] = { __VA_ARGS__ };                                                          \
		return unit_run(name, times, tests, sizeof(tests) / sizeof(tests[0]));                                 \
	}

#define ck_span_eq(s, text)                                                                                            \
	do {                                                                                                           \
		struct span span_ = (s);                                                                               \
		ck_assert_msg(span_eq(span_, text), "got \"%.*s\", expected \"%s\"", (int)span_.n, span_.p, text);     \
	} while (0)

#endif
