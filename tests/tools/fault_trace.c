/*
 * One run of a program with one fault in it, by ptrace(2). Only the process that the fault is for is
 * stepped; those above it are followed until it is born and then let go, so that nobody else is slower
 * or otherwise than alone. We are the reaper of everything that the program leaves (PR_SET_CHILD_SUBREAPER,
 * by main), so "nothing is left alive" is what waitpid(2) says, not a search by name.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include "fault.h"

#define LATE_MS     100u
#define SURVIVES_MS 3000u
#define FOLLOW      (PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE)

struct engine {
    const struct fault_job *job;
    struct fault_outcome *out;
    unsigned long point; /* the call that is hit, counted from 1; 0: none */
    pid_t program;
    bool program_gone;
    pid_t watched;        /* the process that we trace; 0: none any more */
    pid_t early;          /* a child that stopped before we knew that it is one */
    bool ready;           /* watched has its options set */
    unsigned generations; /* between watched and the target */
    bool injecting;       /* the next stop is the exit of the call that is to fail */
    int signal_fd;
    int in_fd;  /* COMMAND's input; -1: closed */
    int out_fd; /* its output; -1: closed */
    int hit_fd; /* readable when an allocation was made to fail; -1: none */
    FILE *err_file;
    uint64_t active_ms; /* when the target last did something */
};

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void fault_text_add(struct fault_text *text, const char *data, size_t len)
{
    char *grown = realloc(text->data, text->len + len + 1);

    if (!grown)
        abort();
    memcpy(grown + text->len, data, len);
    text->data = grown;
    text->len += len;
    text->data[text->len] = '\0';
}

void fault_outcome_done(struct fault_outcome *outcome)
{
    free(outcome->out.data);
    free(outcome->err.data);
    *outcome = (struct fault_outcome){ 0 };
}

/* ---- starting ---------------------------------------------------------------------------------- */

static bool traced(const struct fault_job *job)
{
    return job->action != ACTION_ALLOC && (job->action != ACTION_NONE || job->point || job->list);
}

static _Noreturn void become_program(const struct fault_job *job, const int fds[3], int hit_fd)
{
    char number[32];
    sigset_t none;

    if (job->action == ACTION_ALLOC && job->point) {
        snprintf(number, sizeof(number), "%lu%s", job->point, job->from_there_on ? "+" : "");
        setenv("RATION_FAIL_ALLOC", number, 1);
        snprintf(number, sizeof(number), "%d", hit_fd);
        setenv("RATION_FAIL_ALLOC_FD", number, 1);
        fcntl(hit_fd, F_SETFD, 0);
    }
    if (job->terminal.slave >= 0) {
        setpgid(0, 0);
        signal(SIGTTOU, SIG_IGN);
        tcsetpgrp(job->terminal.slave, getpid());
        signal(SIGTTOU, SIG_DFL);
    }
    for (int i = 0; i < 3; i++)
        dup2(fds[i], i);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (traced(job))
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    execv(job->argv[0], job->argv);
    _exit(127);
}

