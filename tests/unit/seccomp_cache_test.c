/* Compiled filters are kept in a directory, found again by their text, and made anew where they are broken. */
#include "seccomp_help.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FAIL(e) ((uint32_t)SECCOMP_RET_ERRNO | (e))
#define CALL    "mkdirat"

struct room {
    char path[64];
    int fd;
};

static int room_make(void **state)
{
    struct room *room = calloc(1, sizeof(*room));

    strcpy(room->path, "/tmp/ration-seccomp-XXXXXX");
    if (!mkdtemp(room->path))
        return -1;
    room->fd = open(room->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = room;
    return room->fd < 0 ? -1 : 0;
}

/* The files in the room but for "." and ".."; the last one's name, or all of them removed. */
static size_t room_files(const struct room *room, char *ret_name, bool empty)
{
    DIR *dir = opendir(room->path);
    struct dirent *entry;
    size_t n = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        n++;
        if (ret_name)
            snprintf(ret_name, 64, "%.63s", entry->d_name);
        if (empty && unlinkat(room->fd, entry->d_name, 0) < 0)
            unlinkat(room->fd, entry->d_name, AT_REMOVEDIR);
    }
    closedir(dir);
    return n;
}

static int room_done(void **state)
{
    struct room *room = *state;

    room_files(room, NULL, true);
    close(room->fd);
    int r = rmdir(room->path); /* fails when something was left that is not a plain file */
    free(room);
    return r;
}

/* Compile a policy of this text that answers CALL by an error number; what the program then says. */
static uint32_t ask(const struct room *room, const char *text, unsigned errno_value)
{
    struct help_rule rule = { .names = CALL, .action = SECCOMP_ERRNO, .errno_value = errno_value };
    struct help_policy policy;
    struct seccomp_program program;

    help_policy_make(&policy, SECCOMP_ALLOW, 0, "", &rule, 1);
    policy.policy.text = (char *)(uintptr_t)text;
    help_compile(&policy.policy, room->fd, &program);
    uint32_t answer = help_named(&program, seccomp_arch_native(), CALL, 0, 0, 0);
    seccomp_program_done(&program);
    help_policy_done(&policy);
    return answer;
}

/* The text alone decides: that is how one sees that the second time nothing was compiled. */
static void the_same_text_is_found_again(void **state)
{
    struct room *room = *state;

    assert_int_equal(ask(room, "{one}", 1), FAIL(1));
    assert_int_equal(room_files(room, NULL, false), 1);
    assert_int_equal(ask(room, "{one}", 2), FAIL(1));
    assert_int_equal(ask(room, "{two}", 2), FAIL(2));
    assert_int_equal(room_files(room, NULL, false), 2);
    assert_int_equal(ask(room, "{one}", 3), FAIL(1));
    assert_int_equal(ask(room, "", 4), FAIL(4));
    assert_int_equal(ask(room, "", 5), FAIL(4));
}

static void without_a_text_nothing_is_kept(void **state)
{
    struct room *room = *state;

    assert_int_equal(ask(room, NULL, 1), FAIL(1));
    assert_int_equal(room_files(room, NULL, false), 0);
}

