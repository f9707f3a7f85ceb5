/* state: records of containers, which outlive who made them; their gates; caches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "state_room.h"

static int containers_make(void **ret)
{
    struct room *room;
    struct err err = ERR_INIT;

    if (room_make(ret) < 0)
        return -1;
    room = *ret;
    state_close(room->state);
    return state_open_containers(room->path, &room->state, &err);
}

#define container_test(f) cmocka_unit_test_setup_teardown(f, containers_make, room_drop)

static void settled(struct room *room, const char *name, const char *lines)
{
    struct record *record;
    struct err err = ERR_INIT;

    assert_int_equal(record_begin(room->state, name, lines, &record, &err), 0);
    assert_int_equal(record_settle(record, &err), 0);
    record_close(record);
}

static unsigned reclaim(struct room *room, struct seen *seen)
{
    unsigned reclaimed = 9, failed = 9;

    assert_int_equal(
        state_reclaim_pending(room->state, see_record, seen, &reclaimed, &failed, NULL), 0);
    assert_int_equal(failed, seen->result < 0 ? seen->calls : 0);
    return reclaimed;
}

/* ---- the life of a record ---------------------------------------------------------------------------- */

static void record_of_a_container_stays(void **state)
{
    struct room *room = *state;
    struct record *record;
    struct err err = ERR_INIT;
    struct seen seen = { 0 };
    _cleanup_buf_ struct buf text = BUF_INIT;
    bool alive;
    char value[32];

    assert_int_equal(record_begin(room->state, "c1", GROUPS, &record, &err), 0);
    /* Being made: it is told apart, and nobody takes it for a dead one. */
    assert_int_equal(state_read(room->state, "c1", &text, &alive, &err), 1);
    assert_int_equal(reclaim(room, &seen), 0);
    assert_int_equal(seen.calls, 0);
    assert_int_equal(record_append(record, "container", "12 34", &err), 0);
    assert_int_equal(record_settle(record, &err), 0);
    assert_int_equal(record_append(record, "begun", "1", &err), 0);
    record_close(record);

    assert_int_equal(state_read(room->state, "c1", &text, &alive, &err), 0);
    assert_false(alive);
    assert_true(record_find(buf_text(&text), "container", value, sizeof(value)));
    assert_string_equal(value, "12 34");
    assert_true(record_find(buf_text(&text), "begun", value, sizeof(value)));
    /* With nobody at it, it is no dead call's. */
    assert_int_equal(reclaim(room, &seen), 0);
    assert_int_equal(seen.calls, 0);
    assert_int_equal(state_visit(room->state, see_visit, &seen, &err), 0);
    assert_int_equal(seen.calls, 1);
    assert_string_equal(seen.last, "c1");

    buf_reset(&text);
    assert_int_equal(record_open(room->state, "c1", 0, &record, &text, &err), 0);
    assert_non_null(strstr(buf_text(&text), "begun 1\n"));
    assert_int_equal(record_remove(record, &err), 0);
    assert_int_equal(record_open(room->state, "c1", 0, &record, &text, &err), -ENOENT);
    assert_string_equal(err.text, "container \"c1\" does not exist");
    assert_int_equal(state_read(room->state, "c1", &text, &alive, &err), -ENOENT);
}

static void released_is_taken_again_as_it_was(void **state)
{
    struct room *room = *state;
    struct record *record, *other;
    struct err err = ERR_INIT;
    _cleanup_buf_ struct buf text = BUF_INIT;

    assert_int_equal(record_begin(room->state, "c1", GROUPS, &record, &err), 0);
    assert_int_equal(record_settle(record, &err), 0);
    assert_int_equal(record_append(record, "begun", "1", &err), 0);
    record_release(record);
    assert_int_equal(record_open(room->state, "c1", 0, &other, &text, &err), 0);
    assert_int_equal(record_retake(record, 1000), -EBUSY);
    record_close(other);
    assert_int_equal(record_retake(record, 0), 0);
    assert_int_equal(record_open(room->state, "c1", 1000, &other, &text, &err), -EBUSY);
    record_release(record);

    assert_int_equal(record_open(room->state, "c1", 0, &other, &text, &err), 0);
    assert_int_equal(record_append(other, "limit", "memory 1m", &err), 0);
    record_close(other);
    assert_int_equal(record_retake(record, 0), -ESTALE);
    assert_int_equal(record_open(room->state, "c1", 0, &other, &text, &err), 0);
    assert_int_equal(record_remove(other, &err), 0);
    assert_int_equal(record_retake(record, 0), -ENOENT);
    record_close(record);
}

