/* ration-oci pause, and resume, which undoes it. */
#include "ocicli/ocicli.h"

static int command_pause(struct session *session, const void *values, char *const *operands,
                         struct err *err);
static int command_resume(struct session *session, const void *values, char *const *operands,
                          struct err *err);

const struct command pause_command = {
    .name = "pause",
    .args = "ID",
    .summary = "freeze every process of a container",
    .min_operands = 1,
    .max_operands = 1,
    .takes_id = true,
    .run = command_pause,
};

const struct command resume_command = {
    .name = "resume",
    .args = "ID",
    .summary = "let a frozen container go on",
    .min_operands = 1,
    .max_operands = 1,
    .takes_id = true,
    .run = command_resume,
};

static int set_paused(struct session *session, const char *id, bool paused, struct err *err)
{
    struct engine *engine;
    int r = session_engine(session, &engine, err);

    return r < 0 ? r : container_pause(engine, id, paused, err);
}

static int command_pause(struct session *session, const void *values, char *const *operands,
                         struct err *err)
{
    (void)values;
    return set_paused(session, operands[0], true, err);
}

static int command_resume(struct session *session, const void *values, char *const *operands,
                          struct err *err)
{
    (void)values;
    return set_paused(session, operands[0], false, err);
}
