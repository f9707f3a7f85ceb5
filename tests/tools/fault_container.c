/*
 * Points of an OCI runtime: each has a container of its own, which verbs without a fault make before and
 * take away after it. What the container prints goes into one pipe, whichever verb started it.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"

static void add(struct fault_text *text, const char *what)
{
    fault_text_add(text, what, strlen(what));
}

/* ---- verbs without a fault ----------------------------------------------------------------------- */

/* "delete" is always by force. */
static void verb_argv(const struct sweep *sweep, const char *verb, const char *name, char *ret[9])
{
    size_t n = 0;

    ret[n++] = sweep->args[0];
    ret[n++] = sweep->args[1];
    ret[n++] = sweep->args[2];
    ret[n++] = (char *)verb;
    if (strcmp(verb, "create") == 0) {
        ret[n++] = (char *)"--bundle";
        ret[n++] = (char *)sweep->bundle;
    }
    if (strcmp(verb, "delete") == 0)
        ret[n++] = (char *)"--force";
    ret[n++] = (char *)name;
    ret[n] = NULL;
}

static void verb_job(const struct sweep *sweep, char *const *argv, const char *name,
                     struct fault_pipes *pipes, struct fault_job *ret)
{
    *ret = (struct fault_job){ .argv = argv,
                               .name = name,
                               .limit_ms = sweep->job.limit_ms,
                               .converse = sweep->job.converse,
                               .once = true,
                               .pipes = pipes };
    ret->terminal.master = ret->terminal.slave = -1;
}

bool fault_container_verb(const struct sweep *sweep, const char *verb, const char *name,
                          struct fault_pipes *pipes, struct fault_text *ret_err)
{
    struct fault_outcome outcome;
    struct fault_job job;
    char *argv[9];

    verb_argv(sweep, verb, name, argv);
    verb_job(sweep, argv, name, pipes, &job);
    if (!fault_run(&job, &outcome))
        fault_broken("cannot run the program");
    bool good = !outcome.hung && outcome.status == 0;
    if (!good && ret_err) {
        add(ret_err, verb);
        add(ret_err, outcome.hung ? " hung: " : " failed: ");
        add(ret_err, outcome.err.data ? outcome.err.data : "without a word\n");
    }
    fault_outcome_done(&outcome);
    return good;
}

/* ---- one point --------------------------------------------------------------------------------------- */

static void pipes_open(struct fault_pipes *ret)
{
    *ret = (struct fault_pipes){ 0 };
    if (pipe2(ret->in, O_CLOEXEC) < 0 || pipe2(ret->out, O_CLOEXEC) < 0)
        fault_broken("pipe");
}

static void pipes_close(struct fault_pipes *pipes)
{
    for (int i = 0; i < 2; i++) {
        if (pipes->in[i] >= 0)
            close(pipes->in[i]);
        close(pipes->out[i]);
    }
}

static void replace_name(struct fault_text *text, const char *name)
{
    for (char *at = text->data; at && (at = strstr(at, name));) {
        *at = '@';
        memmove(at + 1, at + strlen(name), strlen(at + strlen(name)) + 1);
    }
    text->len = text->data ? strlen(text->data) : 0;
}

/* What succeeded must be good for something: the container can be started and is as it should be. */
static void go_on(struct sweep *sweep, const char *name, struct fault_pipes *pipes,
                  struct fault_outcome *outcome)
{
    struct fault_text why = { 0 };

    /* Its process may have ended of the fault after the verb: that is told, and nothing runs. */
    if (sweep->after && !fault_container_verb(sweep, sweep->after, name, pipes, &why)) {
        outcome->barred =
            why.data && (strstr(why.data, "that has stopped") || strstr(why.data, "is gone"));
        fault_text_add(&pipes->text, why.data, why.len);
        free(why.data);
        return;
    }
    if ((sweep->said || sweep->job.converse) && !fault_wait_output(&sweep->job, sweep->said))
        outcome->hung = true;
}

void fault_container_run(struct sweep *sweep, const char *name, struct fault_outcome *ret)
{
    struct fault_text why = { 0 };
    struct fault_pipes pipes;

    pipes_open(&pipes);
    for (size_t i = 0; sweep->before[i]; i++) {
        if (!fault_container_verb(sweep, sweep->before[i], name, &pipes, &why)) {
            fprintf(stderr, "faultstep: before the fault: %s", why.data);
            exit(3);
        }
    }
    if (sweep->compare_groups && !sweep->origin.data) {
        fault_outside(name, &sweep->origin);
        replace_name(&sweep->origin, name);
    }
    sweep->job.pipes = &pipes;
    sweep->job.once = true;
    if (!fault_run(&sweep->job, ret))
        fault_broken("cannot run the program");
    if (ret->status == 0 && !ret->hung)
        go_on(sweep, name, &pipes, ret);
    free(ret->out.data);
    ret->out = pipes.text;
    ret->out.len = ret->out.data ? strlen(ret->out.data) : 0;
    if (sweep->compare_groups) {
        free(ret->out.data);
        ret->out = (struct fault_text){ 0 };
        fault_outside(name, &ret->out);
    }
    sweep->job.pipes = NULL;
    pipes_close(&pipes);
}

/* ---- its end -------------------------------------------------------------------------------------------- */

/* Whatever there is must be gone after the verb, processes included. */
static unsigned end_by(const struct sweep *sweep, const char *verb, const char *name,
                       struct fault_text *ret)
{
    struct fault_pipes pipes;
    unsigned bad = 0;

    pipes_open(&pipes);
    if (!fault_container_verb(sweep, verb, name, &pipes, ret))
        bad++;
    free(pipes.text.data);
    pipes_close(&pipes);
    if (!fault_wait_children(3000)) {
        add(ret, "a process lives on\n");
        bad++;
        while (!fault_wait_children(100))
            fault_kill_children();
    }
    return bad + fault_left(name, ret);
}

unsigned fault_container_end(const struct sweep *sweep, const char *name, bool reuse,
                             struct fault_text *ret)
{
    struct fault_pipes pipes;
    unsigned bad = end_by(sweep, "delete", name, ret);

    if (bad > 0 || !reuse)
        return bad;
    pipes_open(&pipes);
    if (!fault_container_verb(sweep, "create", name, &pipes, ret))
        bad++;
    free(pipes.text.data);
    pipes_close(&pipes);
    return bad + end_by(sweep, "delete", name, ret);
}