/* Close-on-exec pipes; on failure the caller gives up as a whole. */
static bool make_pipe(int ret[2], bool wanted)
{
    ret[0] = ret[1] = -1;
    return !wanted || pipe2(ret, O_CLOEXEC) == 0;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Those that programs share stay with whoever made them. */
static bool make_in_and_out(const struct fault_job *job, int in[2], int out[2])
{
    if (!job->pipes)
        return make_pipe(in, job->converse) && make_pipe(out, job->terminal.slave < 0);
    in[0] = job->converse ? fcntl(job->pipes->in[0], F_DUPFD_CLOEXEC, 3) : -1;
    in[1] = -1;
    for (int i = 0; i < 2; i++)
        out[i] = fcntl(job->pipes->out[i], F_DUPFD_CLOEXEC, 3);
    return out[0] >= 0 && out[1] >= 0;
}

static bool start(struct engine *engine)
{
    const struct fault_job *job = engine->job;
    bool terminal = job->terminal.slave >= 0;
    int in[2], out[2], hit[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);

    engine->err_file = tmpfile();
    if (null < 0 || !engine->err_file || !make_in_and_out(job, in, out) ||
        !make_pipe(hit, job->action == ACTION_ALLOC))
        return false;
    const int fds[3] = {
        terminal        ? job->terminal.slave
        : job->converse ? in[0]
                        : null,
        terminal ? job->terminal.slave : out[1],
        terminal ? job->terminal.slave : fileno(engine->err_file),
    };
    engine->program = fork();
    if (engine->program == 0)
        become_program(job, fds, hit[1]);
    close(null);
    close_fd(&in[0]);
    close_fd(&out[1]);
    close_fd(&hit[1]);
    engine->in_fd = in[1];
    engine->out_fd = terminal ? dup(job->terminal.master) : out[0];
    engine->hit_fd = hit[0];
    engine->watched = traced(job) ? engine->program : 0;
    engine->generations = (unsigned)job->target;
    return engine->program > 0;
}

/* ---- faults ------------------------------------------------------------------------------------ */

static void let_go(struct engine *engine)
{
    ptrace(PTRACE_DETACH, engine->watched, NULL, NULL);
    engine->watched = 0;
}

static void go_on(const struct engine *engine, int signal)
{
    ptrace(engine->generations == 0 ? PTRACE_SYSCALL : PTRACE_CONT, engine->watched, NULL,
           (void *)(long)signal);
}

/* Kernels tell a call by a register that may be changed at its entry; each processor has its own. */
#if defined(__x86_64__)
static void replace_call(pid_t pid, long number)
{
    struct user_regs_struct regs;

    ptrace(PTRACE_GETREGS, pid, NULL, &regs);
    if (number == SYS_brk)
        regs.rdi = 0; /* a brk(2) that fails tells the old end of the heap, no error */
    else
        regs.orig_rax = (unsigned long long)-1;
    ptrace(PTRACE_SETREGS, pid, NULL, &regs);
}

static void set_result(pid_t pid, long result)
{
    struct user_regs_struct regs;

    ptrace(PTRACE_GETREGS, pid, NULL, &regs);
    regs.rax = (unsigned long long)result;
    ptrace(PTRACE_SETREGS, pid, NULL, &regs);
}
#else
#error "fault_trace.c: write how a system call is replaced on this processor"
#endif

/* This one cannot fail. A sweep's point slides to the next one that can, since a run of it costs the same. */
static void spare(struct engine *engine)
{
    if (engine->job->slides) {
        engine->out->reached = false;
        engine->point++;
        go_on(engine, 0);
        return;
    }
    engine->out->spared = true;
    let_go(engine);
}

static void hit(struct engine *engine, long number)
{
    const struct fault_job *job = engine->job;

    engine->out->reached = true;
    engine->out->call = number;
    if (job->action == ACTION_KILL) {
        kill(engine->watched, SIGKILL);
        return;
    }
    if (fault_call_spared(number)) {
        spare(engine);
        return;
    }
    /* However close(2) ends, the descriptor is gone. */
    if (number != SYS_close)
        replace_call(engine->watched, number);
    if (number == SYS_brk) {
        let_go(engine);
        return;
    }
    engine->injecting = true;
    go_on(engine, 0);
}

static void on_call(struct engine *engine)
{
    struct ptrace_syscall_info info = { 0 };

    engine->active_ms = now_ms();
    ptrace(PTRACE_GET_SYSCALL_INFO, engine->watched, (void *)sizeof(info), &info);
    if (engine->injecting) {
        set_result(engine->watched, -(long)engine->job->error);
        let_go(engine);
        return;
    }
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        engine->out->calls++;
        if (engine->job->list)
            printf("%lu %s\n", engine->out->calls, fault_call_name((long)info.entry.nr));
        if (engine->point && engine->out->calls == engine->point) {
            hit(engine, (long)info.entry.nr);
            return;
        }
    }
    go_on(engine, 0);
}

/* ---- following --------------------------------------------------------------------------------- */

