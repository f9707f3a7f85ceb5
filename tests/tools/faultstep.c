/*
 * faultstep [OPTION...] MODE [ARG...] -- PROGRAM [ARG...]: runs a program with a fault at a chosen
 * system call, or at each in turn, and says what became of it and what it left.
 *
 *     count                 how many system calls there are
 *     list                  the same, one line each
 *     kill K                SIGKILL at the entry of the Kth system call
 *     fail K ERRNO          the Kth system call fails without being made
 *     alloc K               the Kth allocation fails (K+: and all after it), see failing_malloc.c
 *     once kill K           kill there and leave everything as it is: "reached" or not, the call, the status,
 *     once fail K ERRNO     what it printed; for programs that are to leave something
 *     sweep-kill            kill at each
 *     sweep-fail ERRNO...   fail at each, with each of these
 *     sweep-alloc           fail each allocation, then each and all after it
 *     nothing | say TEXT    (no program) ends at once | prints TEXT: fit to be a COMMAND
 *
 *     -p supervisor|box|command   whose system calls (the program, its first child, that one's)
 *     -f FIRST, -s STRIDE         the first point of a sweep, and the distance between two; one whose call
 *                                 cannot fail slides to the next that can
 *     -t                          give the program a terminal
 *     -b MS                       a target that sleeps for so long is killed there, the last point
 *     -w MS                       longer than this is a hang (5000)
 *     -x TEXT                     the output that COMMAND makes when it ran (default: any)
 *     -i                          COMMAND is fingerprint: compare what it prints
 *     -v                          a line for each point
 *     -c BUNDLE                   PROGRAM is an OCI runtime, "@" in its arguments the ID
 *     -a VERB,VERB                what it does with that before each point: "create,start"
 *     -z VERB                     what it does after one that succeeded: "start"
 *     -g                          compare the groups' limits: as usual, or on failure as before
 *
 * "@" in an argument becomes a name of the point's own, to be given as --name: what is left is looked
 * for by it. After a point with leftovers PROGRAM is called once more, for a run that does nothing, and
 * must have cleared them away.
 *
 * With -c the arguments begin with "--root DIR", and nothing else may be in DIR. After each point comes
 * "delete --force ID", which must succeed, leave nothing and let the ID be used again: "stuck" otherwise, also
 * for a process that lives on.
 *
 * A sweep prints a line for each point that is not as it should be, and at the end its counts:
 *   points                  faults that were made
 *   left                    points right after which something was left
 *   late                    ... after which a process lived for 100 ms
 * and these, of which each must be none:
 *   alive     a process lived on             stuck     something is left after the next call
 *   hung      no end in time                 crashed   ended by a signal (of its own making)
 *   open      exit 0, but not confined as without the fault, or COMMAND did not run
 *   untrue    an exit status that was not COMMAND's and does not say "ration failed"
 *   mute      failed without a word          unclean   left something though only a call failed
 *   given_up  EINTR from a call that is to be made again, and no success
 *   unrestored   the terminal's modes are not as they were
 * Exit status: 0 when the sweep could be made; whether it is good is for the caller to say.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "fault.h"

enum { HANG_MS = 5000, ARGS_MAX = 128, EXIT_USAGE = 2, EXIT_BROKEN = 3 };

_Noreturn void fault_broken(const char *what)
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
        fault_broken("memory");
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
    if (sweep->bundle)
        fault_container_run(sweep, name, ret);
    else if (!fault_run(&sweep->job, ret))
        fault_broken("cannot run the program");
    while (n > 0)
        free(argv[--n]);
    if (ret->out.data)
        replace_all(ret->out.data, name, '@');
}

/* ---- sweeping ---------------------------------------------------------------------------------- */

/* One point, or where it slid to, in *ret_hit; false when there is none so far out. */
static bool sweep_point(struct sweep *sweep, unsigned long point, unsigned long *ret_hit)
{
    struct fault_outcome outcome;
    char name[64];

    sweep->job.point = point;
    run_point(sweep, &outcome, name, sizeof(name));
    bool more = outcome.reached && !outcome.blocked;
    *ret_hit = outcome.calls > point ? outcome.calls : point;
    if (!outcome.reached || outcome.spared) {
        if (sweep->bundle && fault_container_end(sweep, name, false, &sweep->normal) > 0)
            fault_broken("a container without any fault cannot be deleted");
        fault_outcome_done(&outcome);
        return more;
    }
    fault_judge(sweep, &outcome, name);
    fault_outcome_done(&outcome);
    return more;
}