static void name_is_one_containers(void **state)
{
    struct room *room = *state;
    struct record *record, *second;
    struct err err = ERR_INIT;

    assert_int_equal(record_begin(room->state, "c1", GROUPS, &record, &err), 0);
    assert_int_equal(record_begin(room->state, "c1", GROUPS, &second, &err), -EEXIST);
    assert_string_equal(err.text, "container with given ID already exists: c1");
    assert_int_equal(record_settle(record, &err), 0);
    assert_int_equal(record_begin(room->state, "c1", GROUPS, &second, &err), -EEXIST);
    record_close(record);
    assert_int_equal(record_begin(room->state, "c1", GROUPS, &second, &err), -EEXIST);
    static const char *const bad_table[] = { "", ".x", "a/b", "..", "a b", "-x", "\n" };
    for (size_t i = 0; i < ARRAY_SIZE(bad_table); i++) {
        _cleanup_buf_ struct buf text = BUF_INIT;
        assert_int_equal(record_begin(room->state, bad_table[i], "", &second, &err), -EINVAL);
        assert_int_equal(record_open(room->state, bad_table[i], 0, &second, &text, &err), -ENOENT);
    }
    /* What lies there and is none of ours is not taken for a container, and not overwritten. */
    int fd = dir_fd(room);
    assert_int_equal(mkdirat(fd, "theirs", 0700), 0);
    close(fd);
    assert_int_equal(record_begin(room->state, "theirs", GROUPS, &second, &err), -EEXIST);
    _cleanup_buf_ struct buf text = BUF_INIT;
    assert_int_equal(record_open(room->state, "theirs", 0, &second, &text, &err), -ENOENT);
}

/* ---- killed calls -------------------------------------------------------------------------------------- */

