/*
 * Little copies of machines for the tests of the cgroup room: a directory that stands for "/", with
 * the few files of /proc and of the cgroup file systems that discovery looks at.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"

#define V1(id, dev, at, flags, controllers) \
    id " 31 0:" dev " / /sys/fs/cgroup/" at " " flags " - cgroup cgroup rw," controllers "\n"
#define V2(id, dev, root, at, flags) \
    id " 31 0:" dev " " root " " at " " flags " - cgroup2 cgroup2 rw\n"
#define MOUNTS_BEFORE                                  \
    "22 27 0:21 / /proc rw,relatime - proc proc rw\n"  \
    "23 27 0:22 / /sys rw,relatime - sysfs sysfs rw\n" \
    "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"  \
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"

struct fixture {
    char path[64];
    int fd;
};

/* A file with its directories; text NULL: a directory. */
static inline void fixture_put(const struct fixture *f, const char *path, const char *text)
{
    char partial[512];

    for (size_t i = 1; path[i]; i++) {
        if (path[i] != '/')
            continue;
        snprintf(partial, sizeof(partial), "%.*s", (int)i, path);
        assert_true(mkdirat(f->fd, partial, 0755) == 0 || errno == EEXIST);
    }
    if (!text) {
        assert_true(mkdirat(f->fd, path, 0755) == 0 || errno == EEXIST);
        return;
    }
    int fd = openat(f->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

struct fixture_file {
    const char *path, *text;
};

/* ns: what /proc/self/ns/cgroup links to; NULL: the initial one. */
static inline struct fixture fixture_make(const char *mounts, const char *own, const char *ns,
                                          const struct fixture_file *files, size_t n_files)
{
    struct fixture f = { "/tmp/ration-cgroup-test.XXXXXX", -1 };

    assert_non_null(mkdtemp(f.path));
    f.fd = open(f.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(f.fd >= 0);
    fixture_put(&f, "proc/self/mountinfo", mounts);
    fixture_put(&f, "proc/self/cgroup", own);
    fixture_put(&f, "proc/self/ns", NULL);
    assert_int_equal(symlinkat(ns ? ns : "cgroup:[4026531835]", f.fd, "proc/self/ns/cgroup"), 0);
    for (size_t i = 0; i < n_files; i++)
        fixture_put(&f, files[i].path, files[i].text);
    return f;
}

static inline int fixture_drop_one(const char *path, const struct stat *st, int type,
                                   struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void fixture_drop(struct fixture *f)
{
    close(f->fd);
    nftw(f->path, fixture_drop_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline struct cgroups *fixture_open(const struct fixture *f, const char *parent,
                                           bool rootless)
{
    struct cgroups_options options = { .root_fd = f->fd, .parent = parent, .rootless = rootless };
    struct cgroups *cgroups = NULL;
    struct err err = ERR_INIT;

    int r = cgroups_open(&options, &cgroups, &err);
    if (r < 0)
        print_error("%s\n", err.text);
    assert_int_equal(r, 0);
    return cgroups;
}

static inline struct hierarchy_info fixture_hierarchy(const struct cgroups *cgroups,
                                                      const char *name)
{
    struct hierarchy_info info;

    for (size_t i = 0; cgroups_hierarchy(cgroups, i, &info); i++)
        if (strcmp(info.name, name) == 0)
            return info;
    fail_msg("no hierarchy %s", name);
    return (struct hierarchy_info){ 0 };
}

#define assert_has(text, part)                                                 \
    do {                                                                       \
        if (!(text) || !strstr((text), (part)))                                \
            fail_msg("'%s' is not in '%s'", (part), (text) ? (text) : "NULL"); \
    } while (0)
