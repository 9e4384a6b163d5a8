/* SPDX-License-Identifier: Apache-2.0 */
/* Tests that the file server notes a process's locked ranges as Linux does. */
#include "helpers/files/ranges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BYTES = 24, CHANGES = 20000 };

/* Finds in /proc/self/fdinfo what the kernel has: "lock: 1: OFDLCK ADVISORY WRITE -1 08:01:5 2 EOF"
 */
static size_t kernel_ranges(int fd, struct range *all, size_t most)
{
	char name[64], line[256], type[8], last[24];
	long long first;
	size_t count = 0;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	FILE *info = fopen(name, "re");
	assert_non_null(info);
	while (fgets(line, sizeof(line), info)) {
		if (sscanf(line, "lock: %*d: OFDLCK ADVISORY %7s %*d %*s %lld %23s", type, &first,
			   last) != 3)
			continue;
		assert_true(count < most);
		all[count++] = (struct range){first, strcmp(last, "EOF") ? atoll(last) : INT64_MAX,
					      strcmp(type, "WRITE") ? F_RDLCK : F_WRLCK};
	}
	fclose(info);
	return count;
}

static int in_order(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void are_those_of_the_kernel(void **state)
{
	const short types[] = {F_RDLCK, F_WRLCK, F_UNLCK};
	char name[] = "/tmp/ranges-XXXXXX";
	int fd = mkstemp(name);
	struct ranges now = {0}, after;
	struct range real[BYTES + 2];

	(void)state;
	assert_true(fd >= 0);
	unlink(name);
	srand(1);
	for (int i = 0; i < CHANGES; i++) {
		off_t start = rand() % BYTES;
		off_t length = rand() % 8 ? rand() % (BYTES - start) + 1 : 0;
		struct flock f = {.l_type = types[rand() % 3],
				  .l_whence = SEEK_SET,
				  .l_start = start,
				  .l_len = length};

		assert_int_equal(
			ranges_change(&now,
				      (struct range){start, length ? start + length - 1 : INT64_MAX,
						     f.l_type},
				      &after),
			0);
		assert_int_equal(fcntl(fd, F_OFD_SETLK, &f), 0);
		free(now.all);
		now = after;
		size_t count = kernel_ranges(fd, real, BYTES + 2);
		qsort(real, count, sizeof(*real), in_order);
		assert_int_equal(now.count, count);
		for (size_t k = 0; k < count; k++) {
			assert_int_equal(now.all[k].start, real[k].start);
			assert_int_equal(now.all[k].end, real[k].end);
			assert_int_equal(now.all[k].type, real[k].type);
		}
	}
	free(now.all);
	close(fd);
}

static void is_first(const struct ranges *ranges, off_t start, off_t end, off_t first_end,
		     short type)
{
	struct range part = ranges_first(ranges, (struct range){start, end, F_UNLCK});

	assert_int_equal(part.start, start);
	assert_int_equal(part.end, first_end);
	assert_int_equal(part.type, type);
}

static void have_parts(void **state)
{
	struct range all[] = {{2, 4, F_RDLCK}, {5, 5, F_WRLCK}, {9, INT64_MAX, F_RDLCK}};
	struct ranges ranges = {all, 3}, none = {0};

	(void)state;
	is_first(&none, 0, INT64_MAX, INT64_MAX, F_UNLCK);
	is_first(&ranges, 0, INT64_MAX, 1, F_UNLCK);
	is_first(&ranges, 0, 1, 1, F_UNLCK);
	is_first(&ranges, 2, 3, 3, F_RDLCK);
	is_first(&ranges, 3, 7, 4, F_RDLCK);
	is_first(&ranges, 5, 7, 5, F_WRLCK);
	is_first(&ranges, 6, 7, 7, F_UNLCK);
	is_first(&ranges, 6, INT64_MAX, 8, F_UNLCK);
	is_first(&ranges, 100, INT64_MAX, INT64_MAX, F_RDLCK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(are_those_of_the_kernel),
		cmocka_unit_test(have_parts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("files: ranges", tests, NULL, NULL);
}
