/*
 * What killed runs left is undone while our own COMMAND is at work, off its way. The supervisor is the one
 * that watches COMMAND's limits too, so it never waits here: what does not go at once is tried again by a
 * timer, and for the rest of a second when COMMAND has ended. Then it is left to the next call.
 */
#include <time.h>

#include "run/run_private.h"

#define PAUSE_FIRST_US 5000u
#define PAUSE_LAST_US  200000u
#define WHOLE_US       1000000u

static void reclaim_try(struct run *run)
{
    unsigned reclaimed;

    run->reclaim.again =
        engine_reclaim_state(run->engine, run->state, true, &reclaimed, NULL) < 0 &&
        clock_us(CLOCK_MONOTONIC) < run->reclaim.until_us;
    if (run->reclaim.pause_us < PAUSE_LAST_US)
        run->reclaim.pause_us *= 2;
}

static int reclaim_due(void *data)
{
    struct run *run = data;

    reclaim_try(run);
    if (run->reclaim.again)
        loop_arm(&run->loop, run->reclaim.timer, clock_us(CLOCK_MONOTONIC) + run->reclaim.pause_us);
    return 0;
}

int reclaim_begin(struct run *run)
{
    run->reclaim = (struct reclaim){ .pause_us = PAUSE_FIRST_US,
                                     .until_us = clock_us(CLOCK_MONOTONIC) + WHOLE_US };
    run->reclaim.timer = loop_add_timer(&run->loop, reclaim_due, run);
    return run->reclaim.timer < 0 ? run->reclaim.timer : reclaim_due(run);
}

void reclaim_end(struct run *run)
{
    while (run->reclaim.again) {
        const struct timespec pause = { 0, (long)run->reclaim.pause_us * 1000 };
        nanosleep(&pause, NULL);
        reclaim_try(run);
    }
}
