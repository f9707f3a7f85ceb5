/* ration-oci state. */
#include "ocicli/info.h"

static int command_state(struct session *session, const void *values, char *const *operands,
                         struct err *err);

const struct command state_command = {
    .name = "state",
    .args = "ID",
    .summary = "print the state of a container as JSON",
    .min_operands = 1,
    .max_operands = 1,
    .takes_id = true,
    .run = command_state,
};

static int command_state(struct session *session, const void *values, char *const *operands,
                         struct err *err)
{
    _cleanup_(container_info_done) struct container_info info = { 0 };
    _cleanup_buf_ struct buf compact = BUF_INIT, text = BUF_INIT;
    struct engine *engine;
    int r = session_engine(session, &engine, err);

    (void)values;
    if (r == 0)
        r = container_inspect(engine, operands[0], &info, err);
    if (r < 0)
        return r;
    _cleanup_free_ char *owner = owner_name(info.owner);
    info_write_state(&info, owner, &compact);
    r = json_indent(buf_text(&compact), 2, &text, err);
    if (r < 0)
        return r;
    buf_putc(&text, '\n');
    return cli_print(&text, err);
}
