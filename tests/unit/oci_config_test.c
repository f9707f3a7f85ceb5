/* config.json as a whole: version, root, names, annotations, what is filled in, and engines' own documents. */
#include <linux/mount.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mount.h>

#include "oci_fixture.h"

static void version(void **state)
{
#define REFUSED(text)    "ociVersion \"" text "\" is not supported, versions from 1.0.0 to 1.x are"
#define NO_VERSION(text) "ociVersion must be a version such as 1.2.1, not \"" text "\""
    static const struct fixture_case table[] = {
        { "ociVersion", NULL, "ociVersion is missing" },
        { "ociVersion", "1", "ociVersion must be a string, not 1" },
        { "ociVersion", "\"1.0.0\"", NULL },
        { "ociVersion", "\"1.0.2-dev\"", NULL },
        { "ociVersion", "\"1.2.0-rc.1+dev.x-2\"", NULL },
        { "ociVersion", "\"1.3.0\"", NULL },
        { "ociVersion", "\"1.0.0+build\"", NULL },
        { "ociVersion", "\"1.0.0-rc5\"", REFUSED("1.0.0-rc5") },
        { "ociVersion", "\"0.9.0\"", REFUSED("0.9.0") },
        { "ociVersion", "\"2.0.0\"", REFUSED("2.0.0") },
        { "ociVersion", "\"99.0.0\"", REFUSED("99.0.0") },
        { "ociVersion", "\"\"", NO_VERSION("") },
        { "ociVersion", "\"1\"", NO_VERSION("1") },
        { "ociVersion", "\"1.0\"", NO_VERSION("1.0") },
        { "ociVersion", "\"1.0.\"", NO_VERSION("1.0.") },
        { "ociVersion", "\"1.0.0.0\"", NO_VERSION("1.0.0.0") },
        { "ociVersion", "\"v1.0.0\"", NO_VERSION("v1.0.0") },
        { "ociVersion", "\"1.00.0\"", NO_VERSION("1.00.0") },
        { "ociVersion", "\"1.0.0 \"", NO_VERSION("1.0.0 ") },
        { "ociVersion", "\"1.0.0-\"", NO_VERSION("1.0.0-") },
        { "ociVersion", "\"1.0.0-a..b\"", NO_VERSION("1.0.0-a..b") },
        { "ociVersion", "\"1.0.0-\xc3\xa4\"", NO_VERSION("1.0.0-\xc3\xa4") },
        { "ociVersion", "\"1.0.-1\"", NO_VERSION("1.0.-1") },
        { "ociVersion", "\"1.99999999999999999999.0\"", NO_VERSION("1.99999999999999999999.0") },
    };

    (void)state;
    FIXTURE_CHECK(table);
}

static void top_fields(void **state)
{
    static const struct fixture_case table[] = {
        { "root", NULL, "root is missing" },
        { "root", "\"rootfs\"", "root must be an object, not \"rootfs\"" },
        { "root", "{}", "root.path is missing" },
        { "root.path", "\"\"", "root.path is empty" },
        { "root.path", "1", "root.path must be a string, not 1" },
        { "root.readonly", "\"yes\"", "root.readonly must be true or false, not \"yes\"" },
        { "hostname", "1", "hostname must be a string, not 1" },
        { "hostname", "\"\"", NULL },
        { "hostname", "\"0123456789012345678901234567890123456789012345678901234567890123\"",
          NULL },
        { "hostname", "\"01234567890123456789012345678901234567890123456789012345678901234\"",
          "hostname has 65 characters, at most 64 are allowed" },
        { "domainname", "[]", "domainname must be a string, not an array" },
        { "domainname", "\"example.org\"", NULL },
        { "annotations", "[]", "annotations must be an object, not an array" },
        { "annotations", "{\"a\": 1}", "annotations.a must be a string, not 1" },
        { "annotations", "{\"a\": {}}", "annotations.a must be a string, not an object" },
        { "annotations", "{\"\": \"x\"}", "annotations has an empty key" },
        { "annotations", "{\"a=b\": \"x\"}",
          "annotations: the key \"a=b\" has a '=', which is not supported" },
        { "unknown", "{\"a\": [null, true, 1.5]}", NULL },
        { "windows", "{\"layerFolders\": []}", NULL },
    };

    (void)state;
    FIXTURE_CHECK(table);
}

