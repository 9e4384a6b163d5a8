/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest reads the time once, at its boot. After that its clock runs by Xen's, which knows nothing
 * of what the host does to its own clock. One CLOCK at a time is on the way: a guest that is paused
 * or busy finds one old time, not many, and gets the right one after its answer.
 */
#include "clock.h"

#include "container.h"
#include "execs.h"

#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* The guest slews a difference of up to this, so a CLOCK that took no longer is good enough. */
#define LATE_MS 500
/*
 * NTP slews by at most 500 ppm, which is 30 ms in this time. A CLOCK for that only goes along with
 * other frames: a quiet container costs no wake-up.
 */
#define DRIFT_MS 60000

/*
 * The time-out itself means nothing. It is the last that fits into every kernel's time_t: from 2038
 * on, it passes at once, which costs one CLOCK.
 */
bool clock_watch(void)
{
	static const struct itimerspec last = {.it_value.tv_sec = INT32_MAX};
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0 ||
	    timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &last, NULL) < 0)
		return false;
	container.clock.set = fd;
	return true;
}

/* The read fails by ECANCELED, and sets the descriptor back (timerfd_create(2)). */
void clock_was_set(void)
{
	uint64_t expirations;

	(void)!read(container.clock.set, &expirations, sizeof(expirations));
	container.clock.owed = true;
}

static bool drifted(int64_t now)
{
	return now - container.clock.sent >= DRIFT_MS && (container.outbox.used > 0 || execs_owe());
}

bool clock_owes(void)
{
	return container.hello && container.clock.owed && !container.clock.asked;
}

void clock_tell(int64_t now)
{
	uint8_t payload[WIRE_CLOCK_LENGTH];
	struct timespec time;

	if (!container.hello || container.clock.asked || !outbox_has_room(&container.outbox) ||
	    !(container.clock.owed || drifted(now)))
		return;
	clock_gettime(CLOCK_REALTIME, &time);
	wire_put32(payload, (uint32_t)time.tv_sec);
	wire_put32(payload + 4, (uint32_t)((uint64_t)time.tv_sec >> 32));
	wire_put32(payload + 8, (uint32_t)time.tv_nsec);
	outbox_put_room(&container.outbox, WIRE_CLOCK, 0, 0, payload, sizeof(payload));
	container.clock.sent = now;
	container.clock.owed = false;
	container.clock.asked = true;
}

bool clock_answered(int64_t now)
{
	if (!container.clock.asked)
		return false;
	container.clock.asked = false;
	if (now - container.clock.sent > LATE_MS)
		container.clock.owed = true;
	return true;
}
