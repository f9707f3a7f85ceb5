/* The documents that are made here: state, features, the example, events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <linux/capability.h>
#include <string.h>

#include "oci/oci.h"

/* The text parsed again; fails the test when it is no single JSON value. */
static json_t *parsed(struct buf *text)
{
    json_error_t error;

    assert_int_equal(buf_error(text), 0);
    assert_null(strchr(buf_text(text), '\n'));
    json_t *value = json_loads(buf_text(text), JSON_REJECT_DUPLICATES, &error);
    if (!value)
        fail_msg("%s: %s", error.text, buf_text(text));
    buf_done(text);
    return value;
}

static const json_t *at(const json_t *value, const char *path)
{
    char key[64];

    while (value && *path != '\0') {
        snprintf(key, sizeof(key), "%.*s", (int)strcspn(path, "/"), path);
        value = json_is_array(value) ? json_array_get(value, (size_t)atoi(key))
                                     : json_object_get(value, key);
        path += strlen(key);
        path += *path == '/';
    }
    return value;
}

static const char *text_at(const json_t *value, const char *path)
{
    const char *text = json_string_value(at(value, path));

    if (!text)
        fail_msg("nothing at %s", path);
    return text;
}

static bool listed(const json_t *list, const char *word)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (strcmp(json_string_value(json_array_get(list, i)), word) == 0)
            return true;
    }
    return false;
}

/* ---- time ---------------------------------------------------------------------------------------------- */

static void times_are_of_utc(void **state)
{
    static const struct {
        uint64_t us;
        const char *text;
    } time_table[] = {
        { 0, "1970-01-01T00:00:00.000000000Z" },
        { 1, "1970-01-01T00:00:00.000001000Z" },
        { UINT64_C(951782399999999), "2000-02-28T23:59:59.999999000Z" },
        { UINT64_C(951782400000000), "2000-02-29T00:00:00.000000000Z" },
        { UINT64_C(951868800000000), "2000-03-01T00:00:00.000000000Z" },
        { UINT64_C(1709164800000000), "2024-02-29T00:00:00.000000000Z" },
        { UINT64_C(1735689599123456), "2024-12-31T23:59:59.123456000Z" },
        { UINT64_C(1767323045123456), "2026-01-02T03:04:05.123456000Z" },
        { UINT64_C(4107542400000000), "2100-03-01T00:00:00.000000000Z" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(time_table); i++) {
        struct buf text = BUF_INIT;
        oci_write_time(time_table[i].us, &text);
        assert_string_equal(buf_text(&text), time_table[i].text);
        buf_done(&text);
    }
}

/* ---- state --------------------------------------------------------------------------------------------- */

static void a_state_has_what_is_known(void **state)
{
    char *annotations[] = { (char *)(uintptr_t) "a=b=c", (char *)(uintptr_t) "empty=", NULL };
    struct oci_state full = { .id = "box",
                              .bundle = "/b",
                              .rootfs = "/b/rootfs",
                              .status = OCI_RUNNING,
                              .pid = 42,
                              .created_us = 1000000,
                              .owner = "root",
                              .annotations = annotations };
    struct buf text = BUF_INIT;

    (void)state;
    oci_write_state(&full, &text);
    assert_string_equal(buf_text(&text),
                        "{\"ociVersion\":\"" OCI_VERSION "\",\"id\":\"box\",\"status\":\"running\","
                        "\"pid\":42,\"bundle\":\"/b\",\"rootfs\":\"/b/rootfs\","
                        "\"created\":\"1970-01-01T00:00:01.000000000Z\",\"owner\":\"root\","
                        "\"annotations\":{\"a\":\"b=c\",\"empty\":\"\"}}");
    buf_done(&text);
    full = (struct oci_state){ .id = "box", .bundle = "/b", .status = OCI_STOPPED };
    oci_write_state(&full, &text);
    assert_string_equal(buf_text(&text),
                        "{\"ociVersion\":\"" OCI_VERSION "\",\"id\":\"box\",\"status\":\"stopped\","
                        "\"pid\":0,\"bundle\":\"/b\"}");
    buf_done(&text);
}

static void statuses_have_the_names_of_the_specification(void **state)
{
    static const char *const name_table[] = { "creating", "created", "running", "paused",
                                              "stopped" };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(name_table); i++)
        assert_string_equal(oci_status_name((enum oci_status)i), name_table[i]);
}

/* A path may hold any byte; JSON may not. */
static void paths_that_are_no_utf8_are_shown(void **state)
{
    struct oci_state bad = { .id = "box", .bundle = "/a\xff\xc3\xa9\xe2\x82/\"\n", .pid = 1 };
    struct buf text = BUF_INIT;

    (void)state;
    oci_write_state(&bad, &text);
    json_t *value = parsed(&text);
    assert_string_equal(text_at(value, "bundle"), "/a?\xc3\xa9?"
                                                  "?/\"\n");
    json_decref(value);
}

