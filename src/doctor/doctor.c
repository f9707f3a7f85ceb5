/* The table of checks, and running it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "doctor/doctor.h"
#include "doctor/facts.h"

#define CONTROLLER_CHECK(name, id)                                   \
    {                                                                \
        "controller-" name, "controller " name, check_controller, id \
    }

const struct check check_table[] = {
    { "layout", "cgroup layout", check_layout, 0 },
    CONTROLLER_CHECK("memory", CONTROLLER_MEMORY),
    CONTROLLER_CHECK("cpu", CONTROLLER_CPU),
    CONTROLLER_CHECK("pids", CONTROLLER_PIDS),
    CONTROLLER_CHECK("cpuset", CONTROLLER_CPUSET),
    CONTROLLER_CHECK("io", CONTROLLER_IO),
    CONTROLLER_CHECK("devices", CONTROLLER_DEVICES),
    CONTROLLER_CHECK("cpuacct", CONTROLLER_CPUACCT),
    CONTROLLER_CHECK("freezer", CONTROLLER_FREEZER),
    CONTROLLER_CHECK("hugetlb", CONTROLLER_HUGETLB),
    CONTROLLER_CHECK("net_cls", CONTROLLER_NET_CLS),
    CONTROLLER_CHECK("net_prio", CONTROLLER_NET_PRIO),
    CONTROLLER_CHECK("perf_event", CONTROLLER_PERF_EVENT),
    CONTROLLER_CHECK("rdma", CONTROLLER_RDMA),
    CONTROLLER_CHECK("misc", CONTROLLER_MISC),
    { "delegation", "delegation", check_delegation, 0 },
    { "manager", "manager of the tree", check_manager, 0 },
    { "mount-options", "mount options", check_mount_options, 0 },
    { "cgroup-kill", "killing a group", check_kill, 0 },
    { "cpuset-seeds", "CPUs and nodes", check_cpuset, 0 },
    { "swap-accounting", "swap accounting", check_swap, 0 },
    { "io-scheduler", "I/O schedulers", check_disks, 0 },
    { "forwarding", "passing packets on", check_forwarding, 0 },
    { "pressure", "pressure (PSI)", check_pressure, 0 },
    { "system-calls", "system calls", check_calls, 0 },
    { "seccomp", "seccomp", check_seccomp, 0 },
    { "overlay", "overlay file system", check_overlay, 0 },
    { "terminal", "pseudo-terminals", check_terminal, 0 },
    { "capabilities", "capabilities", check_capabilities, 0 },
    { "rlimits", "hard rlimits", check_rlimits, 0 },
    { "user-namespaces", "user namespaces", check_userns, 0 },
    { "id-ranges", "ranges of ids", check_id_ranges, 0 },
    { "run-directory", "run directory", check_run_directory, 0 },
    { "records", "records of runs", check_records, 0 },
    { "groups", "groups of runs", check_strays, 0 },
};

const size_t check_count = ARRAY_SIZE(check_table);

const char *doctor_verdict_name(enum doctor_verdict verdict)
{
    static const char *const name_table[] = {
        [DOCTOR_OK] = "ok",
        [DOCTOR_NOTE] = "note",
        [DOCTOR_WARN] = "warn",
        [DOCTOR_BAD] = "bad",
    };

    return (size_t)verdict < ARRAY_SIZE(name_table) ? name_table[verdict] : "?";
}

/* ---- findings ------------------------------------------------------------------------------------- */

static void finding_text(char **text, const char *fmt, va_list ap)
{
    free(*text);
    if (vasprintf(text, fmt, ap) < 0)
        *text = NULL;
}

void finding_set(struct doctor_finding *f, enum doctor_verdict verdict, const char *fmt, ...)
{
    va_list ap;

    f->verdict = verdict;
    va_start(ap, fmt);
    finding_text(&f->found, fmt, ap);
    va_end(ap);
}

