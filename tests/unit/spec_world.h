/* A world for tests of the spec room: two devices, a few files, and whoever we want to be. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "spec/spec.h"

#define ALL_CAPABILITIES 0x1ffffffffffull

static const char *const file_table[][2] = {
    { "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
                     "broken line\n"
                     "alice:x:1000:1000::/home/alice:/bin/sh\n"
                     "bob:x:1001:100::/home/bob:/bin/sh\n"
                     "minus:x:-1:0::/:/bin/sh\n"
                     "big:x:4294967296:0::/:/bin/sh\n"
                     "nobody:x:65534:65534::/nonexistent:/bin/false\n" },
    { "/etc/group", "root:x:0:\n"
                    "audio:x:29:alice,bob\n"
                    "video:x:44:bob\n"
                    "users:x:100:\n"
                    "alice:x:1000:\n" },
    { "good.env",
      "# comment\n\n  INDENTED=1\nPLAIN=a b \"c\" # d\nOURS\nNOT_OURS\nEMPTY=\nCR=x\r\n" },
    { "bom.env", "\xef\xbb\xbf"
                 "BOM=1\n" },
    { "blank.env", "GOOD=1\nBAD NAME=2\n" },
    { "nameless.env", "=2\n" },
    { "latin1.env", "NAME=\xe4\n" },
    { "overlong.env", "NAME=\xc0\xaf\n" },
    { "surrogate.env", "NAME=\xed\xa0\x80\n" },
    { "utf8.env", "NAME=\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\n" },
};

static int world_read(void *data, const char *path, char **ret)
{
    (void)data;
    for (size_t i = 0; i < ARRAY_SIZE(file_table); i++) {
        if (strcmp(file_table[i][0], path) == 0) {
            *ret = strdup(file_table[i][1]);
            return *ret ? 0 : -ENOMEM;
        }
    }
    return strcmp(path, "secret.env") == 0 ? -EACCES : -ENOENT;
}

static int world_device(void *data, const char *path, char *ret_type, uint32_t *ret_major,
                        uint32_t *ret_minor, uint32_t *ret_mode)
{
    (void)data;
    *ret_mode = 0660;
    *ret_minor = 229;
    if (strcmp(path, "/dev/fuse") == 0) {
        *ret_type = 'c';
        *ret_major = 10;
        return 0;
    }
    if (strcmp(path, "/dev/sda") == 0) {
        *ret_type = 'b';
        *ret_major = 8;
        *ret_minor = 0;
        return 0;
    }
    return strcmp(path, "/dev/shm") == 0 ? -ENODEV : -ENOENT;
}

static int world_name(void *data, char ret[static 16])
{
    (void)data;
    strcpy(ret, "0123456789ab");
    return 0;
}

static int world_cap_last(void *data)
{
    (void)data;
    return 40;
}

static char *world_environ[] = { (char *)"OURS=ours", (char *)"HOME=/home/us", (char *)"PATH=/bin",
                                 (char *)"no_equals_sign", NULL };

static const struct spec_world root_world = {
    .capabilities = ALL_CAPABILITIES,
    .cap_last = world_cap_last,
    .environ = world_environ,
    .read_file = world_read,
    .stat_device = world_device,
    .random_name = world_name,
};

/* An ordinary user; the range of /etc/subuid is there when helper is. */
static inline struct spec_world user_world(bool helper)
{
    struct spec_world world = root_world;

    world.uid = 1000;
    world.gid = 1001;
    world.capabilities = 0;
    world.has_newuidmap = helper;
    if (helper)
        world.subuid = world.subgid = (struct spec_id_map){ .outside = 100000, .count = 65536 };
    return world;
}

/* A draft with options set from "name=value" and "name" words; fails the test when one is refused. */
static inline struct draft *draft_with(const struct spec_world *world, const char *const *words)
{
    struct draft *draft = draft_new();

    assert_non_null(draft);
    for (; words && *words; words++) {
        struct err err = ERR_INIT;
        char name[64];
        size_t n = strcspn(*words, "=");
        snprintf(name, sizeof(name), "%.*s", (int)n, *words);
        if (spec_set(draft, world, name, (*words)[n] ? *words + n + 1 : NULL, &err) < 0)
            fail_msg("%s: %s", *words, err.text);
    }
    return draft;
}

#define WORDS(...)                      \
    (const char *const[])               \
    {                                   \
        __VA_ARGS__ __VA_OPT__(, ) NULL \
    }
