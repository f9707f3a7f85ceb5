/* Judging the kernel: pressure, system calls, filters, overlays, terminals. Pure. */
#include <errno.h>
#include <string.h>

#include "doctor/facts.h"

void check_pressure(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    int error = facts->file[FILE_PRESSURE].error;

    (void)arg;
    if (error >= 0) {
        finding_set(ret, DOCTOR_OK, "the kernel tells how long tasks waited");
        return;
    }
    finding_set(ret, DOCTOR_NOTE, "%s",
                error == -EOPNOTSUPP ? "the kernel has it, switched off at boot"
                                     : "the kernel was built without it");
    finding_why(ret, "the report has no figures of pressure");
    finding_mend(ret, "%s",
                 error == -EOPNOTSUPP ? "boot with psi=1" : "use a kernel that has CONFIG_PSI");
}

/* Said before it is done: it is a setting of the whole machine's. */
void check_forwarding(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    const char *text = facts_text(facts, FILE_FORWARDING);

    (void)arg;
    if (*text == '1') {
        finding_set(ret, DOCTOR_OK,
                    "the machine passes packets on, as networks of containers need");
        return;
    }
    if (*text == '\0') {
        finding_set(ret, DOCTOR_NOTE, "the kernel was built without IPv4");
        finding_why(ret, "there are no networks of containers");
        return;
    }
    finding_set(
        ret, DOCTOR_OK,
        "off; the first container with --network bridge turns net.ipv4.ip_forward on, and it "
        "stays on");
}

void check_calls(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    _cleanup_buf_ struct buf missing = BUF_INIT;
    bool filtered = false;

    (void)arg;
    if (!facts->probes.done) {
        finding_set(ret, DOCTOR_OK, "not tried: this is not the running machine");
        return;
    }
    for (unsigned i = 0; i < PROBE_COUNT; i++) {
        if (facts->probes.call[i] >= 0)
            continue;
        buf_printf(&missing, "%s%s", missing.len ? ", " : "", probe_call_name((enum probe_call)i));
        filtered = filtered || facts->probes.call[i] == -EPERM;
    }
    if (missing.len == 0) {
        finding_set(ret, DOCTOR_OK, "clone3, openat2, pidfds and the mount calls are there");
        return;
    }
    finding_set(ret, DOCTOR_BAD, "%s: %s", filtered ? "refused by a filter" : "missing",
                buf_text(&missing));
    finding_why(ret, "ration starts commands and prepares their mounts by these");
    finding_mend(ret, "%s",
                 filtered ? "start the surrounding container with a seccomp profile that "
                            "allows them"
                          : "use Linux 5.12 or later");
}

void check_seccomp(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    uint64_t mode = 0;

    (void)arg;
    if (!keyed_find_u64(facts_text(facts, FILE_STATUS), "Seccomp", &mode) ||
        facts->file[FILE_SECCOMP_ACTIONS].error < 0) {
        finding_set(ret, DOCTOR_WARN, "the kernel was built without filters of system calls");
        finding_why(ret, "a command's system calls cannot be restricted");
        finding_mend(ret, "use a kernel that has CONFIG_SECCOMP_FILTER");
        return;
    }
    if (mode == 0) {
        finding_set(ret, DOCTOR_OK, "filters can be had; ration itself is under none");
        return;
    }
    finding_set(ret, DOCTOR_NOTE, "ration itself is under a filter of system calls");
    finding_why(ret, "what it forbids may be missing in runs, mounts and namespaces first of all");
    finding_mend(ret, "start the surrounding container with a wider seccomp profile");
}

void check_overlay(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    bool known = text_has_word(facts_text(facts, FILE_FILESYSTEMS), "overlay");
    int in_userns = facts->probes.done ? facts->probes.userns_overlay : 0;

    (void)arg;
    if (!known && !facts->overlay_module) {
        finding_set(ret, DOCTOR_NOTE, "the kernel has none");
        finding_why(ret, "images of several layers cannot be put together by mounting");
        finding_mend(ret, "use a kernel that has CONFIG_OVERLAY_FS");
        return;
    }
    if (facts->rootless && known && in_userns < 0) {
        finding_set(ret, DOCTOR_NOTE, "there is one, not for user namespaces: %s",
                    err_name(-in_userns));
        finding_why(ret, "images of several layers cannot be put together without root");
        finding_mend(ret, "use Linux 5.11 or later");
        return;
    }
    finding_set(ret, DOCTOR_OK, "%s%s", known ? "there is one" : "a module that is not loaded yet",
                known && facts->probes.done && in_userns == 0 ? ", for user namespaces too" : "");
}

/* Is a file system of that type mounted there? "... / /dev/pts rw - devpts devpts rw" */
static bool mounted_at(const char *mounts, const char *point, const char *type)
{
    const char *line;
    size_t len;
    char at[64], is[64];

    snprintf(at, sizeof(at), " %s ", point);
    snprintf(is, sizeof(is), " - %s ", type);
    while (line_next(&mounts, &line, &len)) {
        const char *found = memmem(line, len, at, strlen(at));
        if (found && memmem(found, (size_t)(line + len - found), is, strlen(is)))
            return true;
    }
    return false;
}

void check_terminal(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    bool mounted = mounted_at(facts_text(facts, FILE_MOUNTS), "/dev/pts", "devpts");
    int error = facts->probes.done ? facts->probes.terminal : 0;

    (void)arg;
    if (mounted && error == 0) {
        finding_set(ret, DOCTOR_OK, "devpts is mounted%s",
                    facts->probes.done ? " and gives new terminals" : "");
        return;
    }
    if (!mounted)
        finding_set(ret, DOCTOR_NOTE, "no devpts is mounted at /dev/pts");
    else
        finding_set(ret, DOCTOR_WARN, "/dev/ptmx gives no new terminal: %s", err_name(-error));
    finding_why(ret,
                "a terminal for --tty is made inside of the run, and needs nothing of this; the "
                "surrounding one may be missing");
    finding_mend(ret, "%s",
                 mounted ? "see /proc/sys/kernel/pty/max and who uses it"
                         : "mount -t devpts devpts /dev/pts");
}