/* ---- features ------------------------------------------------------------------------------------------ */

static json_t *features(const char *seccomp_actions)
{
    const struct oci_features what = { .version = "9.8.7",
                                       .cap_last = 40,
                                       .has_v1 = true,
                                       .has_v2 = true,
                                       .has_systemd = true,
                                       .has_rdt = true,
                                       .has_apparmor = true,
                                       .has_selinux = false,
                                       .has_idmap = true,
                                       .has_userns = true,
                                       .has_criu = false,
                                       .seccomp_actions = seccomp_actions };
    struct buf text = BUF_INIT;

    oci_write_features(&what, &text);
    return parsed(&text);
}

static void features_are_as_the_specification_wants_them(void **state)
{
    json_t *value = features("kill_process kill_thread trap errno user_notif trace log allow");

    (void)state;
    assert_string_equal(text_at(value, "ociVersionMin"), OCI_VERSION_MIN);
    assert_string_equal(text_at(value, "ociVersionMax"), OCI_VERSION);
    assert_int_equal(json_array_size(at(value, "hooks")), HOOK_POINT_COUNT);
    assert_int_equal(json_array_size(at(value, "linux/namespaces")), 8);
    assert_true(listed(at(value, "linux/namespaces"), "time"));
    assert_int_equal(json_array_size(at(value, "linux/capabilities")), CAP_LAST_CAP + 1);
    assert_true(listed(at(value, "linux/capabilities"), "CAP_CHECKPOINT_RESTORE"));
    assert_true(json_is_true(at(value, "linux/cgroup/v1")));
    assert_true(json_is_true(at(value, "linux/cgroup/systemd")));
    assert_true(json_is_true(at(value, "linux/apparmor/enabled")));
    assert_true(json_is_false(at(value, "linux/selinux/enabled")));
    assert_true(json_is_true(at(value, "linux/mountExtensions/idmap/enabled")));
    assert_true(json_is_true(at(value, "linux/seccomp/enabled")));
    assert_string_equal(
        json_string_value(json_object_get(at(value, "annotations"),
                                          "org.opencontainers.runc.checkpoint.enabled")),
        "false");
    assert_int_equal(json_array_size(at(value, "potentiallyUnsafeConfigAnnotations")), 0);
    /* "MUST NOT contain properties that are not defined in this version" */
    assert_null(at(value, "linux/netDevices"));
    json_decref(value);
}

static void flags_hang_on_the_kernel(void **state)
{
    json_t *value = features("kill trap errno trace log allow");

    (void)state;
    assert_int_equal(json_array_size(at(value, "linux/seccomp/knownFlags")), 4);
    assert_int_equal(json_array_size(at(value, "linux/seccomp/supportedFlags")), 2);
    assert_true(listed(at(value, "linux/seccomp/supportedFlags"), "SECCOMP_FILTER_FLAG_LOG"));
    json_decref(value);
    value = features(NULL);
    assert_true(json_is_array(at(value, "linux/seccomp/supportedFlags")));
    assert_int_equal(json_array_size(at(value, "linux/seccomp/supportedFlags")), 0);
    json_decref(value);
}

/* Words of lists, one by one, put into a document that must then be read. */
static int cap_last(void *data)
{
    (void)data;
    return CAP_LAST_CAP;
}

#define ONE_ID          "{\"containerID\":0,\"hostID\":1,\"size\":1}"
#define MOUNT_NAMESPACE "\"namespaces\":[{\"type\":\"mount\"}]"

/* The document with these members, or NULL. */
static struct spec *read_with(const char *members, struct err *err)
{
    const struct spec_world world = { .cap_last = cap_last };
    const struct oci_context context = { .name = "box", .bundle = "/b", .world = &world };
    struct spec *spec = NULL;
    char *text =
        text_format("{\"ociVersion\":\"" OCI_VERSION "\",\"root\":{\"path\":\"r\"},%s}", members);

    assert_non_null(text);
    int r = oci_read_config(text, strlen(text), &context, &spec, err);
    assert_int_equal(r == 0, spec != NULL);
    free(text);
    return spec;
}

