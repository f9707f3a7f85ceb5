/*
 * faultstep [OPTION...] MODE [ARG...] -- PROGRAM [ARG...]: runs a program with a fault at a chosen
 * system call, or at each in turn, and says what became of it and what it left.
 *
 *     count                 how many system calls there are
 *     list                  the same, one line each
 *     kill K                SIGKILL at the entry of the Kth system call
 *     fail K ERRNO          the Kth system call fails without being made
 *     alloc K               the Kth allocation fails (K+: and all after it), see failing_malloc.c
 *     sweep-kill            kill at each
 *     sweep-fail ERRNO...   fail at each, with each of these
 *     sweep-alloc           fail each allocation, then each and all after it
 *     nothing | say TEXT    (no program) ends at once | prints TEXT: fit to be a COMMAND
 *
 *     -p supervisor|box|command   whose system calls (the program, its first child, that one's)
 *     -f FIRST, -s STRIDE         the first point, and the distance between two
 *     -t                          give the program a terminal
 *     -b MS                       a target that sleeps for so long is killed there, the last point
 *     -x TEXT                     the output that COMMAND makes when it ran (default: any)
 *     -i                          COMMAND is fingerprint: compare what it prints
 *     -v                          a line for each point
 *
 * "@" in an argument becomes a name of the point's own, to be given as --name: what is left is looked
 * for by it. After a point with leftovers PROGRAM is called once more, for a run that does nothing, and
 * must have cleared them away.
 *
 * A sweep prints a line for each point that is not as it should be, and at the end its counts:
 *   points                  faults that were made
 *   left                    points right after which something was left
 *   late                    ... after which a process lived for 100 ms
 * and these, of which each must be none:
 *   alive     a process lived on             stuck     something is left after the next call
 *   hung      no end within five seconds     crashed   ended by a signal (of its own making)
 *   open      exit 0, but not confined as without the fault, or COMMAND did not run
 *   untrue    an exit status that was not COMMAND's and does not say "ration failed"
 *   mute      failed without a word          unclean   left something though only a call failed
 *   given_up  EINTR from a call that is to be made again, and no success
 *   unrestored   the terminal's modes are not as they were
 * Exit status: 0 when the sweep could be made; whether it is good is for the caller to say.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "fault.h"

enum { ARGS_MAX = 128, EXIT_USAGE = 2, EXIT_BROKEN = 3, HANG_MS = 5000 };

enum count {
    POINTS,
    LEFT,
    LATE,
    ALIVE,
    STUCK,
    HUNG,
    CRASHED,
    OPEN,
    UNTRUE,
    MUTE,
    UNCLEAN,
    GIVEN_UP,
    UNRESTORED,
    COUNTS
};

static const char *const count_names[COUNTS] = {
    "points", "left",   "late", "alive",   "stuck",    "hung",       "crashed",
    "open",   "untrue", "mute", "unclean", "given_up", "unrestored",
};

struct sweep {
    struct fault_job job;
    char **args; /* as given, with "@" */
    unsigned long first, stride;
    const char *said;
    const char *error_name;
    bool verbose, terminal;
    struct fault_text normal; /* what a run without a fault prints */
    struct termios modes;     /* of the terminal */
    unsigned long n[COUNTS];
    unsigned long serial;
};

static _Noreturn void broken(const char *what)
{
    fprintf(stderr, "faultstep: %s: %s\n", what, strerror(errno));
    exit(EXIT_BROKEN);
}

static _Noreturn void usage(const char *what)
{
    fprintf(stderr, "faultstep: bad %s\n", what);
    exit(EXIT_USAGE);
}

/* ---- one point --------------------------------------------------------------------------------- */

/* Every name that this sweep gives to runs begins with the same, and is as long as any other. */
static void make_name(const struct sweep *sweep, char *ret, size_t size)
{
    snprintf(ret, size, "flt%07d-%07lu", (int)getpid(), sweep->serial);
}

static void replace_all(char *text, const char *from, char to)
{
    size_t len = strlen(from);

    for (char *at = text; (at = strstr(at, from));) {
        *at = to;
        memmove(at + 1, at + len, strlen(at + len) + 1);
    }
}

static char *with_name(const char *arg, const char *name)
{
    const char *at = strchr(arg, '@');
    char *made;

    if (asprintf(&made, "%.*s%s%s", at ? (int)(at - arg) : (int)strlen(arg), arg, at ? name : "",
                 at ? at + 1 : "") < 0)
        broken("memory");
    return made;
}

/* Run the job once under a name of its own; its name in the output becomes "@" again. */
static void run_point(struct sweep *sweep, struct fault_outcome *ret, char *name, size_t size)
{
    char *argv[ARGS_MAX + 1];
    size_t n = 0;

    sweep->serial++;
    make_name(sweep, name, size);
    for (; sweep->args[n] && n < ARGS_MAX; n++)
        argv[n] = with_name(sweep->args[n], name);
    argv[n] = NULL;
    sweep->job.argv = argv;
    sweep->job.name = name;
    if (!fault_run(&sweep->job, ret))
        broken("cannot run the program");
    while (n > 0)
        free(argv[--n]);
    if (ret->out.data)
        replace_all(ret->out.data, name, '@');
}