static pid_t maker_start(struct room *room, const char *name, bool settle)
{
    int ready[2];
    char byte;

    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct record *record;
        CHECK(record_begin(room->state, name, GROUPS, &record, NULL) == 0);
        CHECK(!settle || record_settle(record, NULL) == 0);
        CHECK(write(ready[1], "r", 1) == 1);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void killed_making_is_reclaimed(void **state)
{
    struct room *room = *state;
    struct seen seen = { .result = -EBUSY };
    struct record *record;
    struct err err = ERR_INIT;
    _cleanup_buf_ struct buf text = BUF_INIT;
    bool alive;

    settled(room, "other", GROUPS);
    assert_int_equal(state_wait_pending(room->state, "other", 0), 0);
    pid_t pid = maker_start(room, "c0", false);
    assert_int_equal(state_wait_pending(room->state, "c0", 1000), -EBUSY);
    kill_and_reap(pid);
    assert_int_equal(state_wait_pending(room->state, "c0", 1000), 1);
    seen.result = 0;
    assert_int_equal(reclaim(room, &seen), 1);
    seen = (struct seen){ .result = -EBUSY };
    kill_and_reap(maker_start(room, "c1", false));
    /* A dead call's is no container. */
    assert_int_equal(state_read(room->state, "c1", &text, &alive, &err), -ENOENT);
    assert_int_equal(record_begin(room->state, "c1", GROUPS, &record, &err), -EEXIST);
    assert_int_equal(reclaim(room, &seen), 0); /* something remains: so does the record */
    seen = (struct seen){ 0 };
    assert_int_equal(reclaim(room, &seen), 1);
    assert_string_equal(seen.last, "c1");
    assert_int_equal(reclaim(room, &seen), 0);
    assert_int_equal(record_begin(room->state, "c1", GROUPS, &record, &err), 0);
    assert_int_equal(record_remove(record, &err), 0);
    /* Killed when it was settled: a container. */
    kill_and_reap(maker_start(room, "c2", true));
    seen = (struct seen){ 0 };
    assert_int_equal(reclaim(room, &seen), 0);
    assert_int_equal(seen.calls, 0);
    assert_int_equal(state_read(room->state, "c2", &text, &alive, &err), 0);
}

static void lock_is_waited_for(void **state)
{
    struct room *room = *state;
    struct record *record;
    struct err err = ERR_INIT;
    _cleanup_buf_ struct buf text = BUF_INIT;
    pid_t pid = maker_start(room, "c1", true);

    assert_int_equal(record_open(room->state, "c1", 1000, &record, &text, &err), -EBUSY);
    assert_non_null(strstr(err.text, "in use"));
    kill_and_reap(pid);
    assert_int_equal(record_open(room->state, "c1", 1000, &record, &text, &err), 0);
    record_close(record);
}

/* The container's process may hold what it inherited of its maker's files for a moment longer. */
static void lock_goes_with_its_holder(void **state)
{
    struct room *room = *state;
    struct record *record;
    struct err err = ERR_INIT;
    _cleanup_buf_ struct buf text = BUF_INIT;

    assert_int_equal(record_begin(room->state, "c1", GROUPS, &record, &err), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        for (;;)
            pause();
    assert_int_equal(record_settle(record, &err), 0);
    record_close(record);
    assert_int_equal(record_open(room->state, "c1", 0, &record, &text, &err), 0);
    record_close(record);
    kill_and_reap(pid);
}

/* ---- damage ---------------------------------------------------------------------------------------------- */

static void damaged_record_is_opened(void **state)
{
    struct room *room = *state;
    struct err err = ERR_INIT;
    struct record *record;
    char value[32];
    int fd = dir_fd(room);

    put(fd, "empty", "", 0);
    put(fd, "nuls", "a\0b\0\n", 5);
    put(fd, "torn", "container 1 2\nbeg", 17);
    put(fd, "huge", "", 0);
    int huge = openat(fd, "huge", O_WRONLY | O_CLOEXEC);
    assert_int_equal(ftruncate(huge, INT64_C(1) << 32), 0);
    close(huge);
    static const char *const name_table[] = { "empty", "nuls", "torn", "huge" };
    for (size_t i = 0; i < ARRAY_SIZE(name_table); i++) {
        _cleanup_buf_ struct buf text = BUF_INIT;
        assert_int_equal(record_open(room->state, name_table[i], 0, &record, &text, &err), 0);
        assert_int_equal(text.len, strlen(buf_text(&text)));
        if (strcmp(name_table[i], "torn") == 0) {
            /* What is added does not become part of half a line. */
            assert_int_equal(record_append(record, "begun", "7", &err), 0);
            record_close(record);
            assert_int_equal(record_open(room->state, "torn", 0, &record, &text, &err), 0);
            assert_true(record_find(buf_text(&text), "begun", value, sizeof(value)));
            assert_string_equal(value, "7");
        }
        assert_int_equal(record_remove(record, &err), 0);
    }
    close(fd);
}

static void brief_account_goes_with_the_record(void **state)
{
    struct room *room = *state;
    struct err err = ERR_INIT;
    struct record *record;
    char text[64], small[4];

    assert_false(state_read_brief(room->state, "c1", text, sizeof(text)));
    for (int round = 0; round < 2; round++) {
        assert_int_equal(record_begin(room->state, "c1", GROUPS, &record, &err), 0);
        assert_int_equal(record_set_brief(record, "12 34 /a b", &err), 0);
        assert_int_equal(record_set_brief(record, "12 34 /a c", &err), 0);
        assert_int_equal(record_settle(record, &err), 0);
        assert_true(state_read_brief(room->state, "c1", text, sizeof(text)));
        assert_string_equal(text, "12 34 /a c");
        assert_false(state_read_brief(room->state, "c1", small, sizeof(small)));
        assert_int_equal(record_remove(record, &err), 0);
        assert_false(state_read_brief(room->state, "c1", text, sizeof(text)));
    }
    assert_false(state_read_brief(room->state, "../c1", text, sizeof(text)));
}

static void last_user_is_told(void **state)
{
    struct room *room = *state;
    struct err err = ERR_INIT;

    for (int round = 0; round < 2; round++) {
        assert_int_equal(state_use(room->state, "1-2", "a", &err), 0);
        assert_int_equal(state_use(room->state, "1-2", "a", &err), 0);
        assert_int_equal(state_use(room->state, "1-2", "b", &err), 0);
        assert_int_equal(state_use(room->state, "1-3", "c", &err), 0);
        assert_false(state_leave(room->state, "1-2", "a"));
        assert_false(state_leave(room->state, "1-2", "a"));
        assert_true(state_leave(room->state, "1-2", "b"));
        assert_true(state_leave(room->state, "1-2", "b"));
        assert_true(state_leave(room->state, "1-3", "c"));
    }
    assert_int_equal(state_use(room->state, "../x", "a", &err), -EINVAL);
    assert_int_equal(state_use(room->state, "x", "../a", &err), -EINVAL);
    assert_false(state_leave(room->state, "..", "a"));
}

/* What others may have put into the run directory is neither followed nor written to. */
static void strange_directories_are_not_used(void **state)
{
    static const char *const name_table[] = { ".brief", ".uses", ".pending" };
    struct room *room = *state;
    int dir_fd = open(state_path(room->state), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_int_equal(mkdirat(dir_fd, "elsewhere", 0700), 0);
    for (size_t i = 0; i < ARRAY_SIZE(name_table); i++)
        assert_int_equal(symlinkat("elsewhere", dir_fd, name_table[i]), 0);
    struct err err = ERR_INIT;
    struct record *record;
    char text[64];
    assert_true(record_begin(room->state, "c1", GROUPS, &record, &err) < 0);
    assert_int_equal(unlinkat(dir_fd, ".pending", 0), 0);
    assert_int_equal(record_begin(room->state, "c1", GROUPS, &record, NULL), 0);
    err = ERR_INIT;
    assert_true(record_set_brief(record, "12 34 /a b", &err) < 0);
    assert_non_null(strstr(err.text, ".brief/c1"));
    assert_false(state_read_brief(room->state, "c1", text, sizeof(text)));
    err = ERR_INIT;
    assert_true(state_use(room->state, "1-2", "c1", &err) < 0);
    assert_non_null(strstr(err.text, ".uses/1-2/c1"));
    assert_false(state_leave(room->state, "1-2", "c1"));
    record_remove_brief(room->state, "c1");
    assert_int_equal(record_remove(record, NULL), 0);
    /* Nothing was made in there. */
    assert_int_equal(unlinkat(dir_fd, "elsewhere", AT_REMOVEDIR), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(unlinkat(dir_fd, name_table[i], 0), 0);
    close(dir_fd);
}

/* ---- directories ------------------------------------------------------------------------------------------- */

static void directory_is_made_and_checked(void **state)
{
    struct room *room = *state;
    struct state *other = NULL;
    struct err err = ERR_INIT;
    char path[160];
    int fd;

    snprintf(path, sizeof(path), "%s/a/b/c", room->path);
    assert_int_equal(state_open_containers(path, &other, &err), 0);
    state_close(other);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(chmod(path, 0711), 0); /* as containerd makes them */
    assert_int_equal(state_open_containers(path, &other, &err), 0);
    assert_int_equal(state_cache(other, ".cache", &fd, &err), 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(fchmod(fd, 0770), 0);
    close(fd);
    assert_int_equal(state_cache(other, ".cache", &fd, &err), -EPERM);
    state_close(other);
    assert_int_equal(chmod(path, 0720), 0);
    assert_int_equal(state_open_containers(path, &other, &err), -EPERM);
    assert_int_equal(chmod(path, 0711), 0);
    assert_int_equal(state_open(path, false, &other, &err), -EPERM); /* runs are stricter */
}

/* ---- the gate ------------------------------------------------------------------------------------------------ */

static void gate_joins_two(void **state)
{
    struct room *room = *state;
    struct err err = ERR_INIT;
    struct seen seen = { 0 };
    struct state *other = NULL;
    char name[GATE_NAME_SIZE], second[GATE_NAME_SIZE], path[240], byte;
    int listening, connection;

    gate_name(name);
    gate_name(second);
    assert_string_not_equal(name, second);
    assert_int_equal(gate_connect(room->state, name, &connection, &err), -ENOENT);
    /* However long the path is. */
    snprintf(path, sizeof(path), "%s/%0100d", room->path, 1);
    assert_int_equal(state_open_containers(path, &other, &err), 0);
    assert_int_equal(gate_listen(other, name, &listening, &err), 0);
    assert_int_equal(gate_connect(other, name, &connection, &err), 0);
    int accepted = accept(listening, NULL, NULL);
    assert_true(accepted >= 0);
    assert_int_equal(write(connection, "!", 1), 1);
    assert_int_equal(read(accepted, &byte, 1), 1);
    close(connection);
    close(accepted);
    /* It is no record: reclaiming leaves it alone. */
    unsigned reclaimed, failed;
    assert_int_equal(state_reclaim_pending(other, see_record, &seen, &reclaimed, &failed, &err), 0);
    assert_int_equal(seen.calls + reclaimed + failed, 0);
    close(listening);
    assert_int_equal(gate_connect(other, name, &connection, &err), -ECONNREFUSED);
    gate_remove(other, name);
    assert_int_equal(gate_connect(other, name, &connection, &err), -ENOENT);
    /* Only gates are removed. */
    assert_int_equal(gate_listen(other, "../x", &listening, &err), -EINVAL);
    gate_remove(other, "../x");
    state_close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        container_test(record_of_a_container_stays),
        container_test(released_is_taken_again_as_it_was),
        container_test(name_is_one_containers),
        container_test(killed_making_is_reclaimed),
        container_test(lock_is_waited_for),
        container_test(lock_goes_with_its_holder),
        container_test(damaged_record_is_opened),
        container_test(brief_account_goes_with_the_record),
        container_test(last_user_is_told),
        container_test(strange_directories_are_not_used),
        container_test(directory_is_made_and_checked),
        container_test(gate_joins_two),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
