/*
 * The features document (features.md and features-linux.md of the specification): what this program
 * understands, whatever the machine has. Only what OCI_VERSION defines may be in it.
 */
#include <seccomp.h>
#include <string.h>

#include "oci/write.h"

/* As bundle's reader knows them: mount_options.c. */
static const char mount_options[] =
    "async atime bind defaults dev diratime dirsync exec idmap iversion lazytime loud mand noatime "
    "nodev nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid "
    "nosymfollow private ratime rbind rdev rdiratime relatime remount rexec ridmap rnoatime rnodev "
    "rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate rrelatime rro "
    "rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared silent slave "
    "strictatime suid symfollow sync tmpcopyup unbindable";

static const char actions[] =
    "SCMP_ACT_ALLOW SCMP_ACT_ERRNO SCMP_ACT_KILL SCMP_ACT_KILL_PROCESS SCMP_ACT_KILL_THREAD "
    "SCMP_ACT_LOG SCMP_ACT_NOTIFY SCMP_ACT_TRACE SCMP_ACT_TRAP";

static const char operators[] = "SCMP_CMP_EQ SCMP_CMP_GE SCMP_CMP_GT SCMP_CMP_LE SCMP_CMP_LT "
                                "SCMP_CMP_MASKED_EQ SCMP_CMP_NE";

static const char architectures[] =
    "SCMP_ARCH_AARCH64 SCMP_ARCH_ARM SCMP_ARCH_LOONGARCH64 SCMP_ARCH_M68K SCMP_ARCH_MIPS "
    "SCMP_ARCH_MIPS64 SCMP_ARCH_MIPS64N32 SCMP_ARCH_MIPSEL SCMP_ARCH_MIPSEL64 "
    "SCMP_ARCH_MIPSEL64N32 SCMP_ARCH_PARISC SCMP_ARCH_PARISC64 SCMP_ARCH_PPC SCMP_ARCH_PPC64 "
    "SCMP_ARCH_PPC64LE SCMP_ARCH_RISCV64 SCMP_ARCH_S390 SCMP_ARCH_S390X SCMP_ARCH_SH "
    "SCMP_ARCH_SHEB "
    "SCMP_ARCH_X32 SCMP_ARCH_X86 SCMP_ARCH_X86_64";

/* Each flag came with a kernel; the actions it has tell how old it is at most. */
static const struct {
    const char *flag;
    const char *with; /* an action that came no earlier, or NULL: no action tells */
} flag_table[] = {
    { "SECCOMP_FILTER_FLAG_TSYNC", "errno" },
    { "SECCOMP_FILTER_FLAG_LOG", "log" },
    { "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "user_notif" },
    { "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", NULL },
};

static bool has_word(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = words; at && (at = strstr(at, word)); at += len) {
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    }
    return false;
}

static json_t *flag_list(const char *actions_avail, bool all)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < ARRAY_SIZE(flag_table); i++) {
        if (!all && (!flag_table[i].with || !has_word(actions_avail, flag_table[i].with)))
            continue;
        if (json_array_append_new(list, json_string(flag_table[i].flag)) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *capability_list(void)
{
    json_t *list = json_array();
    const char *name;
    char text[48];

    for (int i = 0; list && (name = capability_name(i)); i++) {
        snprintf(text, sizeof(text), "CAP_%s", name);
        if (json_array_append_new(list, json_string(text)) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static bool add_cgroup(json_t *document, const struct oci_features *features)
{
    const bool versions[] = { features->has_v1, features->has_v2 };
    char path[32];

    for (unsigned i = 0; i < ARRAY_SIZE(versions); i++) {
        snprintf(path, sizeof(path), "linux.cgroup.v%u", i + 1);
        if (!write_at(document, path, json_boolean(versions[i])))
            return false;
    }
    return write_at(document, "linux.cgroup.systemd", json_boolean(features->has_systemd)) &&
           write_at(document, "linux.cgroup.systemdUser", json_boolean(features->has_systemd)) &&
           write_at(document, "linux.cgroup.rdma", json_true());
}

static bool add_seccomp(json_t *document, const char *actions_avail)
{
    return write_at(document, "linux.seccomp", write_enabled(true)) &&
           write_at(document, "linux.seccomp.actions", write_words(actions)) &&
           write_at(document, "linux.seccomp.operators", write_words(operators)) &&
           write_at(document, "linux.seccomp.archs", write_words(architectures)) &&
           write_at(document, "linux.seccomp.knownFlags", flag_list(NULL, true)) &&
           write_at(document, "linux.seccomp.supportedFlags", flag_list(actions_avail, false));
}

static bool add_linux(json_t *document, const struct oci_features *features)
{
    const char *namespaces = features->has_userns ? "cgroup ipc mount network pid time user uts"
                                                  : "cgroup ipc mount network pid time uts";

    return write_at(document, "linux.namespaces", write_words(namespaces)) &&
           write_at(document, "linux.capabilities", capability_list()) &&
           add_cgroup(document, features) && add_seccomp(document, features->seccomp_actions) &&
           write_at(document, "linux.apparmor", write_enabled(features->has_apparmor)) &&
           write_at(document, "linux.selinux", write_enabled(features->has_selinux)) &&
           write_at(document, "linux.intelRdt", write_enabled(features->has_rdt)) &&
           write_at(document, "linux.mountExtensions.idmap", write_enabled(features->has_idmap));
}

/* Names with dots of their own, which write_at() would take for a path. */
static bool add_annotations(json_t *document, const struct oci_features *features)
{
    char library[32];

    snprintf(library, sizeof(library), "%d.%d.%d", SCMP_VER_MAJOR, SCMP_VER_MINOR, SCMP_VER_MICRO);
    json_t *map = json_pack("{s:s, s:s, s:s}", "io.github.seccomp.libseccomp.version", library,
                            "org.opencontainers.runc.checkpoint.enabled",
                            features->has_criu ? "true" : "false", "org.ration.version",
                            text_or_empty(features->version));
    return json_object_set_new(document, "annotations", map) == 0;
}

void oci_write_features(const struct oci_features *features, struct buf *ret)
{
    json_t *document = json_object();
    bool ok =
        document && write_at(document, "ociVersionMin", json_string(OCI_VERSION_MIN)) &&
        write_at(document, "ociVersionMax", json_string(OCI_VERSION)) &&
        write_at(document, "hooks",
                 write_words("prestart createRuntime createContainer startContainer poststart "
                             "poststop")) &&
        write_at(document, "mountOptions", write_words(mount_options)) &&
        add_linux(document, features) && add_annotations(document, features) &&
        /* No annotation of a bundle changes anything here. */
        write_at(document, "potentiallyUnsafeConfigAnnotations", json_array());
    if (!ok) {
        json_decref(document);
        document = NULL;
    }
    write_finish(document, ret);
}
