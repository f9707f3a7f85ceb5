/*
 * What the fault tools share: faultstep.c (the command line and the sweeps), fault_trace.c (one run
 * with one fault), fault_judge.c (was it as it should be?), fault_left.c (what is left of it, and what
 * is seen of it from outside), fault_container.c (points of a container's verbs), fault_names.c (system calls
 * and errors by name).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <termios.h>

/* Which process the fault is for: the program itself, its first child, or that one's. */
enum fault_target { TARGET_SUPERVISOR, TARGET_BOX, TARGET_COMMAND };

enum fault_action {
    ACTION_NONE,  /* only watch and count */
    ACTION_KILL,  /* SIGKILL at the entry of a system call, which then does not happen */
    ACTION_FAIL,  /* a system call does not happen and seems to have failed */
    ACTION_ALLOC, /* an allocation fails (the program is linked with failing_malloc.c) */
};

/* A pseudo terminal for the program. The slave is kept open, so that its modes can be compared. */
struct fault_terminal {
    int master, slave; /* -1: none */
};

struct fault_text {
    char *data; /* ends with NUL once there is any */
    size_t len;
};

/* What several programs of one point share, since the process that they are for outlives them. */
struct fault_pipes {
    int in[2], out[2];      /* in[1] is closed when COMMAND has been looked at */
    struct fault_text text; /* what came out */
};

struct fault_job {
    char *const *argv;
    const char *name; /* of the run: what its groups and records are named after */
    enum fault_target target;
    enum fault_action action;
    int error;           /* for ACTION_FAIL */
    unsigned long point; /* 1 is the first call or allocation; 0: none */
    bool from_there_on;  /* ACTION_ALLOC: all later ones fail too */
    bool slides;         /* a point whose call cannot fail moves on to the next one that can */
    bool list;           /* print every call */
    bool once;           /* what it leaves running is not waited for */
    bool converse;       /* COMMAND prints a fingerprint, then waits for the end of its input */
    unsigned limit_ms;   /* longer than this is a hang */
    unsigned blocked_ms; /* not 0: a target that sleeps for so long is killed in its sleep */
    struct fault_terminal terminal;
    struct fault_pipes *pipes; /* NULL: its own */
};

struct fault_outcome {
    bool reached; /* the point exists */
    bool spared;  /* ... but that call cannot fail */
    bool blocked; /* killed in its sleep: there are no further points */
    bool hung;
    bool barred;        /* the container cannot be started any more, and says so */
    bool late;          /* something lived 100 ms after the program's end */
    unsigned survivors; /* ... and three seconds after */
    long call;          /* number of the system call that was hit */
    unsigned long
        calls; /* how many the target made while it was watched: the last is the one that was hit */
    int status; /* of the program, as waitpid(2) tells it */
    struct fault_text out, err;
};

/* What is counted in a sweep; faultstep.c says what each is. From ALIVE on they must be 0. */
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

struct judgement {
    bool is[COUNTS];
    struct fault_text left, stuck;
};

struct sweep {
    struct fault_job job;
    char **args; /* as given, with "@" */
    unsigned long first, stride;
    const char *said;
    const char *error_name;
    const char *bundle;      /* not NULL: PROGRAM is an OCI runtime */
    char *before[4], *after; /* its verbs, before each point, and after one that succeeded */
    bool compare_groups;     /* the limits from outside must be as usual, or on failure as before */
    struct fault_text origin; /* they before the program */
    bool verbose, terminal;
    struct fault_text normal; /* what a run without a fault prints */
    struct termios modes;     /* of the terminal */
    unsigned long n[COUNTS];
    unsigned long serial;
};

/* fault_judge.c */
/* Look at what became of a point's run, make the next call where something is left, and tell what is
 * not as it should be. Adds to sweep->n. */
void fault_judge(struct sweep *sweep, const struct fault_outcome *outcome, const char *name);
/* Is this what COMMAND prints when it ran, and was confined as it should be? */
bool fault_output_as_usual(const struct sweep *sweep, const struct fault_outcome *outcome);
void fault_print_difference(const char *usual, const char *now);
void fault_print_counts(const struct sweep *sweep);
_Noreturn void fault_broken(const char *what);

/* fault_container.c */
/* A point of a container's verb: the verbs before, the program with its fault, and on success the verb after. */
void fault_container_run(struct sweep *sweep, const char *name, struct fault_outcome *ret);
/* delete --force, which must leave nothing, and then the ID must serve again. Returns how much is not so, in
 * lines added to ret. */
unsigned fault_container_end(const struct sweep *sweep, const char *name, bool reuse,
                             struct fault_text *ret);
/* A verb of the runtime without any fault; false: it failed, and said so in ret_err (may be NULL). */
bool fault_container_verb(const struct sweep *sweep, const char *verb, const char *name,
                          struct fault_pipes *pipes, struct fault_text *ret_err);

/* fault_trace.c */
/* Run the job to its end, whatever that takes. False: it could not be started at all. */
bool fault_run(const struct fault_job *job, struct fault_outcome *ret);
void fault_outcome_done(struct fault_outcome *outcome);
/* Take what comes out until COMMAND has said all it has to say (converse: been looked at, too) or no process
 * is left. False: neither within limit_ms. */
bool fault_wait_output(const struct fault_job *job, const char *said);
/* Wait for the end of all our children; false: some are left after so long. */
bool fault_wait_children(unsigned ms);
void fault_text_add(struct fault_text *text, const char *data, size_t len);

/* fault_left.c */
/* Containers' records are beneath this directory, and everything there counts; NULL: those of runs. */
void fault_left_set_root(const char *root);
/* Groups, records and mounts that bear the name: one line each is added to ret. Returns how many. */
unsigned fault_left(const char *name, struct fault_text *ret);
/* The run as its surroundings see it: limits of its groups, who is in them, which namespaces differ. */
void fault_outside(const char *name, struct fault_text *ret);
/* SIGKILL to every child that we have; returns how many. */
unsigned fault_kill_children(void);

/* fault_names.c */
const char *fault_call_name(long number);
/* System calls that never fail, or that nothing survives the failure of. */
bool fault_call_spared(long number);
/* System calls that a signal may interrupt and that are then to be made again. */
bool fault_call_restartable(long number);
/* System calls that take away what a run left. */
bool fault_call_cleans(long number);
int fault_error_number(const char *name); /* 0: no such */
