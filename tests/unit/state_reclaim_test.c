/* state: what is alive, what is reclaimed, by whom, and what is not ours to touch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "state_room.h"

/* ---- life and death -------------------------------------------------------------------------------- */

static void living_run_is_left_alone(void **state)
{
    struct room *room = *state;
    struct seen seen = { 0 };
    struct err err = ERR_INIT;
    _cleanup_buf_ struct buf text = BUF_INIT;
    unsigned reclaimed = 9, failed = 9;
    bool alive = false;
    pid_t pid = supervisor_start(room, "alive");

    for (int i = 0; i < 3; i++) {
        assert_int_equal(state_reclaim(room->state, see_record, &seen, &reclaimed, &failed, &err),
                         0);
        assert_int_equal(seen.calls + reclaimed + failed, 0);
    }
    assert_int_equal(state_read(room->state, "alive", &text, &alive, &err), 0);
    assert_true(alive);

    kill_and_reap(pid);
    assert_int_equal(state_read(room->state, "alive", &text, &alive, &err), 0);
    assert_false(alive);
    assert_int_equal(state_visit(room->state, see_visit, &seen, &err), 0);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.alive, 0);
    assert_int_equal(state_reclaim(room->state, see_record, &seen, &reclaimed, &failed, &err), 0);
    assert_int_equal(reclaimed, 1);
    assert_int_equal(failed, 0);
    assert_string_equal(seen.last, "alive");
    assert_int_equal(entries(room), 0);
    assert_int_equal(state_reclaim(room->state, see_record, &seen, &reclaimed, &failed, &err), 0);
    assert_int_equal(reclaimed, 0);
}

/* Whoever only looks keeps nobody from reclaiming. */
static int reclaim_inside(void *data, const char *name, const char *text, bool alive)
{
    struct room *room = data;
    struct seen seen = { 0 };
    unsigned reclaimed, failed;

    (void)name, (void)text;
    assert_false(alive);
    assert_int_equal(state_reclaim(room->state, see_record, &seen, &reclaimed, &failed, NULL), 0);
    assert_int_equal(reclaimed, 1);
    return 0;
}

static void looking_does_not_lock(void **state)
{
    struct room *room = *state;

    dead_record(room, "seen");
    assert_int_equal(state_visit(room->state, reclaim_inside, room, NULL), 0);
    assert_int_equal(entries(room), 0);
}

static void failed_reclaim_is_tried_again(void **state)
{
    struct room *room = *state;
    struct seen seen = { .result = -EBUSY };
    struct err err = ERR_INIT;
    unsigned reclaimed, failed;

    dead_record(room, "stuck");
    dead_record(room, "stuck2");
    assert_int_equal(state_reclaim(room->state, see_record, &seen, &reclaimed, &failed, &err), 0);
    assert_int_equal(seen.calls, 2); /* the first failure did not stop the second */
    assert_int_equal(reclaimed, 0);
    assert_int_equal(failed, 2);
    assert_int_equal(err.code, EBUSY);
    assert_non_null(strstr(err.text, "cannot undo 'stuck"));
    assert_int_equal(entries(room), 2);
    seen.result = 0;
    assert_int_equal(state_reclaim(room->state, see_record, &seen, &reclaimed, &failed, &err), 0);
    assert_int_equal(reclaimed, 2);
    assert_int_equal(entries(room), 0);
}

#define RECLAIMERS 4
#define RECORDS    40

static int tell_reclaim(void *data, const char *name, const char *text, struct err *err)
{
    unsigned char number = (unsigned char)atoi(name + 1);

    (void)text, (void)err;
    CHECK(write(*(int *)data, &number, 1) == 1);
    sched_yield(); /* hold the lock while others come by */
    return 0;
}

static void concurrent_reclaimers_share_the_work(void **state)
{
    struct room *room = *state;
    unsigned char times[RECORDS] = { 0 }, number;
    int gate[2], told[2];
    pid_t pids[RECLAIMERS];
    struct record *record;

    for (unsigned i = 0; i < RECORDS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "r%u", i);
        assert_int_equal(record_create(room->state, name, GROUPS, &record, NULL), 0);
        record_close(record);
    }
    assert_int_equal(pipe(gate), 0);
    assert_int_equal(pipe(told), 0);
    for (unsigned i = 0; i < RECLAIMERS; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            unsigned reclaimed, failed;
            char byte;
            close(gate[1]);
            CHECK(read(gate[0], &byte, 1) == 0);
            CHECK(state_reclaim(room->state, tell_reclaim, &told[1], &reclaimed, &failed, NULL) ==
                  0);
            CHECK(failed == 0);
            _exit(0);
        }
    }
    close(gate[0]);
    close(gate[1]); /* go */
    close(told[1]);
    while (read(told[0], &number, 1) == 1) {
        assert_true(number < RECORDS);
        times[number]++;
    }
    close(told[0]);
    for (unsigned i = 0; i < RECLAIMERS; i++)
        child_succeeds(pids[i]);
    for (unsigned i = 0; i < RECORDS; i++)
        assert_int_equal(times[i], 1);
    assert_int_equal(entries(room), 0);
}

/* ---- what should not be there -------------------------------------------------------------------------- */