/* What the document does not say, and what the caller adds. */
static void filled_in(void **state)
{
    struct oci_context context = fixture_context;
    struct err err = ERR_INIT;
    struct spec *spec = fixture_spec(CHANGES("annotations", "{\"a.b/c\": \"x=y\", \"d\": \"\"}",
                                             "domainname", "\"example.org\""));

    (void)state;
    assert_true(spec->document && spec->identity_set && spec->limits_inside && !spec->init);
    assert_false(spec->rootless || spec->no_pivot || spec->no_new_keyring || spec->root_readonly);
    assert_int_equal(spec->measure, SPEC_MEASURE_ALL);
    assert_int_equal(spec->stop_signal, SIGTERM);
    assert_string_equal(spec->name, "box");
    assert_string_equal(spec->bundle, "/bundle");
    assert_string_equal(spec->rootfs, "/bundle/rootfs");
    assert_string_equal(spec->hostname, "box");
    assert_string_equal(spec->domainname, "example.org");
    assert_string_equal(spec->annotations[0], "a.b/c=x=y");
    assert_string_equal(spec->annotations[1], "d=");
    assert_null(spec->annotations[2]);
    assert_null(spec->cgroups_path);
    assert_null(spec->seccomp);
    spec_free(spec);

    context.rootless = context.no_pivot = context.no_new_keyring = true;
    char *text = fixture_document(
        CHANGES("root", "{\"path\": \"/abs/../r\", \"readonly\": true}", "hostname", "\"\""));
    assert_int_equal(oci_read_config(text, strlen(text), &context, &spec, &err), 0);
    assert_true(spec->rootless && spec->no_pivot && spec->no_new_keyring && spec->root_readonly);
    assert_string_equal(spec->rootfs, "/abs/../r");
    assert_null(spec->hostname);
    spec_free(spec);
    free(text);
}

/* The document is kept as it was, but on one line. */
static void kept_text(void **state)
{
    struct err err = ERR_INIT;
    struct spec *spec;
    struct buf text = BUF_INIT, line = BUF_INIT;

    (void)state;
    for (const char *c = base_document; *c; c++) {
        buf_puts(&text, *c == ',' ? ",\r\n\t" : (char[]){ *c, '\0' });
        buf_puts(&line, *c == ',' ? ",  \t" : (char[]){ *c, '\0' });
    }
    assert_int_equal(oci_read_config(text.data, text.len, &fixture_context, &spec, &err), 0);
    assert_string_equal(spec->text, buf_text(&line));
    spec_free(spec);
    /* and is a document again */
    assert_int_equal(oci_read_config(line.data, line.len, &fixture_context, &spec, &err), 0);
    spec_free(spec);
    buf_done(&text);
    buf_done(&line);
}

/* ---- documents of engines -------------------------------------------------------------------------------------- */

static struct spec *read_data(const char *name)
{
    char *path = text_format("%s/oci/%s", getenv("TEST_DATA"), name);
    struct buf text = BUF_INIT;
    struct err err = ERR_INIT;
    struct spec *spec;

    assert_non_null(path);
    if (file_read(-100, path, OCI_DOCUMENT_MAX, &text) < 0)
        fail_msg("%s cannot be read", path);
    if (oci_read_config(text.data, text.len, &fixture_context, &spec, &err) < 0)
        fail_msg("%s: %s", path, err.text);
    buf_done(&text);
    free(path);
    return spec;
}

static const struct spec_mount *mount_at(const struct spec *spec, const char *target)
{
    for (size_t i = 0; i < spec->n_mounts; i++) {
        if (strcmp(spec->mounts[i].target, target) == 0)
            return &spec->mounts[i];
    }
    fail_msg("nothing is mounted on %s", target);
    return NULL;
}

