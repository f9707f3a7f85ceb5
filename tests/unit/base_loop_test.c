/* base: the event loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"

struct play {
    struct loop loop;
    char order[32]; /* a letter per callback, in the order in which they came */
    int slot, other_slot;
    int spare[2]; /* a socket pair that a callback may bring in */
};

static void play_note(struct play *play, char letter)
{
    size_t n = strlen(play->order);

    assert_true(n + 1 < sizeof(play->order));
    play->order[n] = letter;
}

static int on_a(void *data)
{
    play_note(data, 'a');
    return 0;
}

static int on_b(void *data)
{
    play_note(data, 'b');
    return 0;
}

static int on_stop(void *data)
{
    struct play *play = data;

    play_note(play, 's');
    loop_stop(&play->loop);
    return 0;
}

static int on_error(void *data)
{
    play_note(data, 'e');
    return -EPROTO;
}

static void timers_fire_in_time_s_order(void **state)
{
    struct play play = { 0 };
    uint64_t now = clock_us(CLOCK_MONOTONIC);

    (void)state;
    loop_init(&play.loop);
    int stop = loop_add_timer(&play.loop, on_stop, &play);
    int b = loop_add_timer(&play.loop, on_b, &play);
    int a = loop_add_timer(&play.loop, on_a, &play);
    int never = loop_add_timer(&play.loop, on_error, &play);
    /* All are due at once, as after a pause of this process: still first what was due first. */
    loop_arm(&play.loop, stop, now - 10);
    loop_arm(&play.loop, b, now - 20);
    loop_arm(&play.loop, a, now - 30);
    loop_arm(&play.loop, never, now - 40);
    loop_arm(&play.loop, never, UINT64_MAX);
    assert_int_equal(loop_run(&play.loop), 0);
    assert_string_equal(play.order, "abs");
    /* Each fires once. */
    loop_arm(&play.loop, stop, clock_us(CLOCK_MONOTONIC) + 2000);
    assert_int_equal(loop_run(&play.loop), 0);
    assert_string_equal(play.order, "abss");
}

static int on_again(void *data)
{
    struct play *play = data;

    play_note(play, 'r');
    if (strlen(play->order) == 5)
        loop_stop(&play->loop);
    loop_arm(&play->loop, play->slot, 0);
    return 0;
}

static void timer_may_arm_itself(void **state)
{
    struct play play = { 0 };

    (void)state;
    loop_init(&play.loop);
    play.slot = loop_add_timer(&play.loop, on_again, &play);
    loop_arm(&play.loop, play.slot, 0);
    assert_int_equal(loop_run(&play.loop), 0);
    assert_string_equal(play.order, "rrrrr");
}

static void loop_returns_a_callback_s_error(void **state)
{
    struct play play = { 0 };

    (void)state;
    loop_init(&play.loop);
    loop_arm(&play.loop, loop_add_timer(&play.loop, on_error, &play), 1);
    loop_arm(&play.loop, loop_add_timer(&play.loop, on_a, &play), 2);
    assert_int_equal(loop_run(&play.loop), -EPROTO);
    assert_string_equal(play.order, "e");
}

static int on_read(void *data, int fd, short revents)
{
    struct play *play = data;
    char letter = '?';

    assert_true(revents & POLLIN);
    assert_int_equal(read(fd, &letter, 1), 1);
    play_note(play, letter);
    if (letter == 's')
        loop_stop(&play->loop);
    return letter == 'e' ? -EPROTO : 0;
}

static void loop_watches_descriptors(void **state)
{
    struct play play = { 0 };
    int one[2], two[2];

    (void)state;
    assert_int_equal(pipe(one), 0);
    assert_int_equal(pipe(two), 0);
    loop_init(&play.loop);
    int slot = loop_add_fd(&play.loop, one[0], POLLIN, on_read, &play);
    int other = loop_add_fd(&play.loop, two[0], POLLIN, on_read, &play);
    assert_int_equal(write(one[1], "12s", 3), 3);
    assert_int_equal(write(two[1], "x", 1), 1);
    loop_set_events(&play.loop, other, 0); /* not looked at for now */
    assert_int_equal(loop_run(&play.loop), 0);
    assert_string_equal(play.order, "12s");

    loop_set_events(&play.loop, other, POLLIN);
    loop_remove_fd(&play.loop, slot);
    assert_int_equal(write(one[1], "no", 2), 2);
    assert_int_equal(write(two[1], "e", 1), 1);
    assert_int_equal(loop_run(&play.loop), -EPROTO);
    assert_string_equal(play.order, "12sxe");
    loop_remove_fd(&play.loop, -1); /* as a failed add leaves it */
    close(one[0]), close(one[1]), close(two[0]), close(two[1]);
}

static int on_never(void *data, int fd, short revents)
{
    (void)fd, (void)revents;
    play_note(data, 'N');
    return 0;
}

/* Gives the other's slot to a descriptor that has nothing to say, under the same number. */
static int on_replace(void *data, int fd, short revents)
{
    struct play *play = data;
    char letter;

    (void)revents;
    assert_int_equal(read(fd, &letter, 1), 1);
    play_note(play, letter);
    int number = play->loop.watch[play->other_slot].fd;
    loop_remove_fd(&play->loop, play->other_slot);
    assert_int_equal(dup2(play->spare[0], number), number);
    assert_int_equal(loop_add_fd(&play->loop, number, POLLIN, on_never, play), play->other_slot);
    loop_arm(&play->loop, play->slot, 0);
    return 0;
}

static void slot_given_away_gets_no_old_event(void **state)
{
    struct play play = { 0 };
    int one[2], two[2];

    (void)state;
    assert_int_equal(pipe(one), 0);
    assert_int_equal(pipe(two), 0);
    assert_int_equal(pipe(play.spare), 0);
    loop_init(&play.loop);
    play.slot = loop_add_timer(&play.loop, on_stop, &play);
    loop_add_fd(&play.loop, one[0], POLLIN, on_replace, &play);
    play.other_slot = loop_add_fd(&play.loop, two[0], POLLIN, on_read, &play);
    assert_int_equal(write(one[1], "1", 1), 1);
    assert_int_equal(write(two[1], "2", 1), 1);
    assert_int_equal(loop_run(&play.loop), 0);
    assert_string_equal(play.order, "1s");
    close(one[0]), close(one[1]), close(two[0]), close(two[1]);
    close(play.spare[0]), close(play.spare[1]);
}

static void loop_says_when_it_is_full(void **state)
{
    struct play play = { 0 };

    (void)state;
    loop_init(&play.loop);
    for (int i = 0; i < LOOP_SLOTS; i++) {
        assert_true(loop_add_fd(&play.loop, 0, 0, on_never, &play) >= 0);
        assert_true(loop_add_timer(&play.loop, on_a, &play) >= 0);
    }
    assert_int_equal(loop_add_fd(&play.loop, 0, 0, on_never, &play), -ENOSPC);
    assert_int_equal(loop_add_timer(&play.loop, on_a, &play), -ENOSPC);
    loop_remove_fd(&play.loop, 7);
    assert_int_equal(loop_add_fd(&play.loop, 0, 0, on_never, &play), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_time_s_order),
        cmocka_unit_test(timer_may_arm_itself),
        cmocka_unit_test(loop_returns_a_callback_s_error),
        cmocka_unit_test(loop_watches_descriptors),
        cmocka_unit_test(slot_given_away_gets_no_old_event),
        cmocka_unit_test(loop_says_when_it_is_full),
    };

    return cmocka_run_group_tests_name("base_loop", tests, NULL, NULL);
}