static void become_watched(struct engine *engine)
{
    long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC;

    if (engine->generations > 0)
        options |= FOLLOW;
    ptrace(PTRACE_SETOPTIONS, engine->watched, NULL, (void *)options);
    engine->ready = true;
    engine->early = 0;
    engine->active_ms = now_ms();
    go_on(engine, 0);
}

/* The process that we follow has a child: that one is followed from now on. */
static void on_birth(struct engine *engine)
{
    unsigned long child = 0;

    ptrace(PTRACE_GETEVENTMSG, engine->watched, NULL, &child);
    let_go(engine);
    engine->watched = (pid_t)child;
    engine->generations--;
    engine->ready = false;
    if (engine->early == engine->watched)
        become_watched(engine);
}

static void on_stop(struct engine *engine, pid_t pid, int status)
{
    int signal = WSTOPSIG(status), event = status >> 16;

    if (pid != engine->watched) {
        engine->early = pid;
        return;
    }
    if (!engine->ready)
        become_watched(engine);
    else if (signal == (SIGTRAP | 0x80))
        on_call(engine);
    else if (event == PTRACE_EVENT_EXEC && engine->job->target == TARGET_SUPERVISOR)
        go_on(engine, 0); /* some runtimes execute themselves */
    else if (event == PTRACE_EVENT_EXEC)
        let_go(engine); /* what it executes is no longer ration */
    else if (event != 0)
        on_birth(engine);
    else
        go_on(engine, signal);
}

/* Everything that waitpid(2) has to tell. False: we have no children any more. */
static bool reap(struct engine *engine)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
        if (WIFSTOPPED(status)) {
            on_stop(engine, pid, status);
            continue;
        }
        if (pid == engine->watched)
            engine->watched = 0;
        if (pid == engine->program) {
            engine->program_gone = true;
            engine->out->status = status;
        }
    }
    return pid == 0;
}

/* ---- the whole run ----------------------------------------------------------------------------- */

static void on_output(struct engine *engine)
{
    char chunk[4096];
    ssize_t n = read(engine->out_fd, chunk, sizeof(chunk));
    struct fault_pipes *pipes = engine->job->pipes;
    struct fault_text *out = pipes ? &pipes->text : &engine->out->out;
    int *in_fd = pipes ? &pipes->in[1] : &engine->in_fd;

    if (n <= 0) {
        close_fd(&engine->out_fd);
        return;
    }
    fault_text_add(out, chunk, (size_t)n);
    if (engine->job->converse && *in_fd >= 0 && out->len >= 4 &&
        strcmp(out->data + out->len - 4, "END\n") == 0) {
        fault_outside(engine->job->name, out);
        close_fd(in_fd);
    }
}

static int wait_ms(const struct engine *engine, uint64_t deadline_ms)
{
    uint64_t now = now_ms(), until = deadline_ms;

    if (engine->job->blocked_ms && engine->watched && engine->ready && !engine->out->reached &&
        engine->active_ms + engine->job->blocked_ms < until)
        until = engine->active_ms + engine->job->blocked_ms;
    return until > now ? (int)(until - now) : 0;
}

/* Wait for news, and take them. False: no children are left, and nobody to wait for. */
static bool turn(struct engine *engine, uint64_t deadline_ms)
{
    struct pollfd fds[2] = { { .fd = engine->signal_fd, .events = POLLIN },
                             { .fd = engine->out_fd, .events = POLLIN } };
    struct signalfd_siginfo info;

    if (!reap(engine))
        return false;
    if (poll(fds, 2, wait_ms(engine, deadline_ms)) == 0 && engine->job->blocked_ms &&
        engine->watched && engine->ready && !engine->out->reached &&
        engine->active_ms + engine->job->blocked_ms <= now_ms()) {
        engine->out->reached = engine->out->blocked = true;
        engine->out->call = -1;
        kill(engine->watched, SIGKILL);
    }
    if (fds[1].revents)
        on_output(engine);
    if (fds[0].revents && read(engine->signal_fd, &info, sizeof(info)) < 0)
        return true;
    return reap(engine);
}