static void sweep_all(struct sweep *sweep)
{
    unsigned long point = sweep->first;

    sweep->job.slides = true;
    while (sweep_point(sweep, point, &point))
        point += sweep->stride;
    sweep->job.slides = false;
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
        } else if (!fault_output_as_usual(sweep, &outcome)) {
            fault_print_difference(sweep->normal.data, out);
            fprintf(stderr, "faultstep: two runs without any fault differ\n");
            exit(EXIT_BROKEN);
        }
        if (sweep->bundle && fault_container_end(sweep, name, true, &sweep->normal) > 0) {
            fprintf(stderr, "faultstep: without any fault, at the end:\n%s", sweep->normal.data);
            exit(EXIT_BROKEN);
        }
        fault_outcome_done(&outcome);
    }
    sweep->job.action = action;
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
    if (!sweep_point(sweep, number, &number))
        printf("# there is no such point\n");
    fault_print_counts(sweep);
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

/* Exit status 1: there is no such point. Whoever asked looks himself for what is left. */
static void mode_once(struct sweep *sweep, char **args)
{
    struct fault_outcome outcome;
    char name[64];

    if (!args[0] || !args[1])
        usage("point");
    sweep->job.action = ACTION_KILL;
    if (strcmp(args[0], "fail") == 0)
        set_error(sweep, args[2]);
    sweep->job.once = true;
    sweep->job.point = strtoul(args[1], NULL, 10);
    run_point(sweep, &outcome, name, sizeof(name));
    bool hit = outcome.reached && !outcome.spared;
    printf("%s %s status=%x%s\n",
           !outcome.reached ? "no-such-point"
           : hit            ? "hit"
                            : "spared",
           hit ? fault_call_name(outcome.call) : "-", (unsigned)outcome.status,
           outcome.hung ? " hung" : "");
    if (outcome.err.len > 0)
        printf("%s", outcome.err.data);
    exit(outcome.reached ? 0 : 1);
}

static void mode_sweep_kill(struct sweep *sweep, char **args)
{
    (void)args;
    sweep->job.action = ACTION_KILL;
    sweep_begin(sweep);
    sweep_all(sweep);
    fault_print_counts(sweep);
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
    fault_print_counts(sweep);
}

static void mode_sweep_alloc(struct sweep *sweep, char **args)
{
    (void)args;
    sweep->job.action = ACTION_ALLOC;
    sweep_begin(sweep);
    sweep_all(sweep);
    sweep->job.from_there_on = true;
    sweep_all(sweep);
    fault_print_counts(sweep);
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
    { "once", mode_once },
    { "sweep-kill", mode_sweep_kill },
    { "sweep-fail", mode_sweep_fail },
    { "sweep-alloc", mode_sweep_alloc },
};

/* ---- the command line -------------------------------------------------------------------------- */

/*
 * What others mount meanwhile is not for COMMAND to see. But our mounts are shared, as on most machines,
 * so that what ration lets out of its own namespace is found in ours.
 */
static void leave_mount_namespace(void)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
        fault_broken("mount namespace");
}

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
        fault_broken("terminal");
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) < 0 || tcgetattr(slave, &sweep->modes) < 0)
        fault_broken("terminal");
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

static void parse_verbs(struct sweep *sweep, char *list)
{
    char *verb;

    for (size_t n = 0; (verb = strsep(&list, ",")); n++) {
        if (n + 1 >= sizeof(sweep->before) / sizeof(sweep->before[0]))
            usage("verbs: too many");
        sweep->before[n] = verb;
    }
}

static bool parse_container_option(struct sweep *sweep, int option)
{
    switch (option) {
    case 'c':
        sweep->bundle = optarg;
        return true;
    case 'a':
        parse_verbs(sweep, optarg);
        return true;
    case 'z':
        sweep->after = optarg;
        return true;
    case 'g':
        sweep->compare_groups = true;
        return true;
    default:
        return false;
    }
}

static void parse_options(struct sweep *sweep, int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "+p:f:s:tb:w:x:ivc:a:z:g")) != -1) {
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
        case 'w':
            sweep->job.limit_ms = (unsigned)parse_number(optarg);
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
            if (!parse_container_option(sweep, option))
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
    if (sweep.bundle && (!sweep.args[1] || strcmp(sweep.args[1], "--root") != 0 || !sweep.args[2]))
        usage("program: no --root");
    if (sweep.bundle)
        fault_left_set_root(sweep.args[2]);
    leave_mount_namespace();
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
