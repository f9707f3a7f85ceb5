/* state: one record, its name and its lines, the directory, and a disk that is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "state_room.h"

/* ---- one record -------------------------------------------------------------------------------------- */

static void record_lives_and_goes(void **state)
{
    struct room *room = *state;
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct err err = ERR_INIT;
    struct record *record;
    struct seen seen = { 0 };
    struct stat st;
    bool alive = false;
    char value[64], path[160];

    assert_string_equal(state_path(room->state), room->path);
    assert_int_equal(record_create(room->state, "one", GROUPS, &record, &err), 0);
    snprintf(path, sizeof(path), "%s/one", room->path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(record_append(record, "pid", "42", &err), 0);
    assert_int_equal(record_append(record, "pid", "43", &err), 0);
    assert_int_equal(record_append(record, "note", "", &err), 0);

    assert_int_equal(state_read(room->state, "one", &text, &alive, &err), 0);
    assert_true(alive);
    assert_true(record_find(buf_text(&text), "supervisor", value, sizeof(value)));
    assert_int_equal(atoi(value), getpid());
    assert_true(record_find(buf_text(&text), "started", value, sizeof(value)));
    assert_true(record_find(buf_text(&text), "group", value, sizeof(value)));
    assert_string_equal(value, "2 unified /sys/fs/cgroup ration-x");
    assert_true(record_find(buf_text(&text), "planned", value, sizeof(value)));
    assert_string_equal(value, "");
    assert_true(record_find(buf_text(&text), "pid", value, sizeof(value)));
    assert_string_equal(value, "43"); /* the last one counts */
    assert_true(record_find(buf_text(&text), "note", value, sizeof(value)));
    assert_false(record_find(buf_text(&text), "pi", value, sizeof(value)));

    assert_int_equal(state_visit(room->state, see_visit, &seen, &err), 0);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.alive, 1);

    assert_int_equal(record_remove(record, &err), 0);
    assert_int_equal(state_read(room->state, "one", &text, &alive, &err), -ENOENT);
    assert_non_null(strstr(err.text, "one"));
    assert_int_equal(entries(room), 0);
}

static void name_is_taken_once(void **state)
{
    struct room *room = *state;
    struct err err = ERR_INIT;
    struct record *first, *second;
    struct seen seen = { 0 };
    unsigned reclaimed, failed;

    assert_int_equal(record_create(room->state, "twice", GROUPS, &first, &err), 0);
    assert_int_equal(record_create(room->state, "twice", GROUPS, &second, &err), -EEXIST);
    assert_int_equal(err.code, EEXIST);
    assert_int_equal(err.class, ERR_REFUSED);
    assert_non_null(strstr(err.text, "--name twice"));
    assert_non_null(strstr(err.text, "exists already"));

    /* Left behind by a run that could not clean up: not called a living one. */
    record_close(first);
    assert_int_equal(record_create(room->state, "twice", GROUPS, &second, &err), -EEXIST);
    assert_non_null(strstr(err.text, "dead"));
    assert_int_equal(state_reclaim(room->state, see_record, &seen, &reclaimed, &failed, &err), 0);
    assert_int_equal(reclaimed, 1);
    assert_int_equal(record_create(room->state, "twice", GROUPS, &second, &err), 0);
    assert_int_equal(record_remove(second, &err), 0);
}

