/* Judging what we are: capabilities, rlimits, user namespaces, ranges of ids. Pure. */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#include "doctor/facts.h"

/* ---- capabilities ------------------------------------------------------------------------------------ */

/* "CapEff:\t000001fffeffffff" of /proc/self/status. */
static bool capabilities_find(const char *status, uint64_t *ret)
{
    const char *line;
    size_t len;

    while (line_next(&status, &line, &len)) {
        uint64_t value = 0;
        const char *p = line + strlen("CapEff:");
        if (!text_starts(line, "CapEff:"))
            continue;
        p += strspn(p, " \t");
        size_t n = strspn(p, "0123456789abcdef");
        if (n == 0 || n > 16)
            return false;
        for (size_t i = 0; i < n; i++)
            value = value << 4 | (uint64_t)(p[i] <= '9' ? p[i] - '0' : p[i] - 'a' + 10);
        *ret = value;
        return true;
    }
    return false;
}

static bool has_capability(const struct facts *facts, unsigned capability)
{
    uint64_t mask;

    return capabilities_find(facts_text(facts, FILE_STATUS), &mask) &&
           (mask & UINT64_C(1) << capability);
}

/* What root needs. Without a vital one nothing can be run. */
static const struct {
    const char *name;
    unsigned number;
    bool vital;
} capability_table[] = {
    { "SYS_ADMIN", CAP_SYS_ADMIN, true },
    { "SETUID", CAP_SETUID, true },
    { "SETGID", CAP_SETGID, true },
    { "KILL", CAP_KILL, true },
    { "DAC_OVERRIDE", CAP_DAC_OVERRIDE, false },
    { "CHOWN", CAP_CHOWN, false },
    { "SETPCAP", CAP_SETPCAP, false },
    { "MKNOD", CAP_MKNOD, false },
    { "NET_ADMIN", CAP_NET_ADMIN, false },
    { "SYS_CHROOT", CAP_SYS_CHROOT, false },
};

void check_capabilities(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    _cleanup_buf_ struct buf missing = BUF_INIT;
    bool vital = false;

    (void)arg;
    if (facts->rootless) {
        finding_set(ret, DOCTOR_OK, "not needed: a user namespace gives its own");
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(capability_table); i++) {
        if (has_capability(facts, capability_table[i].number))
            continue;
        buf_printf(&missing, " %s", capability_table[i].name);
        vital = vital || capability_table[i].vital;
    }
    if (missing.len == 0) {
        finding_set(ret, DOCTOR_OK, "all that ration needs");
        return;
    }
    finding_set(ret, vital ? DOCTOR_BAD : DOCTOR_WARN, "root, but without%s", buf_text(&missing));
    finding_why(ret, vital ? "namespaces, mounts and groups cannot be made"
                           : "some options are refused");
    finding_mend(ret, "run outside of the container, or start that with --cap-add of these");
}

/* ---- hard rlimits ------------------------------------------------------------------------------------ */

/* "Max open files   1024   20000   files": the second number, as text ("unlimited" too). */
static bool hard_limit_find(const char *limits, const char *name, char *ret, size_t size)
{
    const char *line;
    size_t len;

    while (line_next(&limits, &line, &len)) {
        if (!text_starts(line, name))
            continue;
        const char *p = line + strlen(name);
        p += strspn(p, " ");
        p += strcspn(p, " \n");
        p += strspn(p, " ");
        snprintf(ret, size, "%.*s", (int)strcspn(p, " \n"), p);
        return *ret != '\0';
    }
    return false;
}

void check_rlimits(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    const char *limits = facts_text(facts, FILE_LIMITS);
    char files[24] = "?", processes[24] = "?";

    (void)arg;
    if (has_capability(facts, CAP_SYS_RESOURCE)) {
        finding_set(ret, DOCTOR_OK, "can be raised");
        return;
    }
    hard_limit_find(limits, "Max open files", files, sizeof(files));
    hard_limit_find(limits, "Max processes", processes, sizeof(processes));
    /* That is how it is for ordinary users; root was robbed of it. */
    finding_set(ret, facts->rootless ? DOCTOR_OK : DOCTOR_NOTE,
                "can only be lowered: %s open files, %s processes at most", files, processes);
    finding_why(ret, "without CAP_SYS_RESOURCE, --ulimit above our own hard limit is refused");
    finding_mend(ret, "give the surrounding container CAP_SYS_RESOURCE");
}

/* ---- user namespaces ---------------------------------------------------------------------------------- */

