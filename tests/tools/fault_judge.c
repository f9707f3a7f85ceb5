/* What became of one faulty run: good or not, and the words for it. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"

/* So long may a process that is killed take to be gone. */
#define LATE_MS 300u

static const char *const count_names[COUNTS] = {
    "points", "left",   "late", "alive",   "stuck",    "hung",       "crashed",
    "open",   "untrue", "mute", "unclean", "given_up", "unrestored",
};

/* The next call of the program, whatever it is for: what is still left then? */
static unsigned run_next(const struct sweep *sweep, const char *name, struct fault_text *ret)
{
    static char self[4096];
    char next[80];
    struct fault_outcome outcome;

    if (!self[0] && readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        fault_broken("/proc/self/exe");
    snprintf(next, sizeof(next), "next-%lu-%d", sweep->serial, (int)getpid());
    char *const argv[] = { sweep->args[0], "run", "--name", next, "--", self, "nothing", NULL };
    struct fault_job job = { .argv = argv, .name = next, .limit_ms = sweep->job.limit_ms };
    job.terminal.master = job.terminal.slave = -1;
    if (!fault_run(&job, &outcome))
        fault_broken("cannot run the program");
    unsigned left = fault_left(name, ret) + fault_left(next, ret) + outcome.survivors;
    if (outcome.hung || outcome.status != 0) {
        fault_text_add(ret, "the next call failed: ", 22);
        fault_text_add(ret, outcome.err.data ? outcome.err.data : "", outcome.err.len);
        left++;
    }
    fault_outcome_done(&outcome);
    return left;
}

/* ---- judging ----------------------------------------------------------------------------------- */

bool fault_output_as_usual(const struct sweep *sweep, const struct fault_outcome *outcome)
{
    const char *out = outcome->out.data ? outcome->out.data : "";

    if (sweep->job.converse || sweep->compare_groups)
        return strcmp(out, sweep->normal.data) == 0;
    return !sweep->said || strstr(out, sweep->said);
}

/* A call that failed has changed nothing; but who has no memory at all any more cannot go back, either. */
static bool limits_changed(const struct sweep *sweep, const struct fault_outcome *outcome)
{
    return sweep->compare_groups && sweep->job.action != ACTION_KILL && !sweep->job.from_there_on &&
           strcmp(outcome->out.data, sweep->origin.data) != 0;
}

static void judge_status(const struct sweep *sweep, const struct fault_outcome *outcome,
                         struct judgement *ret)
{
    bool killed = sweep->job.action == ACTION_KILL;
    int status = outcome->status;

    if (outcome->hung)
        return;
    if (WIFSIGNALED(status)) {
        ret->is[CRASHED] = !killed || WTERMSIG(status) != SIGKILL;
        return;
    }
    switch (WEXITSTATUS(status)) {
    case 0:
        ret->is[OPEN] = !outcome->barred && !fault_output_as_usual(sweep, outcome);
        break;
    case 1:
    case 255: /* those of an OCI runtime */
        ret->is[UNTRUE] = !sweep->bundle;
        ret->is[MUTE] = outcome->err.len == 0;
        ret->is[OPEN] = limits_changed(sweep, outcome);
        break;
    case 125:
    case 126:
    case 127:
        ret->is[MUTE] = outcome->err.len == 0 && !sweep->terminal;
        break;
    default:
        ret->is[UNTRUE] = !killed || WEXITSTATUS(status) != 128 + SIGKILL;
        break;
    }
    ret->is[GIVEN_UP] = status != 0 && sweep->job.action == ACTION_FAIL &&
                        sweep->job.error == EINTR && fault_call_restartable(outcome->call);
}

static bool modes_differ(const struct sweep *sweep)
{
    struct termios now;

    if (!sweep->terminal)
        return false;
    if (tcgetattr(sweep->job.terminal.slave, &now) < 0)
        return true;
    return now.c_lflag != sweep->modes.c_lflag || now.c_iflag != sweep->modes.c_iflag ||
           now.c_oflag != sweep->modes.c_oflag;
}

/*
 * A container may well be there afterwards, and be deleted; but whoever fails to make one clears up himself,
 * also when it was the container's own process that was killed.
 */
static void judge_container(const struct sweep *sweep, const struct fault_outcome *outcome,
                            const char *name, struct judgement *ret)
{
    bool ended = sweep->job.action != ACTION_KILL || sweep->job.target != TARGET_SUPERVISOR;

    ret->is[HUNG] = outcome->hung;
    judge_status(sweep, outcome, ret);
    if (!sweep->before[0] && ended && !outcome->hung && outcome->status != 0 &&
        !fault_call_cleans(outcome->call)) {
        ret->is[UNCLEAN] = !fault_wait_children(LATE_MS);
        if (ret->is[UNCLEAN])
            fault_text_add(&ret->left, "process\n", 8);
    }
    ret->is[LEFT] = fault_left(name, &ret->left) > 0;
    /* Who has no memory at all any more may leave a record of what is not there. */
    const char *left = ret->left.data;
    bool counts = ret->is[LEFT] && (!sweep->job.from_there_on || strstr(left, "group ") != NULL);
    if (counts && !sweep->before[0] && ended && outcome->status != 0 &&
        !fault_call_cleans(outcome->call))
        ret->is[UNCLEAN] = true;
    ret->is[STUCK] = fault_container_end(sweep, name, ret->is[LEFT], &ret->stuck) > 0;
}

static void judge(const struct sweep *sweep, const struct fault_outcome *outcome, const char *name,
                  struct judgement *ret)
{
    *ret = (struct judgement){ .is[POINTS] = true };
    if (sweep->bundle) {
        judge_container(sweep, outcome, name, ret);
        return;
    }
    ret->is[LEFT] = fault_left(name, &ret->left) > 0;
    ret->is[LATE] = outcome->late;
    ret->is[ALIVE] = outcome->survivors > 0;
    ret->is[HUNG] = outcome->hung;
    ret->is[UNRESTORED] = modes_differ(sweep);
    judge_status(sweep, outcome, ret);
    if (ret->is[LEFT]) {
        ret->is[STUCK] = run_next(sweep, name, &ret->stuck) > 0;
        /* Clean-up that is made to fail cannot clean up; the next call has to. */
        ret->is[UNCLEAN] =
            sweep->job.action != ACTION_KILL && !outcome->hung && !fault_call_cleans(outcome->call);
    }
}

/* ---- telling ----------------------------------------------------------------------------------- */

static void print_lines(const char *label, const char *text)
{
    while (text && *text) {
        int len = (int)strcspn(text, "\n");
        printf("#   %s%.*s\n", label, len, text);
        text += len + (text[len] == '\n');
    }
}

/* The first line in which two texts differ. */
void fault_print_difference(const char *usual, const char *now)
{
    size_t line = 0;

    for (size_t i = 0; usual[i] && usual[i] == now[i]; i++) {
        if (usual[i] == '\n')
            line = i + 1;
    }
    printf("#   usual: %.*s\n", (int)strcspn(usual + line, "\n"), usual + line);
    printf("#   now:   %.*s\n", (int)strcspn(now + line, "\n"), now + line);
}

static void tell(const struct sweep *sweep, const struct fault_outcome *outcome,
                 const struct judgement *judgement)
{
    bool bad = false;

    for (int i = ALIVE; i < COUNTS; i++)
        bad = bad || judgement->is[i];
    if (!bad && !sweep->verbose)
        return;
    printf("# %lu%s", sweep->job.point, sweep->job.from_there_on ? "+" : "");
    if (sweep->job.action != ACTION_ALLOC)
        printf(" %s", outcome->blocked ? "(asleep)" : fault_call_name(outcome->call));
    if (sweep->error_name)
        printf(" %s", sweep->error_name);
    printf(": status %x,", (unsigned)outcome->status);
    for (int i = LEFT; i < COUNTS; i++) {
        if (judgement->is[i])
            printf(" %s", count_names[i]);
    }
    printf("\n");
    print_lines("left: ", judgement->left.data);
    print_lines("stuck: ", judgement->stuck.data);
    print_lines("stderr: ", outcome->err.data);
    if (judgement->is[OPEN])
        fault_print_difference(sweep->normal.data ? sweep->normal.data : sweep->said,
                               outcome->out.data ? outcome->out.data : "");
    fflush(stdout);
}

void fault_print_counts(const struct sweep *sweep)
{
    for (int i = 0; i < COUNTS; i++)
        printf("%s%s=%lu", i > 0 ? " " : "", count_names[i], sweep->n[i]);
    printf("\n");
}

void fault_judge(struct sweep *sweep, const struct fault_outcome *outcome, const char *name)
{
    struct judgement judgement;

    judge(sweep, outcome, name, &judgement);
    for (int i = 0; i < COUNTS; i++)
        sweep->n[i] += judgement.is[i];
    tell(sweep, outcome, &judgement);
    free(judgement.left.data);
    free(judgement.stuck.data);
    /* The next point must not answer for this one. */
    if (judgement.is[UNRESTORED])
        tcsetattr(sweep->job.terminal.slave, TCSANOW, &sweep->modes);
}