/* Whatever byte is changed, wherever the file is cut: never a wrong answer, and the next call mends it. */
static void a_broken_file_is_made_anew(void **state)
{
    struct room *room = *state;
    char name[64];
    struct stat st;

    assert_int_equal(ask(room, "{one}", 1), FAIL(1));
    room_files(room, name, false);
    assert_int_equal(fstatat(room->fd, name, &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    for (off_t at = 0; at < st.st_size; at++) {
        int fd = openat(room->fd, name, O_RDWR | O_CLOEXEC);
        unsigned char byte;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 0x11;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
        assert_int_equal(ask(room, "{one}", 2), FAIL(2));
        assert_int_equal(ask(room, "{one}", 1), FAIL(2));
        assert_int_equal(unlinkat(room->fd, name, 0), 0);
        assert_int_equal(ask(room, "{one}", 1), FAIL(1));
    }
    for (off_t size = 0; size < st.st_size + 9; size += 7) {
        int fd = openat(room->fd, name, O_RDWR | O_CLOEXEC);
        assert_int_equal(ftruncate(fd, size), 0);
        close(fd);
        assert_int_equal(ask(room, "{one}", 3), size == st.st_size ? FAIL(1) : FAIL(3));
        assert_int_equal(unlinkat(room->fd, name, 0), 0);
        assert_int_equal(ask(room, "{one}", 1), FAIL(1));
    }
    assert_int_equal(room_files(room, NULL, false), 1);
}

/* A file of another policy under this one's name, as two texts of one hash would have it. */
static void the_text_is_compared(void **state)
{
    struct room *room = *state;
    char one[64], two[64];

    ask(room, "{one}", 1);
    room_files(room, one, true);
    ask(room, "{two}", 2);
    room_files(room, two, false);
    assert_string_not_equal(one, two);
    assert_int_equal(renameat(room->fd, two, room->fd, one), 0);
    assert_int_equal(ask(room, "{one}", 1), FAIL(1));
    assert_int_equal(ask(room, "{one}", 9), FAIL(1));
    assert_int_equal(room_files(room, NULL, false), 1);
}

/* What somebody else could have written is not trusted. */
static void foreign_files_are_not_read(void **state)
{
    struct room *room = *state;
    char name[64], other[] = "elsewhere";

    ask(room, "{one}", 1);
    room_files(room, name, false);
    assert_int_equal(fchmodat(room->fd, name, 0622, 0), 0);
    assert_int_equal(ask(room, "{one}", 2), FAIL(2));
    assert_int_equal(renameat(room->fd, name, room->fd, other), 0);
    assert_int_equal(symlinkat(other, room->fd, name), 0);
    assert_int_equal(ask(room, "{one}", 3), FAIL(3));
    assert_int_equal(ask(room, "{one}", 4), FAIL(3));
    assert_int_equal(unlinkat(room->fd, name, 0), 0);
    assert_int_equal(mkfifoat(room->fd, name, 0600), 0);
    assert_int_equal(ask(room, "{one}", 5), FAIL(5));
    assert_int_equal(unlinkat(room->fd, name, 0), 0);
    assert_int_equal(mkdirat(room->fd, name, 0700), 0);
    assert_int_equal(ask(room, "{one}", 6), FAIL(6));
    assert_int_equal(ask(room, "{one}", 7), FAIL(7)); /* a directory is left alone */
}

static void no_room_is_no_failure(void **state)
{
    struct room *room = *state;
    struct room null = { .fd = open("/dev/null", O_RDONLY | O_CLOEXEC) };
    struct room closed = { .fd = 1 << 20 };

    (void)room;
    assert_int_equal(ask(&null, "{one}", 1), FAIL(1));
    assert_int_equal(ask(&closed, "{one}", 1), FAIL(1));
    close(null.fd);
}

/* The number of files is bounded; the oldest go, and what is not ours stays. */
static void the_oldest_files_go(void **state)
{
    struct room *room = *state;
    struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
    char first[64], text[32];
    int fd = openat(room->fd, "not-ours", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    close(fd);
    assert_int_equal(utimensat(room->fd, "not-ours", times, 0), 0);
    ask(room, "{0}", 1);
    DIR *dir = opendir(room->path);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "not-ours") != 0)
            snprintf(first, sizeof(first), "%.63s", entry->d_name);
    }
    closedir(dir);
    assert_int_equal(utimensat(room->fd, first, times, 0), 0);
    for (unsigned i = 1; i < 64; i++) {
        snprintf(text, sizeof(text), "{%u}", i);
        ask(room, text, 1);
    }
    assert_int_equal(room_files(room, NULL, false), 65);
    assert_int_equal(faccessat(room->fd, first, F_OK, 0), 0);
    ask(room, "{64}", 1);
    assert_int_equal(room_files(room, NULL, false), 65);
    assert_int_equal(faccessat(room->fd, first, F_OK, 0), -1);
    assert_int_equal(faccessat(room->fd, "not-ours", F_OK, 0), 0);
    assert_int_equal(ask(room, "{64}", 2), FAIL(1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_text_is_found_again, room_make, room_done),
        cmocka_unit_test_setup_teardown(without_a_text_nothing_is_kept, room_make, room_done),
        cmocka_unit_test_setup_teardown(a_broken_file_is_made_anew, room_make, room_done),
        cmocka_unit_test_setup_teardown(the_text_is_compared, room_make, room_done),
        cmocka_unit_test_setup_teardown(foreign_files_are_not_read, room_make, room_done),
        cmocka_unit_test_setup_teardown(no_room_is_no_failure, room_make, room_done),
        cmocka_unit_test_setup_teardown(the_oldest_files_go, room_make, room_done),
    };

    return cmocka_run_group_tests_name("seccomp_cache", tests, NULL, NULL);
}
