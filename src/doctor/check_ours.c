/* Judging what is ours: the run directory, records and groups of runs that are dead. Pure. */
#include <errno.h>
#include <string.h>

#include "doctor/facts.h"

#define NAMES_SHOWN 5

static const char fix_command[] = "ration doctor --fix";

void check_run_directory(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    (void)arg;
    if (facts->run_error == -ENOENT) {
        finding_set(ret, DOCTOR_OK, "%s is not there yet; the first run makes it", facts->run_path);
        return;
    }
    if (facts->run_error < 0) {
        finding_set(ret, DOCTOR_BAD, "%s", facts->run_sentence);
        finding_why(ret, "each run is put on record there before anything of it is made");
        if (facts->run_error == -EPERM)
            finding_mend(
                ret, "chmod 700 %s, if it is ours and nobody has tampered with it; else remove it",
                facts->run_path);
        else if (facts->run_error == -ENOTDIR)
            finding_mend(ret, "rm %s", facts->run_path);
        return;
    }
    if (facts->run_full) {
        finding_set(ret, DOCTOR_BAD, "the file system of %s is full", facts->run_path);
        finding_why(ret, "each run is put on record there before anything of it is made");
        finding_mend(ret, "df %s, and make room", facts->run_path);
        return;
    }
    finding_set(ret, DOCTOR_OK, "%s", facts->run_path);
}

void check_records(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    _cleanup_buf_ struct buf names = BUF_INIT;
    size_t dead = strv_length(facts->dead);

    (void)arg;
    ret->fixed = facts->reclaimed > 0;
    if (dead == 0) {
        if (facts->reclaimed > 0)
            finding_set(ret, DOCTOR_OK, "%u cleared away; %u alive", facts->reclaimed, facts->live);
        else
            finding_set(ret, DOCTOR_OK, "%u alive, none dead", facts->live);
        return;
    }
    for (size_t i = 0; i < dead && i < NAMES_SHOWN; i++)
        buf_printf(&names, " %s", facts->dead[i]);
    finding_set(ret, DOCTOR_WARN, "%zu of runs that are dead:%s%s", dead, buf_text(&names),
                dead > NAMES_SHOWN ? " ..." : "");
    ret->fixable = true;
    if (facts->reclaim_failed > 0)
        finding_why(ret, "not cleared away: %s", facts->reclaim_sentence);
    else
        finding_why(ret, "groups and processes of theirs may still be there");
    finding_mend(ret, "%s", fix_command);
}

void check_strays(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    const char *populated = NULL, *empty = NULL;
    size_t n_populated = 0;

    (void)arg;
    for (size_t i = 0; i < facts->n_strays; i++) {
        const struct stray *stray = &facts->strays[i];
        n_populated += stray->populated;
        if (stray->populated && !populated)
            populated = stray->path;
        if (!stray->populated && !empty)
            empty = stray->path;
    }
    ret->fixed = facts->strays_removed > 0;
    if (facts->n_strays == 0) {
        if (facts->strays_removed > 0)
            finding_set(ret, DOCTOR_OK, "%u without a record removed", facts->strays_removed);
        else
            finding_set(ret, DOCTOR_OK, "none without a record");
        return;
    }
    finding_set(ret, DOCTOR_WARN, "%zu without a record in %s, such as %s", facts->n_strays,
                facts->run_path, empty ? empty : populated);
    ret->fixable = empty != NULL;
    if (n_populated > 0) {
        finding_why(ret, "%zu of them %s processes, and may be a run's with another run directory",
                    n_populated, n_populated == 1 ? "has" : "have");
        finding_mend(ret, "%s%send what 'find %s -name cgroup.procs -exec cat {} +' names",
                     empty ? fix_command : "", empty ? " for the empty ones; " : "", populated);
    } else {
        finding_why(ret, "they take memory of the kernel, and the name of a run");
        finding_mend(ret, "%s", fix_command);
    }
}
