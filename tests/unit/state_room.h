/* A run directory for one test, processes that use it, and a kernel that refuses. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state/state.h"

#define GROUPS "group 2 unified /sys/fs/cgroup ration-x\n"

struct room {
    char path[96]; /* of the run directory; its parent is ours too */
    struct state *state;
};

static inline int room_make(void **ret)
{
    struct room *room = calloc(1, sizeof(*room));
    char parent[] = "/tmp/ration-state-test.XXXXXX";
    struct err err = ERR_INIT;

    if (!room || !mkdtemp(parent))
        return -1;
    snprintf(room->path, sizeof(room->path), "%s/run", parent);
    if (state_open(room->path, false, &room->state, &err) < 0) {
        print_error("%s\n", err.text);
        return -1;
    }
    *ret = room;
    alarm(60); /* nothing here may hang */
    return 0;
}

static inline int drop_entry(const char *path)
{
    return unlink(path) == 0 || rmdir(path) == 0 ? 0 : -1;
}

static inline int room_drop(void **state)
{
    struct room *room = *state;
    char command[160], *slash;

    alarm(0);
    state_close(room->state);
    snprintf(command, sizeof(command), "rm -rf '%s'", room->path);
    int r = system(command);
    slash = strrchr(room->path, '/');
    *slash = '\0';
    if (drop_entry(room->path) < 0)
        r = -1;
    free(room);
    return r == 0 ? 0 : -1;
}

/* In a child: a failed assertion of cmocka would go on in the parent's tests. */
#define CHECK(condition)                                                   \
    do {                                                                   \
        if (!(condition)) {                                                \
            dprintf(2, "# %s:%d: %s\n", __FILE__, __LINE__, (#condition)); \
            _exit(1);                                                      \
        }                                                                  \
    } while (0)

static inline void child_succeeds(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static inline void kill_and_reap(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* A process that has made a record of that name and waits for its end. */
static inline pid_t supervisor_start(struct room *room, const char *name)
{
    int ready[2];
    char byte;

    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct record *record;
        CHECK(record_create(room->state, name, GROUPS, &record, NULL) == 0);
        CHECK(write(ready[1], "r", 1) == 1);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

/* What a supervisor leaves that was killed right after making its record. */
static inline void dead_record(struct room *room, const char *name)
{
    kill_and_reap(supervisor_start(room, name));
}

struct seen {
    unsigned calls, alive;
    char last[256];
    int result; /* what the reclaiming function answers */
};

static inline int see_record(void *data, const char *name, const char *text, struct err *err)
{
    struct seen *seen = data;

    assert_true(record_name_valid(name));
    assert_non_null(text);
    snprintf(seen->last, sizeof(seen->last), "%s", name);
    seen->calls++;
    return seen->result < 0 ? err_set(err, -seen->result, "cannot undo '%s'", name) : 0;
}

static inline int see_visit(void *data, const char *name, const char *text, bool alive)
{
    struct seen *seen = data;

    assert_non_null(text);
    snprintf(seen->last, sizeof(seen->last), "%s", name);
    seen->calls++;
    seen->alive += alive;
    return 0;
}

static inline unsigned entries(const struct room *room)
{
    char command[160], count[16] = "";

    snprintf(command, sizeof(command), "ls -A '%s' | wc -l", room->path);
    FILE *pipe_in = popen(command, "r");
    assert_non_null(pipe_in);
    assert_non_null(fgets(count, sizeof(count), pipe_in));
    pclose(pipe_in);
    return (unsigned)atoi(count);
}

static inline int dir_fd(const struct room *room)
{
    int fd = open(room->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static inline void put(int fd, const char *name, const void *data, size_t len)
{
    int file = openat(fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    assert_true(file >= 0);
    assert_int_equal(fd_write_all(file, data, len), 0);
    close(file);
}

/* From now on a system call whose argument has that bit (0: any) fails with code. */
static inline void deny(long number, unsigned argument, uint32_t bit, int code)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 (uint32_t)(offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t))),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bit ? bit : UINT32_MAX, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)code),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { ARRAY_SIZE(filter), filter };

    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

#define room_test(f) cmocka_unit_test_setup_teardown(f, room_make, room_drop)