/* The next call of the program, whatever it is for: what is still left then? */
static unsigned run_next(const struct sweep *sweep, const char *name, struct fault_text *ret)
{
    static char self[4096];
    char next[80];
    struct fault_outcome outcome;

    if (!self[0] && readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        broken("/proc/self/exe");
    snprintf(next, sizeof(next), "next-%lu-%d", sweep->serial, (int)getpid());
    char *const argv[] = { sweep->args[0], "run", "--name", next, "--", self, "nothing", NULL };
    struct fault_job job = { .argv = argv, .name = next, .limit_ms = HANG_MS };
    job.terminal.master = job.terminal.slave = -1;
    if (!fault_run(&job, &outcome))
        broken("cannot run the program");
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

struct judgement {
    bool is[COUNTS];
    struct fault_text left, stuck;
};

static bool output_as_usual(const struct sweep *sweep, const struct fault_outcome *outcome)
{
    const char *out = outcome->out.data ? outcome->out.data : "";

    if (sweep->job.converse)
        return strcmp(out, sweep->normal.data) == 0;
    return !sweep->said || strstr(out, sweep->said);
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
        ret->is[OPEN] = !output_as_usual(sweep, outcome);
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

static void judge(const struct sweep *sweep, const struct fault_outcome *outcome, const char *name,
                  struct judgement *ret)
{
    *ret = (struct judgement){ .is[POINTS] = true };
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
static void print_difference(const char *usual, const char *now)
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
        print_difference(sweep->normal.data ? sweep->normal.data : sweep->said,
                         outcome->out.data ? outcome->out.data : "");
    fflush(stdout);
}

/* ---- sweeping ---------------------------------------------------------------------------------- */

/* One point; false when there is none so far out. */
static bool sweep_point(struct sweep *sweep, unsigned long point)
{
    struct fault_outcome outcome;
    struct judgement judgement;
    char name[64];

    sweep->job.point = point;
    run_point(sweep, &outcome, name, sizeof(name));
    bool more = outcome.reached && !outcome.blocked;
    if (!outcome.reached || outcome.spared) {
        fault_outcome_done(&outcome);
        return more;
    }
    judge(sweep, &outcome, name, &judgement);
    for (int i = 0; i < COUNTS; i++)
        sweep->n[i] += judgement.is[i];
    tell(sweep, &outcome, &judgement);
    free(judgement.left.data);
    free(judgement.stuck.data);
    fault_outcome_done(&outcome);
    return more;
}

static void sweep_all(struct sweep *sweep)
{
    unsigned long point = sweep->first;

    while (sweep_point(sweep, point))
        point += sweep->stride;
}

/* Without a fault it must work, and twice the same: else no comparison means anything. */
static void sweep_begin(struct sweep *sweep)
{
    enum fault_action action = sweep->job.action;
    struct fault_outcome outcome;
    char name[64];

    sweep->job.action = ACTION_NONE;
    sweep->job.point = 0;
    for (int i = 0; i < 2 && !sweep->job.blocked_ms; i++) {
        run_point(sweep, &outcome, name, sizeof(name));
        const char *out = outcome.out.data ? outcome.out.data : "";
        if (outcome.status != 0 || outcome.hung) {
            fprintf(stderr, "faultstep: without any fault: status %x: %s%s\n",
                    (unsigned)outcome.status, outcome.err.data ? outcome.err.data : "", out);
            exit(EXIT_BROKEN);
        }
        if (i == 0) {
            fault_text_add(&sweep->normal, out, strlen(out));
        } else if (!output_as_usual(sweep, &outcome)) {
            print_difference(sweep->normal.data, out);
            fprintf(stderr, "faultstep: two runs without any fault differ\n");
            exit(EXIT_BROKEN);
        }
        fault_outcome_done(&outcome);
    }
    sweep->job.action = action;
}

static void sweep_end(const struct sweep *sweep)
{
    for (int i = 0; i < COUNTS; i++)
        printf("%s%s=%lu", i > 0 ? " " : "", count_names[i], sweep->n[i]);
    printf("\n");
}

/* ---- modes ------------------------------------------------------------------------------------- */

static void mode_count(struct sweep *sweep, char **args)
{
    struct fault_outcome outcome;
    char name[64];

    (void)args;
    sweep->job.point = sweep->job.list ? 0 : (unsigned long)-1;
    run_point(sweep, &outcome, name, sizeof(name));
    printf("%lu\n", outcome.calls);
    fault_outcome_done(&outcome);
}

static void mode_list(struct sweep *sweep, char **args)
{
    sweep->job.list = true;
    mode_count(sweep, args);
}

static void set_error(struct sweep *sweep, const char *name)
{
    sweep->error_name = name;
    sweep->job.action = ACTION_FAIL;
    sweep->job.error = name ? fault_error_number(name) : 0;
    if (sweep->job.error == 0)
        usage("error");
}

static void one_point(struct sweep *sweep, const char *point)
{
    char *end;
    unsigned long number = point ? strtoul(point, &end, 10) : 0;

    if (number == 0)
        usage("point");
    sweep->job.from_there_on = *end == '+';
    sweep->verbose = true;
    sweep_begin(sweep);
    if (!sweep_point(sweep, number))
        printf("# there is no such point\n");
    sweep_end(sweep);
}

static void mode_kill(struct sweep *sweep, char **args)
{
    sweep->job.action = ACTION_KILL;
    one_point(sweep, args[0]);
}

static void mode_fail(struct sweep *sweep, char **args)
{
    set_error(sweep, args[0] ? args[1] : NULL);
    one_point(sweep, args[0]);
}

static void mode_alloc(struct sweep *sweep, char **args)
{
    sweep->job.action = ACTION_ALLOC;
    one_point(sweep, args[0]);
}

static void mode_sweep_kill(struct sweep *sweep, char **args)
{
    (void)args;
    sweep->job.action = ACTION_KILL;
    sweep_begin(sweep);
    sweep_all(sweep);
    sweep_end(sweep);
}

static void mode_sweep_fail(struct sweep *sweep, char **args)
{
    if (!args[0])
        usage("error");
    sweep_begin(sweep);
    for (; *args; args++) {
        set_error(sweep, *args);
        sweep_all(sweep);
    }
    sweep_end(sweep);
}

static void mode_sweep_alloc(struct sweep *sweep, char **args)
{
    (void)args;
    sweep->job.action = ACTION_ALLOC;
    sweep_begin(sweep);
    sweep_all(sweep);
    sweep->job.from_there_on = true;
    sweep_all(sweep);
    sweep_end(sweep);
}

static const struct {
    const char *name;
    void (*fn)(struct sweep *sweep, char **args);
} mode_table[] = {
    { "count", mode_count },
    { "list", mode_list },
    { "kill", mode_kill },
    { "fail", mode_fail },
    { "alloc", mode_alloc },
    { "sweep-kill", mode_sweep_kill },
    { "sweep-fail", mode_sweep_fail },
    { "sweep-alloc", mode_sweep_alloc },
};

/* ---- the command line -------------------------------------------------------------------------- */

/*
 * The terminal has a session of its own, whose leader we are, as a shell would be: the end of the
 * program alone then does not hang it up.
 */
static void open_terminal(struct sweep *sweep)
{
    pid_t child = fork();
    int status;

    if (child > 0) {
        waitpid(child, &status, 0);
        exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_BROKEN);
    }
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (child < 0 || setsid() < 0 || master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        broken("terminal");
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) < 0 || tcgetattr(slave, &sweep->modes) < 0)
        broken("terminal");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGTTOU, SIG_IGN);
    sweep->job.terminal = (struct fault_terminal){ master, slave };
}

