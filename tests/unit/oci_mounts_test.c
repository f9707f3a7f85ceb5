/* mounts and hooks. */
#include <linux/mount.h>
#include <sys/mount.h>

#include "oci_fixture.h"

#define MOUNT(rest)    "{\"destination\": \"/x\", " rest "}"
#define BIND(options)  MOUNT("\"type\": \"bind\", \"source\": \"/s\", \"options\": [" options "]")
#define TMPFS(options) MOUNT("\"type\": \"tmpfs\", \"options\": [" options "]")

static void mount_fields(void **state)
{
    static const struct fixture_case table[] = {
        { "mounts", NULL, NULL },
        { "mounts", "[]", NULL },
        { "mounts", "{}", "mounts must be an array, not an object" },
        { "mounts[1]", "\"/proc\"", "mounts[1] must be an object, not \"/proc\"" },
        { "mounts[1]", "{\"type\": \"proc\"}", "mounts[1].destination is missing" },
        { "mounts[1].x", "1", NULL },
        { "mounts[0].destination", "\"\"", "mounts[0].destination is empty" },
        { "mounts[0].destination", "\"/\"", "mounts[0].destination: \"/\" is the root itself" },
        { "mounts[0].destination", "\"/a/../b\"",
          "mounts[0].destination: \"/a/../b\" has a \"..\"" },
        { "mounts[0].destination", "1", "mounts[0].destination must be a string, not 1" },
        { "mounts[0].type", NULL, "mounts[0].type is missing" },
        { "mounts[0].type", "7", "mounts[0].type must be a string, not 7" },
        { "mounts[0].source", NULL, NULL },
        { "mounts[0].source", "[]", "mounts[0].source must be a string, not an array" },
        { "mounts[0].options", "\"ro\"", "mounts[0].options must be an array, not \"ro\"" },
        { "mounts[0].options", "[3]", "mounts[0].options[0] must be a string, not 3" },
        { "mounts[1]", MOUNT("\"type\": \"bind\""),
          "mounts[1].source is missing: a bind mount needs one" },
        { "mounts[1]", MOUNT("\"source\": \"/s\", \"options\": [\"rbind\"]"), NULL },
        { "mounts[1]", BIND("\"rbind\", \"size=1k\""),
          "mounts[1].options: a bind mount cannot have the option \"size=1k\"" },
        { "mounts[1]", BIND("\"sync\""),
          "mounts[1].options: a bind mount cannot have the option \"sync\"" },
        { "mounts[1]", BIND("\"tmpcopyup\""), "mounts[1].options: tmpcopyup is for tmpfs" },
        { "mounts[1]", MOUNT("\"options\": [\"remount\", \"ro\"]"), NULL },
        { "mounts[1]", MOUNT("\"options\": [\"remount\", \"size=1k\"]"),
          "mounts[1].options: a remount with the option \"size=1k\" is not supported" },
        { "mounts[1]", MOUNT("\"type\": \"cgroup\", \"options\": [\"ro\", \"nsdelegate\"]"),
          "mounts[1].options: the option \"nsdelegate\" is not supported for control groups" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        /* the second mount is added by a change of its own */
        if (strcmp(table[i].path, "mounts[1].x") == 0) {
            struct spec *spec = fixture_spec(CHANGES("mounts[1]", TMPFS(""), "mounts[1].x", "1"));
            spec_free(spec);
        } else {
            fixture_check(&table[i], 1);
        }
    }
}

/* ---- options ------------------------------------------------------------------------------------------------ */

#define ATIMES ((uint64_t)MOUNT_ATTR__ATIME)

static void attributes(void **state)
{
    static const struct {
        const char *options;
        uint64_t set, clear, tree_set, tree_clear, propagation;
    } table[] = {
        { "", 0, 0, 0, 0, 0 },
        { "\"defaults\", \"async\", \"silent\", \"loud\", \"norelatime\"", 0, 0, 0, 0, 0 },
        { "\"ro\"", MOUNT_ATTR_RDONLY, 0, 0, 0, 0 },
        { "\"rw\"", 0, MOUNT_ATTR_RDONLY, 0, 0, 0 },
        { "\"ro\", \"rw\"", 0, MOUNT_ATTR_RDONLY, 0, 0, 0 },
        { "\"rw\", \"ro\"", MOUNT_ATTR_RDONLY, 0, 0, 0, 0 },
        { "\"nosuid\", \"nodev\", \"noexec\"",
          MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0, 0, 0, 0 },
        { "\"suid\", \"dev\", \"exec\"", 0,
          MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0, 0, 0 },
        { "\"nosymfollow\"", MOUNT_ATTR_NOSYMFOLLOW, 0, 0, 0, 0 },
        { "\"nodiratime\"", MOUNT_ATTR_NODIRATIME, 0, 0, 0, 0 },
        { "\"nodiratime\", \"diratime\"", 0, MOUNT_ATTR_NODIRATIME, 0, 0, 0 },
        { "\"noatime\"", MOUNT_ATTR_NOATIME, ATIMES, 0, 0, 0 },
        { "\"strictatime\"", MOUNT_ATTR_STRICTATIME, ATIMES, 0, 0, 0 },
        { "\"relatime\"", 0, ATIMES, 0, 0, 0 },
        { "\"atime\"", 0, ATIMES, 0, 0, 0 },
        { "\"noatime\", \"relatime\"", 0, ATIMES, 0, 0, 0 },
        { "\"noatime\", \"atime\"", 0, ATIMES, 0, 0, 0 },
        { "\"strictatime\", \"atime\"", MOUNT_ATTR_STRICTATIME, ATIMES, 0, 0, 0 },
        { "\"noatime\", \"nostrictatime\"", MOUNT_ATTR_NOATIME, ATIMES, 0, 0, 0 },
        { "\"strictatime\", \"nostrictatime\"", 0, ATIMES, 0, 0, 0 },
        { "\"rro\"", 0, 0, MOUNT_ATTR_RDONLY, 0, 0 },
        { "\"rro\", \"rrw\"", 0, 0, 0, MOUNT_ATTR_RDONLY, 0 },
        { "\"rnosuid\", \"rnodev\", \"rnoexec\", \"rnosymfollow\"", 0, 0,
          MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW, 0, 0 },
        { "\"rsuid\", \"rdev\", \"rexec\", \"rsymfollow\", \"rdiratime\"", 0, 0, 0,
          MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW |
              MOUNT_ATTR_NODIRATIME,
          0 },
        { "\"rnoatime\"", 0, 0, MOUNT_ATTR_NOATIME, ATIMES, 0 },
        { "\"rstrictatime\"", 0, 0, MOUNT_ATTR_STRICTATIME, ATIMES, 0 },
        { "\"rrelatime\", \"ratime\"", 0, 0, 0, ATIMES, 0 },
        { "\"ro\", \"rro\"", MOUNT_ATTR_RDONLY, 0, MOUNT_ATTR_RDONLY, 0, 0 },
        { "\"private\"", 0, 0, 0, 0, MS_PRIVATE },
        { "\"rprivate\"", 0, 0, 0, 0, MS_PRIVATE | MS_REC },
        { "\"slave\"", 0, 0, 0, 0, MS_SLAVE },
        { "\"rslave\"", 0, 0, 0, 0, MS_SLAVE | MS_REC },
        { "\"shared\"", 0, 0, 0, 0, MS_SHARED },
        { "\"rshared\"", 0, 0, 0, 0, MS_SHARED | MS_REC },
        { "\"unbindable\"", 0, 0, 0, 0, MS_UNBINDABLE },
        { "\"private\", \"runbindable\"", 0, 0, 0, 0, MS_UNBINDABLE | MS_REC },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        char *value =
            text_format("{\"destination\": \"/x\", \"type\": \"bind\", \"source\": \"/s\","
                        " \"options\": [%s]}",
                        table[i].options);
        struct spec *spec = fixture_spec(CHANGES("mounts[1]", value));
        const struct spec_mount *m = &spec->mounts[1];
        if (m->attr_set != table[i].set || m->attr_clear != table[i].clear ||
            m->tree_set != table[i].tree_set || m->tree_clear != table[i].tree_clear ||
            m->propagation != table[i].propagation)
            fail_msg("%s: set %llx clear %llx, tree %llx %llx, propagation %llx", table[i].options,
                     (unsigned long long)m->attr_set, (unsigned long long)m->attr_clear,
                     (unsigned long long)m->tree_set, (unsigned long long)m->tree_clear,
                     (unsigned long long)m->propagation);
        spec_free(spec);
        free(value);
    }
}

static void check_mount(const struct spec_mount *m, enum mount_kind kind, const char *fstype,
                        const char *source, const char *target, const char *data)
{
    assert_int_equal(m->kind, kind);
    assert_string_equal(text_or_empty(m->fstype), fstype);
    assert_string_equal(text_or_empty(m->source), source);
    assert_string_equal(m->target, target);
    assert_string_equal(text_or_empty(m->data), data);
}

static void kinds(void **state)
{
    static const char list[] =
        "[{\"destination\": \"/a//b/./c/\", \"type\": \"none\", \"source\": \"dir/../s\","
        "  \"options\": [\"rbind\"]},"
        " {\"destination\": \"relative\", \"type\": \"bind\", \"source\": \"/s\"},"
        " {\"destination\": \"/t\", \"type\": \"tmpfs\", \"source\": \"tmpfs\","
        "  \"options\": [\"size=64k\", \"nosuid\", \"mode=755\", \"tmpcopyup\", \"sync\"]},"
        " {\"destination\": \"/sys/fs/cgroup\", \"type\": \"cgroup\", \"source\": \"cgroup\","
        "  \"options\": [\"ro\", \"rprivate\"]},"
        " {\"destination\": \"/cg\", \"type\": \"cgroup2\"},"
        " {\"destination\": \"/r\", \"options\": [\"remount\", \"ro\"]},"
        " {\"destination\": \"/d\", \"type\": \"ext4\", \"source\": \"/dev/vdb\","
        "  \"options\": [\"\", \"errors=continue\", \"rro\"]},"
        " {\"destination\": \"/c\", \"type\": \"cgroup\", \"source\": \"/s\","
        "  \"options\": [\"bind\"]}]";
    struct spec *spec = fixture_spec(CHANGES("mounts", list));
    const struct spec_mount *m = spec->mounts;

    (void)state;
    assert_int_equal(spec->n_mounts, 8);
    check_mount(&m[0], MOUNT_BIND, "", "/bundle/dir/../s", "/a/b/c", "");
    assert_true(m[0].recursive && m[0].make_target && !m[0].optional);
    check_mount(&m[1], MOUNT_BIND, "", "/s", "/relative", "");
    assert_false(m[1].recursive);
    check_mount(&m[2], MOUNT_FILESYSTEM, "tmpfs", "tmpfs", "/t", "size=64k,mode=755,sync");
    assert_true(m[2].copy_up && m[2].attr_set == MOUNT_ATTR_NOSUID);
    check_mount(&m[3], MOUNT_CGROUP, "cgroup", "", "/sys/fs/cgroup", "");
    assert_true(m[3].attr_set == MOUNT_ATTR_RDONLY);
    check_mount(&m[4], MOUNT_CGROUP, "cgroup2", "", "/cg", "");
    check_mount(&m[5], MOUNT_REMOUNT, "", "", "/r", "");
    assert_true(m[5].attr_set == MOUNT_ATTR_RDONLY);
    check_mount(&m[6], MOUNT_FILESYSTEM, "ext4", "/dev/vdb", "/d", "errors=continue");
    assert_true(m[6].tree_set == MOUNT_ATTR_RDONLY);
    check_mount(&m[7], MOUNT_BIND, "", "/s", "/c", "");
    spec_free(spec);
}

#define MAP(inside, outside, size) \
    "{\"containerID\": " inside ", \"hostID\": " outside ", \"size\": " size "}"
#define BIND_MAPPED(options, maps) \
    MOUNT("\"type\": \"bind\", \"source\": \"/s\", \"options\": [" options "], " maps)
#define BOTH_MAPS \
    "\"uidMappings\": [" MAP("0", "1000", "5") "], \"gidMappings\": [" MAP("0", "7", "1") "]"

static void id_maps(void **state)
{
    static const struct fixture_case table[] = {
        { "mounts[1]", BIND_MAPPED("\"idmap\"", BOTH_MAPS), NULL },
        { "mounts[1]", BIND("\"idmap\""),
          "a mount with the option idmap needs uidMappings and gidMappings, or a user namespace "
          "that has them" },
        { "mounts[1]", BIND("\"ridmap\""),
          "a mount with the option idmap needs uidMappings and gidMappings, or a user namespace "
          "that has them" },
        { "mounts[1]", BIND_MAPPED("\"idmap\"", "\"uidMappings\": [" MAP("0", "1", "1") "]"),
          "mounts[1]: uidMappings and gidMappings are given together or not at all" },
        { "mounts[1]", BIND_MAPPED("\"idmap\"", "\"uidMappings\": [" MAP("0", "1", "0") "]"),
          "mounts[1].uidMappings[0].size must be a whole number from 1 to 4294967295, not 0" },
        { "mounts[1]", MOUNT("\"type\": \"cgroup\", \"options\": [\"idmap\"], " BOTH_MAPS),
          "mounts[1]: only what is newly mounted can have mapped ids" },
    };
    struct spec *spec;

    (void)state;
    FIXTURE_CHECK(table);
    spec = fixture_spec(CHANGES("mounts[1]", BIND_MAPPED("", BOTH_MAPS)));
    assert_true(spec->mounts[1].id_mapped && !spec->mounts[1].id_mapped_tree);
    assert_int_equal(spec->mounts[1].n_uid_maps, 1);
    assert_true(spec->mounts[1].uid_maps[0].outside == 1000);
    assert_true(spec->mounts[1].uid_maps[0].count == 5);
    assert_true(spec->mounts[1].gid_maps[0].outside == 7);
    spec_free(spec);
    spec = fixture_spec(CHANGES("mounts[1]", BIND("\"ridmap\""), "linux.namespaces[6]",
                                "{\"type\": \"user\", \"path\": \"/proc/1/ns/user\"}"));
    assert_true(spec->mounts[1].id_mapped && spec->mounts[1].id_mapped_tree);
    spec_free(spec);
}

/* ---- masked and read-only ------------------------------------------------------------------------------------- */

static void hidden_paths(void **state)
{
    static const struct fixture_case table[] = {
        { "linux.maskedPaths", "[\"proc\"]",
          "linux.maskedPaths[0] must be an absolute path, not \"proc\"" },
        { "linux.maskedPaths", "\"/proc\"", "linux.maskedPaths must be an array, not \"/proc\"" },
        { "linux.readonlyPaths", "[\"/a/..\"]", "linux.readonlyPaths[0]: \"/a/..\" has a \"..\"" },
        { "linux.readonlyPaths", "[0]", "linux.readonlyPaths[0] must be a string, not 0" },
        { "linux.mountLabel", "\"a\\\"b\"", "linux.mountLabel is no label: \"a\"b\"" },
        { "linux.rootfsPropagation", "\"none\"",
          "linux.rootfsPropagation must be private, slave, shared or unbindable, not \"none\"" },
    };
    struct spec *spec;

    (void)state;
    FIXTURE_CHECK(table);
    spec = fixture_spec(CHANGES("linux.maskedPaths", "[\"/proc/kcore\"]", "linux.readonlyPaths",
                                "[\"/proc/sys/\"]", "mounts[1]", TMPFS("\"size=1m\""), "mounts[2]",
                                BIND(""), "linux.mountLabel", "\"u:r:t:s0:c1,c2\"",
                                "linux.rootfsPropagation", "\"rslave\""));
    assert_int_equal(spec->n_mounts, 5);
    check_mount(&spec->mounts[0], MOUNT_FILESYSTEM, "proc", "proc", "/proc", "");
    check_mount(&spec->mounts[1], MOUNT_FILESYSTEM, "tmpfs", "", "/x",
                "size=1m,context=\"u:r:t:s0:c1,c2\"");
    check_mount(&spec->mounts[2], MOUNT_BIND, "", "/s", "/x", "");
    check_mount(&spec->mounts[3], MOUNT_REMOUNT, "", "", "/proc/sys", "");
    assert_true(spec->mounts[3].attr_set == MOUNT_ATTR_RDONLY);
    assert_true(spec->mounts[3].recursive && spec->mounts[3].optional);
    check_mount(&spec->mounts[4], MOUNT_MASK, "", "", "/proc/kcore", "");
    assert_true(spec->mounts[4].optional && !spec->mounts[4].make_target);
    assert_true(spec->root_propagation == (MS_SLAVE | MS_REC));
    spec_free(spec);
}

/* ---- hooks ------------------------------------------------------------------------------------------------------- */

static void hook_fields(void **state)
{
    static const struct fixture_case table[] = {
        { "hooks", NULL, NULL },
        { "hooks", "[]", "hooks must be an object, not an array" },
        { "hooks.unknown", "[{}]", NULL },
        { "hooks.prestart", "{}", "hooks.prestart must be an array, not an object" },
        { "hooks.createRuntime", "[1]", "hooks.createRuntime[0] must be an object, not 1" },
        { "hooks.createContainer", "[{}]", "hooks.createContainer[0].path is missing" },
        { "hooks.startContainer", "[{\"path\": \"rel\"}]",
          "hooks.startContainer[0].path must be an absolute path, not \"rel\"" },
        { "hooks.poststart", "[{\"path\": \"/h\", \"args\": \"a\"}]",
          "hooks.poststart[0].args must be an array, not \"a\"" },
        { "hooks.poststop", "[{\"path\": \"/h\", \"env\": [\"X\"]}]",
          "hooks.poststop[0].env[0] must be NAME=VALUE, not \"X\"" },
        { "hooks.poststop", "[{\"path\": \"/h\", \"timeout\": 0}]",
          "hooks.poststop[0].timeout must be a whole number from 1 to 4294967295, not 0" },
        { "hooks.poststop", "[{\"path\": \"/h\", \"timeout\": -1}]",
          "hooks.poststop[0].timeout must be a whole number from 1 to 4294967295, not -1" },
        { "hooks.poststop", "[{\"path\": \"/h\", \"timeout\": \"5s\"}]",
          "hooks.poststop[0].timeout must be a whole number from 1 to 4294967295, not \"5s\"" },
    };

    (void)state;
    FIXTURE_CHECK(table);
}

static void hook_values(void **state)
{
    static const char *const name_table[HOOK_POINT_COUNT] = {
        "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
    };

    (void)state;
    for (size_t i = 0; i < HOOK_POINT_COUNT; i++) {
        char *path = text_format("hooks.%s", name_table[i]);
        struct spec *spec = fixture_spec(
            CHANGES(path, "[{\"path\": \"/a\"}, {\"path\": \"/b\", \"args\": [\"b\", \"-x\"],"
                          " \"env\": [\"K=v\"], \"timeout\": 3}]"));
        for (size_t j = 0; j < HOOK_POINT_COUNT; j++)
            assert_int_equal(spec->hooks[j].n, j == i ? 2 : 0);
        const struct spec_hook *hook = spec->hooks[i].hooks;
        assert_string_equal(hook[0].path, "/a");
        assert_null(hook[0].argv);
        assert_null(hook[0].env);
        assert_true(hook[0].timeout_us == 0);
        assert_string_equal(hook[1].argv[1], "-x");
        assert_string_equal(hook[1].env[0], "K=v");
        assert_true(hook[1].timeout_us == 3000000);
        spec_free(spec);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mount_fields), cmocka_unit_test(attributes),
        cmocka_unit_test(kinds),        cmocka_unit_test(id_maps),
        cmocka_unit_test(hidden_paths), cmocka_unit_test(hook_fields),
        cmocka_unit_test(hook_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