static void names_have_rules(void **state)
{
    struct room *room = *state;
    char long_name[10001], edge[130];
    static const char *const bad[] = { "",        "a/b",         "/",    "..",      ".",
                                       ".hidden", "../x",        "a b",  "a\n",     "-rm",
                                       "a,b",     "a\\b",        "a;b",  "a*",      "a%s",
                                       "\x01x",   "caf\xc3\xa9", "a\tb", ".new-1-0" };
    static const char *const good[] = {
        "a", "A-1_b.c", "0", "x..", "new-1", "_x", "+", "a+b", "__"
    };
    struct err err = ERR_INIT;
    struct record *record;
    bool alive;
    _cleanup_buf_ struct buf text = BUF_INIT;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_false(record_name_valid(bad[i]));
        assert_int_equal(record_create(room->state, bad[i], GROUPS, &record, &err), -EINVAL);
        assert_non_null(strstr(err.text, "--name"));
        assert_int_equal(err.class, ERR_USAGE);
        assert_int_equal(state_read(room->state, bad[i], &text, &alive, &err), -ENOENT);
    }
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_true(record_name_valid(good[i]));
    memset(edge, 'e', sizeof(edge));
    edge[129] = '\0';
    assert_int_equal(record_create(room->state, edge, GROUPS, &record, &err), -EINVAL);
    edge[128] = '\0';
    assert_int_equal(record_create(room->state, edge, GROUPS, &record, &err), 0);
    assert_int_equal(state_read(room->state, edge, &text, &alive, &err), 0);
    assert_int_equal(record_remove(record, &err), 0);
    memset(long_name, 'n', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    assert_int_equal(record_create(room->state, long_name, GROUPS, &record, &err), -EINVAL);
    assert_true(strlen(err.text) < 300);
    assert_int_equal(entries(room), 0);
}

static void values_are_one_line(void **state)
{
    struct room *room = *state;
    struct err err = ERR_INIT;
    struct record *record;
    _cleanup_buf_ struct buf text = BUF_INIT;
    bool alive;
    char value[64];

    /* A list of groups that lacks its last newline does not swallow what follows. */
    assert_int_equal(record_create(room->state, "line", "group a b", &record, &err), 0);
    assert_int_equal(record_append(record, "note", "a\ngroup 2 unified / user.slice", &err),
                     -EINVAL);
    assert_int_equal(record_append(record, "no te", "x", &err), -EINVAL);
    assert_int_equal(state_read(room->state, "line", &text, &alive, &err), 0);
    assert_true(record_find(buf_text(&text), "planned", value, sizeof(value)));
    assert_true(record_find(buf_text(&text), "group", value, sizeof(value)));
    assert_string_equal(value, "a b");
    assert_false(record_find(buf_text(&text), "note", value, sizeof(value)));
    assert_int_equal(record_remove(record, &err), 0);
}

static void torn_last_line_does_not_count(void **state)
{
    char value[64] = "untouched";

    (void)state;
    assert_true(record_find("pid 12\npid 13", "pid", value, sizeof(value)));
    assert_string_equal(value, "12");
    assert_false(record_find("planned", "planned", value, sizeof(value)));
    assert_true(record_find("planned\n", "planned", value, sizeof(value)));
    assert_false(record_find("", "pid", value, sizeof(value)));
    assert_false(record_find("\n\n\n", "pid", value, sizeof(value)));
}

/* A write that stops in the middle, as on a disk that has just become full. */
static void torn_append_is_taken_back(void **state)
{
    struct room *room = *state;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct record *record;
        struct err err = ERR_INIT;
        struct stat st;
        struct rlimit limit = { .rlim_max = RLIM_INFINITY };
        char path[160], value[64];
        struct buf text = BUF_INIT;
        bool alive;

        signal(SIGXFSZ, SIG_IGN);
        CHECK(record_create(room->state, "torn", GROUPS, &record, &err) == 0);
        snprintf(path, sizeof(path), "%s/torn", room->path);
        CHECK(stat(path, &st) == 0);
        CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
        limit.rlim_cur = (rlim_t)st.st_size + 8; /* "command 1" without its end */
        CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
        CHECK(record_append(record, "command", "1234", &err) == -EFBIG);
        CHECK(strstr(err.text, "torn") != NULL);
        CHECK(record_append(record, "pid", "5", &err) == 0);
        CHECK(state_read(room->state, "torn", &text, &alive, &err) == 0);
        CHECK(record_find(buf_text(&text), "pid", value, sizeof(value)));
        CHECK(strcmp(value, "5") == 0);
        CHECK(strstr(buf_text(&text), "command") == NULL);
        CHECK(record_remove(record, &err) == 0);
        _exit(0);
    }
    child_succeeds(pid);
    assert_int_equal(entries(room), 0);
}

/* ---- the directory ---------------------------------------------------------------------------------- */