/* A setting that forbids them; NULL: none does. */
static const char *userns_obstacle(const struct facts *facts, const char **ret_mend)
{
    uint64_t number;

    *ret_mend = NULL;
    if (facts->file[FILE_MAX_USERNS].error < 0) {
        *ret_mend = "use a kernel that has CONFIG_USER_NS";
        return "the kernel was built without them";
    }
    if (facts_number(facts, FILE_MAX_USERNS, &number) && number == 0) {
        *ret_mend = "sysctl user.max_user_namespaces=15000";
        return "user.max_user_namespaces is 0";
    }
    if (!facts->rootless)
        return NULL;
    if (facts_number(facts, FILE_USERNS_CLONE, &number) && number == 0) {
        *ret_mend = "sudo sysctl kernel.unprivileged_userns_clone=1";
        return "kernel.unprivileged_userns_clone is 0";
    }
    if (facts_number(facts, FILE_USERNS_APPARMOR, &number) && number == 1 &&
        (!facts->probes.done || facts->probes.userns_mount < 0)) {
        *ret_mend = "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0";
        return "AppArmor keeps ordinary users from using them";
    }
    return NULL;
}

void check_userns(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    /* Root needs them for --userns only; everybody else for everything. */
    enum doctor_verdict verdict = facts->rootless ? DOCTOR_BAD : DOCTOR_NOTE;
    const struct probes *probes = &facts->probes;
    const char *mend, *obstacle = userns_obstacle(facts, &mend);

    (void)arg;
    if (obstacle)
        finding_set(ret, verdict, "%s", obstacle);
    else if (probes->done && probes->userns < 0)
        finding_set(ret, verdict, "making one fails: %s", err_name(-probes->userns));
    else if (probes->done && probes->userns_mount < 0)
        finding_set(ret, verdict, "one can be made, but nothing mounted in it: %s",
                    err_name(-probes->userns_mount));
    if (ret->found) {
        finding_why(ret, "%s",
                    facts->rootless ? "without root everything is made in one"
                                    : "--userns is refused, and without root nothing runs");
        if (mend)
            finding_mend(ret, "%s", mend);
        return;
    }
    finding_set(ret, DOCTOR_OK, "%s",
                probes->done ? "one was made and mounted in" : "no setting forbids them");
}

/* ---- ranges of ids ------------------------------------------------------------------------------------- */

/* The login name of a user number by /etc/passwd, "" when there is none. */
static void login_find(const char *passwd, unsigned uid, char *ret, size_t size)
{
    const char *line;
    size_t len;
    char number[16];

    ret[0] = '\0';
    snprintf(number, sizeof(number), "%u", uid);
    while (line_next(&passwd, &line, &len)) {
        size_t name = strcspn(line, ":\n");
        const char *p = line + name;
        if (name == 0 || *p != ':')
            continue;
        p++;
        p += strcspn(p, ":\n");
        if (*p != ':' || strcspn(p + 1, ":\n") != strlen(number) ||
            memcmp(p + 1, number, strlen(number)) != 0)
            continue;
        snprintf(ret, size, "%.*s", (int)name, line);
        return;
    }
}

/* How many ids "NAME-OR-NUMBER:START:COUNT" lines give in all (subuid(5)). */
static uint64_t range_count(const char *text, const char *login, unsigned uid)
{
    const char *line;
    uint64_t total = 0;
    size_t len;
    char number[16];

    snprintf(number, sizeof(number), "%u", uid);
    while (line_next(&text, &line, &len)) {
        size_t name = strcspn(line, ":\n");
        const char *last = memrchr(line, ':', len);
        bool ours = (name == strlen(number) && memcmp(line, number, name) == 0) ||
                    (*login && name == strlen(login) && memcmp(line, login, name) == 0);
        char digits[24];
        uint64_t count;
        if (!ours || !last || last == line + name)
            continue;
        snprintf(digits, sizeof(digits), "%.*s", (int)(line + len - last - 1), last + 1);
        if (number_parse(digits, UINT32_MAX, &count) == 0)
            total += count;
    }
    return total;
}

void check_id_ranges(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    char login[64];

    (void)arg;
    if (!facts->rootless) {
        finding_set(ret, DOCTOR_OK, "not needed: root maps ids itself");
        return;
    }
    login_find(facts_text(facts, FILE_PASSWD), facts->uid, login, sizeof(login));
    uint64_t users = range_count(facts_text(facts, FILE_SUBUID), login, facts->uid);
    uint64_t groups = range_count(facts_text(facts, FILE_SUBGID), login, facts->uid);
    if (facts->newuidmap == HELPER_READY && users > 0 && groups > 0) {
        finding_set(ret, DOCTOR_OK, "%llu users and %llu groups besides our own",
                    (unsigned long long)users, (unsigned long long)groups);
        return;
    }
    finding_why(ret, "a run has one user and one group only, our own");
    if (facts->newuidmap == HELPER_ABSENT) {
        finding_set(ret, DOCTOR_NOTE, "newuidmap is not installed");
        finding_mend(ret, "sudo apt install uidmap");
    } else if (facts->newuidmap == HELPER_POWERLESS) {
        finding_set(ret, DOCTOR_NOTE, "newuidmap is there, without the right to map");
        finding_mend(ret, "sudo chmod u+s /usr/bin/newuidmap /usr/bin/newgidmap");
    } else {
        finding_set(ret, DOCTOR_NOTE, "/etc/%s gives user %s none", users ? "subgid" : "subuid",
                    *login ? login : "without a name");
        finding_mend(ret, "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s",
                     *login ? login : "USER");
    }
}