static void every_word_of_features_is_understood(void **state)
{
    static const struct {
        const char *path, *form;
    } form_table[] = {
        { "hooks", "\"linux\":{" MOUNT_NAMESPACE "},\"hooks\":{\"%s\":[{\"path\":\"/h\"}]}" },
        { "linux/capabilities",
          "\"process\":{\"cwd\":\"/\",\"args\":[\"a\"],\"user\":{\"uid\":0,\"gid\":0},"
          "\"capabilities\":{\"bounding\":[\"%s\"]}},\"linux\":{" MOUNT_NAMESPACE "}" },
        { "linux/seccomp/actions",
          "\"linux\":{" MOUNT_NAMESPACE
          ",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/l\","
          "\"syscalls\":[{\"names\":[\"read\"],\"action\":\"%s\"}]}}" },
        { "linux/seccomp/operators",
          "\"linux\":{" MOUNT_NAMESPACE
          ",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":"
          "[\"read\"],\"action\":\"SCMP_ACT_KILL\",\"args\":[{\"index\":0,\"value\":1,\"op\":"
          "\"%s\"}]}]}}" },
        { "linux/seccomp/archs",
          "\"linux\":{" MOUNT_NAMESPACE
          ",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"%s\"]}"
          "}" },
        { "linux/seccomp/knownFlags",
          "\"linux\":{" MOUNT_NAMESPACE
          ",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/l\","
          "\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_NOTIFY\"}],"
          "\"flags\":[\"%s\"]}}" },
    };
    json_t *value = features("allow");
    char members[512];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(form_table); i++) {
        const json_t *list = at(value, form_table[i].path);
        assert_true(json_array_size(list) > 0);
        for (size_t k = 0; k <= json_array_size(list); k++) {
            struct err err = ERR_INIT;
            /* One more, which is not in the list, must fail: or the others would prove nothing. */
            bool real = k < json_array_size(list);
            const char *word = real ? json_string_value(json_array_get(list, k)) : "NOSUCH_WORD";
            if (!real && i == 0)
                continue; /* unknown members are ignored */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(members, sizeof(members), form_table[i].form, word);
#pragma GCC diagnostic pop
            struct spec *spec = read_with(members, &err);
            if ((spec != NULL) != real)
                fail_msg("%s %s: %s", form_table[i].path, word, spec ? "was accepted" : err.text);
            spec_free(spec);
        }
    }
    json_decref(value);
}

/* Options that are not understood go to the file system; those of the list do not, but for its own flags. */
static void every_mount_option_is_understood(void **state)
{
    static const char flags[] = " sync dirsync lazytime mand iversion NOSUCH_OPTION ";
    json_t *value = features("allow"), *list = json_object_get(value, "mountOptions");
    char members[512], word[64];

    (void)state;
    json_array_append_new(list, json_string("NOSUCH_OPTION"));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *option = json_string_value(json_array_get(list, i));
        struct err err = ERR_INIT;
        snprintf(members, sizeof(members),
                 "\"mounts\":[{\"destination\":\"/x\",\"type\":\"tmpfs\",\"source\":\"/s\","
                 "\"options\":[\"%s\"]}],\"linux\":{\"namespaces\":[{\"type\":\"mount\"},"
                 "{\"type\":\"user\"}],\"uidMappings\":[" ONE_ID "],\"gidMappings\":[" ONE_ID "]}",
                 option);
        struct spec *spec = read_with(members, &err);
        if (!spec)
            fail_msg("%s: %s", option, err.text);
        snprintf(word, sizeof(word), " %s ", option);
        const char *data = NULL;
        for (size_t k = 0; k < spec->n_mounts; k++) {
            if (strcmp(spec->mounts[k].target, "/x") == 0)
                data = spec->mounts[k].data;
        }
        if ((data && strstr(data, option)) != (strstr(flags, word) != NULL))
            fail_msg("%s ends up as \"%s\"", option, text_or_empty(data));
        spec_free(spec);
    }
    json_decref(value);
}

/* ---- the example --------------------------------------------------------------------------------------- */

static void the_example_can_be_read(void **state)
{
    const struct spec_world world = { .cap_last = cap_last };

    (void)state;
    for (unsigned rootless = 0; rootless < 2; rootless++) {
        const struct oci_context context = {
            .name = "box", .bundle = "/b", .rootless = rootless, .world = &world
        };
        struct buf text = BUF_INIT;
        struct err err = ERR_INIT;
        struct spec *spec = NULL;
        oci_write_example(rootless, 1234, 2345, &text);
        if (oci_read_config(buf_text(&text), text.len, &context, &spec, &err) < 0)
            fail_msg("%s", err.text);
        assert_string_equal(spec->argv[0], "sh");
        assert_int_equal(spec->n_uid_maps, rootless);
        if (rootless)
            assert_int_equal(spec->uid_maps[0].outside, 1234);
        assert_true(spec->no_new_privs);
        assert_int_equal(spec->caps.inheritable | spec->caps.ambient, 0);
        spec_free(spec);
        json_t *value = parsed(&text);
        assert_string_equal(text_at(value, "root/path"), "rootfs");
        assert_true(json_is_true(at(value, "process/terminal")));
        assert_int_equal(json_array_size(at(value, "linux/gidMappings")), rootless);
        assert_int_equal(at(value, "linux/resources") == NULL, rootless);
        json_decref(value);
    }
}