static void directory_must_be_ours_alone(void **state)
{
    static const mode_t open_modes[] = { 0755, 0770, 0701, 0777, 01777, 0720 };
    struct room *room = *state;
    struct state *other = NULL;
    struct err err = ERR_INIT;
    char path[128];

    for (size_t i = 0; i < ARRAY_SIZE(open_modes); i++) {
        assert_int_equal(chmod(room->path, open_modes[i]), 0);
        assert_int_equal(state_open(room->path, false, &other, &err), -EPERM);
        assert_non_null(strstr(err.text, "chmod 700"));
        assert_non_null(strstr(err.text, room->path));
    }
    assert_int_equal(chmod(room->path, 0700), 0);
    assert_int_equal(state_open(room->path, false, &other, &err), 0);
    state_close(other);

    snprintf(path, sizeof(path), "%s/link", room->path);
    assert_int_equal(symlink(room->path, path), 0);
    assert_int_equal(state_open(path, false, &other, &err), -ENOTDIR);
    assert_non_null(strstr(err.text, "symbolic link"));
    assert_int_equal(unlink(path), 0);

    int fd = dir_fd(room);
    put(fd, "file", "", 0);
    close(fd);
    snprintf(path, sizeof(path), "%s/file", room->path);
    assert_int_equal(state_open(path, false, &other, &err), -ENOTDIR);
    snprintf(path, sizeof(path), "%s/no/where", room->path);
    assert_int_equal(state_open(path, false, &other, &err), -ENOENT);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(entries(room), 1);

    /* Another's: root gives its own away, others look at root's. */
    const char *foreign = "/";
    if (geteuid() == 0) {
        foreign = room->path;
        assert_int_equal(chown(room->path, 12345, (gid_t)-1), 0);
    }
    assert_int_equal(state_open(foreign, false, &other, &err), -EPERM);
    assert_non_null(strstr(err.text, "belongs to user"));
}

static void default_directory_is_found(void **state)
{
    struct room *room = *state;
    struct state *other = NULL;
    struct err err = ERR_INIT;
    char expected[128];

    assert_int_equal(setenv("XDG_RUNTIME_DIR", room->path, 1), 0);
    assert_int_equal(state_open(NULL, true, &other, &err), 0);
    snprintf(expected, sizeof(expected), "%s/ration", room->path);
    assert_string_equal(state_path(other), expected);
    state_close(other);
    assert_int_equal(rmdir(expected), 0);
    unsetenv("XDG_RUNTIME_DIR");
}

/* ---- a disk that is full, and a kernel that cannot ------------------------------------------------------- */

static void refused_and_nothing_left(struct room *room, int code)
{
    struct record *record = NULL;
    struct err err = ERR_INIT;

    CHECK(record_create(room->state, "full", GROUPS, &record, &err) == -code);
    CHECK(err.code == code);
    CHECK(strstr(err.text, "/full") != NULL);
    CHECK(strstr(err.text, err_name(code)) != NULL);
    CHECK(strchr(err.text, '\n') == NULL);
    CHECK(record == NULL);
}

static void file_size_limit_leaves_nothing(void **state)
{
    struct room *room = *state;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit none = { 0, 0 };
        signal(SIGXFSZ, SIG_IGN);
        CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0);
        refused_and_nothing_left(room, EFBIG);
        _exit(0);
    }
    child_succeeds(pid);
    assert_int_equal(entries(room), 0);
}

static void write_file(const char *path, const char *text)
{
    CHECK(file_write(AT_FDCWD, path, text) == 0);
}

/* Mounts of our own; who is not root gets them in a user namespace. */
static void own_mounts(void)
{
    unsigned uid = geteuid(), gid = getegid();
    char map[32];

    CHECK(unshare(CLONE_NEWNS | (uid != 0 ? CLONE_NEWUSER : 0)) == 0);
    if (uid != 0) {
        snprintf(map, sizeof(map), "%u %u 1", uid, uid);
        write_file("/proc/self/uid_map", map);
        write_file("/proc/self/setgroups", "deny");
        snprintf(map, sizeof(map), "%u %u 1", gid, gid);
        write_file("/proc/self/gid_map", map);
    }
    CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
}