static int find_in_corrupt(void *data, const char *name, const char *text, struct err *err)
{
    char value[32];

    /* Finds its end, and never a NUL before it. */
    record_find(text, "group", value, sizeof(value));
    assert_false(record_find(text, "absent", value, sizeof(value)));
    if (strcmp(name, "truncated") == 0) {
        assert_true(record_find(text, "supervisor", value, sizeof(value)));
        assert_false(record_find(text, "group", value, sizeof(value)));
    }
    if (strcmp(name, "nuls") == 0)
        assert_string_equal(text, "supervisor 1\ngroup ????\nplanned\n");
    if (strcmp(name, "huge") == 0)
        assert_string_equal(text, "");
    return see_record(data, name, text, err);
}

static void corrupt_records_are_reclaimed(void **state)
{
    static const char nuls[] = "supervisor 1\ngroup \0\0\0\0\nplanned\n";
    static const unsigned char binary[] = {
        0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0xff, 0xfe, 0x80, '\n'
    };
    struct room *room = *state;
    _cleanup_buf_ struct buf deep = BUF_INIT;
    struct seen seen = { 0 };
    struct err err = ERR_INIT;
    unsigned reclaimed, failed;
    int fd = dir_fd(room);

    put(fd, "empty", "", 0);
    put(fd, "truncated", "supervisor 12\ngroup 2 uni", 25);
    put(fd, "nuls", nuls, sizeof(nuls) - 1);
    put(fd, "garbage", "}{ group%s%n\r\n\n\n  group x\n= ", 29);
    put(fd, "binary", binary, sizeof(binary));
    for (unsigned i = 0; i < 100000; i++)
        buf_puts(&deep, "group x\n");
    put(fd, "deep", deep.data, deep.len);
    put(fd, "huge", "", 0);
    int huge = openat(fd, "huge", O_WRONLY | O_CLOEXEC);
    assert_int_equal(ftruncate(huge, 1 << 30), 0); /* a hole: takes no room */
    close(huge);
    dead_record(room, "good");
    close(fd);

    assert_int_equal(state_visit(room->state, see_visit, &seen, &err), 0);
    assert_int_equal(seen.calls, 8);
    assert_int_equal(seen.alive, 0);
    seen.calls = 0;
    assert_int_equal(state_reclaim(room->state, find_in_corrupt, &seen, &reclaimed, &failed, &err),
                     0);
    assert_int_equal(seen.calls, 8);
    assert_int_equal(reclaimed, 8);
    assert_int_equal(failed, 0);
    assert_int_equal(entries(room), 0);
}

static void foreign_entries_are_not_touched(void **state)
{
    struct room *room = *state;
    struct seen seen = { 0 };
    struct err err = ERR_INIT;
    _cleanup_buf_ struct buf text = BUF_INIT;
    unsigned reclaimed, failed;
    bool alive;
    struct record *record;
    int fd = dir_fd(room);

    assert_int_equal(mkfifoat(fd, "fifo", 0600), 0);
    assert_int_equal(symlinkat("/etc/passwd", fd, "link"), 0);
    assert_int_equal(symlinkat("nowhere", fd, "dangling"), 0);
    assert_int_equal(symlinkat("loop", fd, "loop"), 0);
    assert_int_equal(mkdirat(fd, "directory", 0700), 0);
    put(fd, "with blank", "x", 1);
    put(fd, ".keep", "", 0);
    put(fd, ".new-1-0", "supervisor", 10); /* a killed call's: of nobody's run */
    dead_record(room, "good");

    assert_int_equal(state_visit(room->state, see_visit, &seen, &err), 0);
    assert_int_equal(seen.calls, 1);
    assert_string_equal(seen.last, "good");
    assert_int_equal(state_reclaim(room->state, see_record, &seen, &reclaimed, &failed, &err), 0);
    assert_int_equal(seen.calls, 2);
    assert_int_equal(reclaimed, 2);
    assert_int_equal(failed, 0);
    assert_int_equal(entries(room), 7);
    assert_int_equal(faccessat(fd, ".new-1-0", F_OK, AT_SYMLINK_NOFOLLOW), -1);
    assert_true(state_read(room->state, "fifo", &text, &alive, &err) < 0);
    assert_true(state_read(room->state, "link", &text, &alive, &err) < 0);
    assert_true(state_read(room->state, "directory", &text, &alive, &err) < 0);
    /* A name that such a thing has is taken. */
    assert_int_equal(record_create(room->state, "link", GROUPS, &record, &err), -EEXIST);
    close(fd);
}

/* Not to be able to look is a failure, not an absence. */
static void unopenable_record_counts_as_failed(void **state)
{
    struct room *room = *state;
    pid_t pid;

    dead_record(room, "unreadable");
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct seen seen = { 0 };
        struct err err = ERR_INIT;
        unsigned reclaimed, failed;
        deny(SYS_openat, 2, O_NOCTTY, EMFILE); /* as records are opened */
        CHECK(state_reclaim(room->state, see_record, &seen, &reclaimed, &failed, &err) == 0);
        CHECK(reclaimed == 0 && failed == 1 && seen.calls == 0);
        CHECK(err.code == EMFILE);
        CHECK(strstr(err.text, "unreadable") != NULL);
        _exit(0);
    }
    child_succeeds(pid);
    assert_int_equal(entries(room), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        room_test(living_run_is_left_alone),
        room_test(looking_does_not_lock),
        room_test(failed_reclaim_is_tried_again),
        room_test(concurrent_reclaimers_share_the_work),
        room_test(corrupt_records_are_reclaimed),
        room_test(foreign_entries_are_not_touched),
        room_test(unopenable_record_counts_as_failed),
    };

    return cmocka_run_group_tests_name("state_reclaim", tests, NULL, NULL);
}