/* ---- events -------------------------------------------------------------------------------------------- */

static void unknown_figures_are_left_out(void **state)
{
    struct sample sample = { 0 };
    struct buf text = BUF_INIT;

    (void)state;
    oci_write_stats("box", &sample, &text);
    assert_string_equal(buf_text(&text), "{\"type\":\"stats\",\"id\":\"box\",\"data\":{}}");
    buf_reset(&text);
    oci_write_oom("box", &text);
    assert_string_equal(buf_text(&text), "{\"type\":\"oom\",\"id\":\"box\"}");
    buf_reset(&text);
    sample_set(&sample, METRIC_PIDS_CURRENT, 0, "pids/pids.current");
    oci_write_stats("box", &sample, &text);
    assert_string_equal(buf_text(&text),
                        "{\"type\":\"stats\",\"id\":\"box\",\"data\":{\"pids\":{\"current\":0}}}");
    buf_done(&text);
}

static void figures_are_in_runcs_units(void **state)
{
    struct sample sample = { 0 };
    struct buf text = BUF_INIT;

    (void)state;
    sample_set(&sample, METRIC_CPU_TOTAL_US, 1500, "cpuacct/cpuacct.usage");
    sample_set(&sample, METRIC_THROTTLED_US, 7, "cpu/cpu.stat throttled_time");
    sample_set(&sample, METRIC_MEMORY_CURRENT_BYTES, 4096, "memory/memory.usage_in_bytes");
    sample_set(&sample, METRIC_MEMORY_SWAP_BYTES, 100, "memory/memory.stat total_swap");
    sample_set(&sample, METRIC_MEMORY_ANON_BYTES, 50, "memory/memory.stat total_rss");
    sample_set(&sample, METRIC_MEMORY_PEAK_BYTES, UINT64_MAX, "memory/memory.max_usage_in_bytes");
    sample_set(&sample, METRIC_IO_READ_BYTES, 1, "io");
    sample_set(&sample, METRIC_IO_WRITE_BYTES, 2, "io");
    sample_set(&sample, METRIC_PRESSURE_IO_FULL_US, 3, "io.pressure");
    sample_set_per_cpu(&sample, "1000 2000000\n");
    oci_write_stats("box", &sample, &text);
    json_t *value = parsed(&text);
    const json_t *data = at(value, "data");
    assert_int_equal(json_integer_value(at(data, "cpu/usage/total")), 1500000);
    assert_null(at(data, "cpu/usage/kernel"));
    assert_int_equal(json_integer_value(at(data, "cpu/usage/percpu/1")), 2000000);
    assert_int_equal(json_integer_value(at(data, "cpu/throttling/throttledTime")), 7000);
    assert_int_equal(json_integer_value(at(data, "memory/usage/usage")), 4096);
    assert_int_equal(json_integer_value(at(data, "memory/usage/max")), INT64_MAX);
    assert_int_equal(json_integer_value(at(data, "memory/swap/usage")), 4196);
    assert_int_equal(json_integer_value(at(data, "memory/raw/total_rss")), 50);
    assert_int_equal(json_integer_value(at(data, "memory/raw/total_swap")), 100);
    assert_string_equal(text_at(data, "blkio/ioServiceBytesRecursive/1/op"), "Write");
    assert_int_equal(json_integer_value(at(data, "blkio/ioServiceBytesRecursive/1/value")), 2);
    assert_int_equal(json_integer_value(at(data, "blkio/psi/full/total")), 3);
    assert_null(at(data, "blkio/psi/some"));
    assert_null(at(data, "blkio/ioServicedRecursive"));
    json_decref(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_of_utc),
        cmocka_unit_test(a_state_has_what_is_known),
        cmocka_unit_test(statuses_have_the_names_of_the_specification),
        cmocka_unit_test(paths_that_are_no_utf8_are_shown),
        cmocka_unit_test(features_are_as_the_specification_wants_them),
        cmocka_unit_test(flags_hang_on_the_kernel),
        cmocka_unit_test(every_word_of_features_is_understood),
        cmocka_unit_test(every_mount_option_is_understood),
        cmocka_unit_test(the_example_can_be_read),
        cmocka_unit_test(unknown_figures_are_left_out),
        cmocka_unit_test(figures_are_in_runcs_units),
    };

    return cmocka_run_group_tests_name("oci_write", tests, NULL, NULL);
}
