/* SPDX-License-Identifier: Apache-2.0 */
/* Tests what the program vif tells a guest, without xenstore. */
#define main vif_main
#include "helpers/net/vif.c"
#undef main

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static jmp_buf end;
static char refusal[512];

void hotplug_open(void)
{
}

long hotplug_read(const char *name, char value[XENSTORE_VALUE + 1])
{
	(void)name;
	value[0] = '\0';
	return -1;
}

struct xenstore *hotplug_xenstore(void)
{
	return NULL;
}

bool hotplug_done(void)
{
	return true;
}

void hotplug_refuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(refusal, sizeof(refusal), format, args);
	va_end(args);
	longjmp(end, 1);
}

static void a_description_that_was_cut_is_not_told(void **state)
{
	static struct description d;

	(void)state;
	for (int i = 0; i < 1000 && !d.cut; i++)
		describe(&d, "route=10.%d.0.0/16 10.0.0.1\n", i);
	assert_true(d.cut);
	if (setjmp(end) == 0)
		tell_guest(&d);
	assert_non_null(strstr(refusal, "more addresses, routes and names than fit"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_description_that_was_cut_is_not_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vif", tests, NULL, NULL);
}