static void wait_for_program(struct engine *engine)
{
    uint64_t deadline = now_ms() + engine->job->limit_ms;

    while (!engine->program_gone) {
        if (now_ms() >= deadline) {
            engine->out->hung = true;
            return;
        }
        turn(engine, deadline);
    }
}

/* What outlives the program by more than it takes a kernel to end it, and the end of that. */
static void wait_for_rest(struct engine *engine)
{
    uint64_t begun = now_ms();

    bool some = true;

    if (engine->out->hung)
        fault_kill_children();
    while (some && now_ms() < begun + LATE_MS)
        some = turn(engine, begun + LATE_MS);
    engine->out->late = some;
    while (some && now_ms() < begun + SURVIVES_MS)
        some = turn(engine, begun + SURVIVES_MS);
    while (waitpid(-1, NULL, WNOHANG | __WALL) >= 0) {
        unsigned killed = fault_kill_children();
        engine->out->survivors += killed;
        while (killed-- > 0 && waitpid(-1, NULL, __WALL) > 0)
            ;
    }
}

/* A target that outlives the program goes on alone. It may be running, so that it has to be stopped first. */
static void leave_watched(struct engine *engine)
{
    int status;

    if (!engine->watched)
        return;
    kill(engine->watched, SIGSTOP);
    while (waitpid(engine->watched, &status, __WALL) == engine->watched && WIFSTOPPED(status)) {
        if (WSTOPSIG(status) == SIGSTOP) {
            let_go(engine);
            return;
        }
        ptrace(PTRACE_CONT, engine->watched, NULL, NULL);
    }
    engine->watched = 0;
}

bool fault_wait_children(unsigned ms)
{
    uint64_t deadline = now_ms() + ms;
    pid_t pid;

    do {
        while ((pid = waitpid(-1, NULL, WNOHANG | __WALL)) > 0)
            ;
        if (pid < 0)
            return true;
        poll(NULL, 0, 2);
    } while (now_ms() < deadline);
    return false;
}

bool fault_wait_output(const struct fault_job *job, const char *said)
{
    struct fault_outcome outcome = { 0 };
    struct engine engine = { .job = job, .out = &outcome, .out_fd = job->pipes->out[0] };
    uint64_t deadline = now_ms() + job->limit_ms;
    struct pollfd poll_fd = { .fd = engine.out_fd, .events = POLLIN };

    while (now_ms() < deadline) {
        const char *text = job->pipes->text.data;
        if (job->converse ? job->pipes->in[1] < 0 : !said || (text && strstr(text, said)))
            return true;
        if (poll(&poll_fd, 1, 5) > 0)
            on_output(&engine);
        else if (fault_wait_children(0))
            return true;
    }
    return false;
}

static void take_errors(struct engine *engine)
{
    char chunk[4096];
    size_t n;

    rewind(engine->err_file);
    while ((n = fread(chunk, 1, sizeof(chunk), engine->err_file)) > 0)
        fault_text_add(&engine->out->err, chunk, n);
    fclose(engine->err_file);
}

static void take_hit(struct engine *engine)
{
    char byte;

    if (engine->hit_fd >= 0)
        engine->out->reached = read(engine->hit_fd, &byte, 1) == 1;
    close_fd(&engine->hit_fd);
}

bool fault_run(const struct fault_job *job, struct fault_outcome *ret)
{
    struct engine engine = {
        .job = job, .out = ret, .point = job->point, .in_fd = -1, .out_fd = -1, .hit_fd = -1
    };
    sigset_t mask;

    *ret = (struct fault_outcome){ 0 };
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    engine.signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (engine.signal_fd < 0 || !start(&engine))
        return false;
    wait_for_program(&engine);
    if (!job->once)
        wait_for_rest(&engine);
    else if (job->pipes)
        leave_watched(&engine);
    while (engine.out_fd >= 0 &&
           poll(&(struct pollfd){ .fd = engine.out_fd, .events = POLLIN }, 1, 0) > 0)
        on_output(&engine);
    close_fd(&engine.out_fd);
    close_fd(&engine.in_fd);
    close_fd(&engine.signal_fd);
    take_errors(&engine);
    take_hit(&engine);
    return true;
}