/* podman 4.3: --user, --cap-add, --ulimit, --tmpfs, -v, --sysctl, --device, --read-only and more. */
static void document_of_podman(void **state)
{
    struct spec *spec = read_data("podman.json");

    (void)state;
    assert_true(spec->namespaces ==
                (CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS));
    assert_true(spec->uid == 1000 && spec->gid == 1000 && spec->n_groups == 2);
    assert_true(spec->umask_set && spec->umask == 027 && spec->root_readonly);
    assert_true(spec->caps.effective == 1ull << 25 && spec->caps.ambient == 1ull << 25);
    assert_true(spec->oom_score_adj_set && spec->oom_score_adj == 100);
    assert_int_equal(spec->limits.value[LIMIT_RLIMIT_CORE].state, LIMIT_UNLIMITED);
    assert_int_equal(spec->limits.value[LIMIT_RLIMIT_NOFILE].hard, 200);
    assert_string_equal(spec->hostname, "hh");
    assert_string_equal(spec->cgroups_path, "/libpod_parent/libpod-0123456789abcdef");
    assert_int_equal(spec->n_mounts, 16 + 6 + 11);
    assert_int_equal(mount_at(spec, "/x")->kind, MOUNT_BIND);
    assert_true(mount_at(spec, "/x")->propagation == (MS_PRIVATE | MS_REC));
    assert_true(mount_at(spec, "/x")->attr_set == MOUNT_ATTR_RDONLY);
    assert_true(mount_at(spec, "/t")->copy_up);
    assert_string_equal(mount_at(spec, "/t")->data, "size=10m");
    assert_string_equal(mount_at(spec, "/dev")->data, "mode=755,size=65536k");
    assert_int_equal(mount_at(spec, "/sys/fs/cgroup")->kind, MOUNT_CGROUP);
    assert_int_equal(mount_at(spec, "/proc/kcore")->kind, MOUNT_MASK);
    assert_int_equal(mount_at(spec, "/proc/sys")->kind, MOUNT_REMOUNT);
    assert_string_equal(spec->devices[0].path, "/dev/fuse");
    assert_int_equal(spec->devices[0].mode, 0600);
    assert_int_equal(spec->n_devices, 7);
    assert_int_equal(spec->n_symlinks, 5);
    assert_int_equal(spec->n_sysctls, 2);
    assert_int_equal(spec->seccomp->default_errno, 38);
    assert_int_equal(spec->seccomp->n_rules, 11);
    assert_true(spec->seccomp->rules[6].arguments[0].value == 4294967295u);
    assert_int_equal(strv_length(spec->annotations), 8);
    spec_free(spec);
}

/* What containerd gives a container that asks for nothing. */
static void document_of_containerd(void **state)
{
    struct spec *spec = read_data("containerd.json");

    (void)state;
    assert_true(spec->tty && spec->no_new_privs && !spec->root_readonly);
    assert_string_equal(spec->rootfs, "/bundle/rootfs");
    assert_string_equal(spec->cgroups_path, "/default");
    assert_int_equal(spec->n_mounts, 7 + 5 + 10);
    assert_string_equal(mount_at(spec, "/dev/pts")->data,
                        "newinstance,ptmxmode=0666,mode=0620,gid=5");
    assert_true(mount_at(spec, "/run")->attr_set == (MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME));
    assert_int_equal(spec->limits.value[LIMIT_RLIMIT_NOFILE].number, 1024);
    assert_int_equal(spec->n_devices, 6);
    assert_null(spec->seccomp);
    assert_null(spec->env);
    spec_free(spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version),
        cmocka_unit_test(top_fields),
        cmocka_unit_test(filled_in),
        cmocka_unit_test(kept_text),
        cmocka_unit_test(document_of_podman),
        cmocka_unit_test(document_of_containerd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
