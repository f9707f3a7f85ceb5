/*
 * The example document of `spec`: a shell in the rootfs beside it, with few rights. One text with what differs
 * for ordinary users added to it, so that it reads as what it is.
 */
#include <string.h>

#include "oci/write.h"

static const char process_text[] =
    "{\"terminal\":true,\"user\":{\"uid\":0,\"gid\":0},\"args\":[\"sh\"],"
    "\"env\":[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\","
    "\"TERM=xterm\"],\"cwd\":\"/\",\"capabilities\":{},"
    "\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"hard\":1024,\"soft\":1024}],"
    "\"noNewPrivileges\":true}";

static const char capabilities[] = "CAP_AUDIT_WRITE CAP_KILL CAP_NET_BIND_SERVICE";

static const char readonly_paths[] = "/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger";
static const char masked_paths[] =
    "/proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats "
    "/proc/sched_debug /proc/scsi /proc/timer_list /proc/timer_stats /sys/devices/virtual/powercap "
    "/sys/firmware";

static const struct {
    const char *destination, *type, *source;
    const char *options; /* "": none */
    bool root, user;     /* for whom */
} mount_table[] = {
    { "/proc", "proc", "proc", "nosuid noexec nodev", true, true },
    { "/dev", "tmpfs", "tmpfs", "nosuid strictatime mode=755 size=65536k", true, true },
    { "/dev/pts", "devpts", "devpts", "nosuid noexec newinstance ptmxmode=0666 mode=0620 gid=5",
      true, false },
    { "/dev/pts", "devpts", "devpts", "nosuid noexec newinstance ptmxmode=0666 mode=0620", false,
      true },
    { "/dev/shm", "tmpfs", "shm", "nosuid noexec nodev mode=1777 size=65536k", true, true },
    { "/dev/mqueue", "mqueue", "mqueue", "nosuid noexec nodev", true, true },
    { "/sys", "sysfs", "sysfs", "nosuid noexec nodev ro", true, false },
    /* A new sysfs needs a network namespace of one's own; the machine's is shown instead. */
    { "/sys", "none", "/sys", "rbind nosuid noexec nodev ro", false, true },
    { "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid noexec nodev relatime ro", true, false },
};

static json_t *make_process(void)
{
    static const char *const set_table[] = { "bounding", "effective", "permitted" };
    json_t *process = json_loads(process_text, 0, NULL);
    json_t *sets = json_object_get(process, "capabilities");

    for (size_t i = 0; i < ARRAY_SIZE(set_table); i++) {
        if (json_object_set_new(sets, set_table[i], write_words(capabilities)) < 0) {
            json_decref(process);
            return NULL;
        }
    }
    return process;
}

static json_t *make_mounts(bool rootless)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < ARRAY_SIZE(mount_table); i++) {
        if (!(rootless ? mount_table[i].user : mount_table[i].root))
            continue;
        json_t *mount = json_pack("{s:s, s:s, s:s, s:o}", "destination", mount_table[i].destination,
                                  "type", mount_table[i].type, "source", mount_table[i].source,
                                  "options", write_words(mount_table[i].options));
        if (json_array_append_new(list, mount) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *make_namespaces(bool rootless)
{
    static const char *const root_table[] = { "pid", "network", "ipc", "uts", "mount", "cgroup" };
    static const char *const user_table[] = { "pid", "ipc", "uts", "mount", "cgroup", "user" };
    const char *const *table = rootless ? user_table : root_table;
    json_t *list = json_array();

    for (size_t i = 0; list && i < ARRAY_SIZE(root_table); i++) {
        if (json_array_append_new(list, json_pack("{s:s}", "type", table[i])) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *make_map(unsigned outside)
{
    return json_pack("[{s:i, s:I, s:i}]", "containerID", 0, "hostID", (json_int_t)outside, "size",
                     1);
}

static bool add_linux(json_t *document, bool rootless, uid_t uid, gid_t gid)
{
    bool ok = rootless ? write_at(document, "linux.uidMappings", make_map(uid)) &&
                             write_at(document, "linux.gidMappings", make_map(gid))
                       : write_at(document, "linux.resources.devices",
                                  json_pack("[{s:b, s:s}]", "allow", 0, "access", "rwm"));

    return ok && write_at(document, "linux.namespaces", make_namespaces(rootless)) &&
           write_at(document, "linux.maskedPaths", write_words(masked_paths)) &&
           write_at(document, "linux.readonlyPaths", write_words(readonly_paths));
}

void oci_write_example(bool rootless, uid_t uid, gid_t gid, struct buf *ret)
{
    json_t *document = json_object();
    bool ok =
        document && write_at(document, "ociVersion", json_string(OCI_VERSION)) &&
        write_at(document, "process", make_process()) &&
        write_at(document, "root", json_pack("{s:s, s:b}", "path", "rootfs", "readonly", 1)) &&
        write_at(document, "hostname", json_string("ration")) &&
        write_at(document, "mounts", make_mounts(rootless)) &&
        add_linux(document, rootless, uid, gid);

    if (!ok) {
        json_decref(document);
        document = NULL;
    }
    write_finish(document, ret);
}