void finding_why(struct doctor_finding *f, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    finding_text(&f->why, fmt, ap);
    va_end(ap);
}

void finding_mend(struct doctor_finding *f, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    finding_text(&f->mend, fmt, ap);
    va_end(ap);
}

/* ---- reports --------------------------------------------------------------------------------------- */

void doctor_report_free(struct doctor_report *report)
{
    if (!report)
        return;
    for (size_t i = 0; i < report->n_findings; i++) {
        free(report->findings[i].found);
        free(report->findings[i].why);
        free(report->findings[i].mend);
    }
    free(report->findings);
    free(report);
}

void doctor_report_freep(struct doctor_report **report)
{
    doctor_report_free(*report);
}

unsigned doctor_attention(const struct doctor_report *report)
{
    return report->count[DOCTOR_WARN] + report->count[DOCTOR_BAD];
}

/* Judge the facts: each row of the table in turn. NULL: out of memory. */
static struct doctor_report *report_new(const struct facts *facts)
{
    struct doctor_report *report = calloc(1, sizeof(*report));

    if (!report)
        return NULL;
    memcpy(report->release, facts->release, sizeof(report->release));
    report->uid = facts->uid;
    report->rootless = facts->rootless;
    report->findings = calloc(check_count, sizeof(*report->findings));
    for (size_t i = 0; report->findings && i < check_count; i++) {
        struct doctor_finding *f = &report->findings[report->n_findings++];
        *f = (struct doctor_finding){ .id = check_table[i].id, .title = check_table[i].title };
        check_table[i].fn(facts, check_table[i].arg, f);
        report->count[f->verdict]++;
        if (!f->found)
            break;
    }
    if (report->n_findings == check_count && report->findings[check_count - 1].found)
        return report;
    doctor_report_free(report);
    return NULL;
}

/* What the cgroup room finds; that it finds nothing is a finding, not a failure. */
static void cgroups_read(const struct cgroups *cgroups, const struct err *err, struct facts *facts)
{
    if (!cgroups) {
        snprintf(facts->cgroups_error, sizeof(facts->cgroups_error), "%s", err->text);
        return;
    }
    facts->layout = cgroups_layout(cgroups);
    while (
        facts->n_hierarchies < FACTS_HIERARCHIES &&
        cgroups_hierarchy(cgroups, facts->n_hierarchies, &facts->hierarchy[facts->n_hierarchies]))
        facts->n_hierarchies++;
}

static int facts_gather(const struct doctor_options *options, const struct cgroups *cgroups,
                        const struct err *cgroups_error, struct facts *facts)
{
    int r = facts_read(options, options->root_fd, facts);

    cgroups_read(cgroups, cgroups_error, facts);
    if (r >= 0)
        r = run_directory_read(options, facts);
    if (r >= 0)
        r = strays_read(options, facts);
    if (r >= 0 && options->root_fd < 0)
        probes_run(&facts->probes);
    return r;
}

int doctor_check(const struct doctor_options *options, struct doctor_report **ret, struct err *err)
{
    _cleanup_(cgroups_closep) struct cgroups *cgroups = NULL;
    struct cgroups_options cgroups_options = { .root_fd = options->root_fd,
                                               .parent = options->parent,
                                               .rootless = options->rootless };
    struct err cgroups_error = ERR_INIT;
    struct facts *facts = calloc(1, sizeof(*facts));

    if (!facts)
        return err_nomem(err);
    if (cgroups_open(&cgroups_options, &cgroups, &cgroups_error) < 0)
        cgroups = NULL;
    int r = facts_gather(options, cgroups, &cgroups_error, facts);
    if (r >= 0) {
        *ret = report_new(facts);
        r = *ret ? 0 : -ENOMEM;
    }
    facts_done(facts);
    free(facts);
    if (r == -ENOMEM)
        return err_nomem(err);
    return r < 0 ? err_set(err, -r, "cannot look at this machine: %s", err_name(-r)) : 0;
}