static void full_disk_leaves_nothing(void **state)
{
    struct room *room = *state;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        char page[4096] = { 0 };
        struct room full = *room;
        struct record *record;

        own_mounts();
        CHECK(mount("ration-test", room->path, "tmpfs", 0, "size=8k,mode=700") == 0);
        CHECK(state_open(room->path, false, &full.state, NULL) == 0);
        int fd = open(room->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int file = openat(fd, "filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        while (write(file, page, sizeof(page)) > 0)
            ;
        close(file);
        refused_and_nothing_left(&full, ENOSPC);
        CHECK(entries(&full) == 1);
        CHECK(unlinkat(fd, "filler", 0) == 0);
        CHECK(record_create(full.state, "full", GROUPS, &record, NULL) == 0);
        CHECK(record_remove(record, NULL) == 0);
        _exit(0);
    }
    child_succeeds(pid);
    assert_int_equal(entries(room), 0);
}

/* The bit that O_TMPFILE has and O_DIRECTORY has not. */
#define TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)

/* What must hold however a record comes to its name. */
static void record_works(struct room *room)
{
    struct err err = ERR_INIT;
    struct record *record, *second;
    struct buf text = BUF_INIT;
    bool alive = false;
    struct seen seen = { 0 };
    unsigned reclaimed, failed;

    CHECK(record_create(room->state, "other-way", GROUPS, &record, &err) == 0);
    CHECK(record_create(room->state, "other-way", GROUPS, &second, &err) == -EEXIST);
    CHECK(state_read(room->state, "other-way", &text, &alive, &err) == 0);
    CHECK(alive);
    CHECK(strstr(buf_text(&text), GROUPS) != NULL);
    CHECK(state_reclaim(room->state, see_record, &seen, &reclaimed, &failed, &err) == 0);
    CHECK(reclaimed == 0);
    CHECK(record_append(record, "pid", "7", &err) == 0);
    CHECK(record_remove(record, &err) == 0);
    buf_done(&text);
}

static void record_is_made_without_unnamed_files(void **state)
{
    static const int codes[] = { EOPNOTSUPP, EISDIR, EINVAL };
    struct room *room = *state;
    int fd = dir_fd(room);
    char stale[32];

    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            struct record *record;
            deny(SYS_openat, 2, TMPFILE_BIT, codes[i]);
            CHECK(openat(fd, ".", O_TMPFILE | O_RDWR, 0600) < 0 && errno == codes[i]);
            /* A killed call with our process number left its temporary file. */
            snprintf(stale, sizeof(stale), ".new-%d-0", (int)getpid());
            CHECK(close(openat(fd, stale, O_CREAT | O_WRONLY, 0600)) == 0);
            CHECK(record_create(room->state, "first", GROUPS, &record, NULL) == 0);
            CHECK(record_remove(record, NULL) == 0);
            CHECK(unlinkat(fd, stale, 0) == 0);
            record_works(room);
            _exit(0);
        }
        child_succeeds(pid);
        assert_int_equal(entries(room), 0);
    }
    close(fd);
}

static void record_is_made_without_linking(void **state)
{
    struct room *room = *state;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        deny(SYS_linkat, 4, 0, ENOENT); /* no capability, and no /proc */
        record_works(room);
        _exit(0);
    }
    child_succeeds(pid);
    assert_int_equal(entries(room), 0);
}

static void other_way_leaves_nothing_on_a_full_disk(void **state)
{
    struct room *room = *state;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit none = { 0, 0 };
        deny(SYS_openat, 2, TMPFILE_BIT, EOPNOTSUPP);
        signal(SIGXFSZ, SIG_IGN);
        CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0);
        refused_and_nothing_left(room, EFBIG);
        _exit(0);
    }
    child_succeeds(pid);
    assert_int_equal(entries(room), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        room_test(record_lives_and_goes),
        room_test(name_is_taken_once),
        room_test(names_have_rules),
        room_test(values_are_one_line),
        room_test(torn_last_line_does_not_count),
        room_test(torn_append_is_taken_back),
        room_test(directory_must_be_ours_alone),
        room_test(default_directory_is_found),
        room_test(file_size_limit_leaves_nothing),
        room_test(full_disk_leaves_nothing),
        room_test(record_is_made_without_unnamed_files),
        room_test(record_is_made_without_linking),
        room_test(other_way_leaves_nothing_on_a_full_disk),
    };

    return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