static enum fault_target parse_target(const char *text)
{
    static const char *const target_table[] = { "supervisor", "box", "command" };

    for (int i = 0; i < 3; i++) {
        if (strcmp(text, target_table[i]) == 0)
            return (enum fault_target)i;
    }
    usage("process");
}

static unsigned long parse_number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (end == text || *end || value == 0)
        usage("number");
    return value;
}

static void parse_options(struct sweep *sweep, int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "+p:f:s:tb:x:iv")) != -1) {
        switch (option) {
        case 'p':
            sweep->job.target = parse_target(optarg);
            break;
        case 'f':
            sweep->first = parse_number(optarg);
            break;
        case 's':
            sweep->stride = parse_number(optarg);
            break;
        case 't':
            sweep->terminal = true;
            break;
        case 'b':
            sweep->job.blocked_ms = (unsigned)parse_number(optarg);
            break;
        case 'x':
            sweep->said = optarg;
            break;
        case 'i':
            sweep->job.converse = true;
            break;
        case 'v':
            sweep->verbose = true;
            break;
        default:
            usage("option");
        }
    }
}

int main(int argc, char **argv)
{
    struct sweep sweep = { .first = 1, .stride = 1, .job.limit_ms = HANG_MS };
    const char *mode;

    sweep.job.terminal.master = sweep.job.terminal.slave = -1;
    parse_options(&sweep, argc, argv);
    mode = argv[optind] ? argv[optind] : "";
    char **args = argv + optind + (*mode != '\0');
    if (strcmp(mode, "nothing") == 0)
        return 0;
    if (strcmp(mode, "say") == 0 && args[0])
        return puts(args[0]) < 0;
    for (char **arg = args; *arg; arg++) {
        if (strcmp(*arg, "--") == 0) {
            *arg = NULL;
            sweep.args = arg + 1;
            break;
        }
    }
    if (!sweep.args || !sweep.args[0])
        usage("program: none");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (sweep.terminal)
        open_terminal(&sweep);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (size_t i = 0; i < sizeof(mode_table) / sizeof(mode_table[0]); i++) {
        if (strcmp(mode, mode_table[i].name) == 0) {
            mode_table[i].fn(&sweep, args);
            return 0;
        }
    }
    usage("mode");
}
