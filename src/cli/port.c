/* ration port: where a container's published ports are. */
#include <errno.h>
#include <string.h>

#include "cli/verb.h"

static int command_port(const struct command *command, char *const *argv);

const struct command port_command = {
    .name = "port",
    .args = "CONTAINER [PORT[/PROTOCOL]]",
    .summary = "show where a container's published ports are",
    .description = "Lists \"80/tcp -> 0.0.0.0:8080\" for each published port, or for PORT (tcp "
                   "unless said otherwise) the address alone.",
    .run = command_port,
};

struct ports {
    const char *id, *wanted;
    struct buf text;
    bool found;
};

/* One of "0.0.0.0:8080->80/tcp". */
static void port_show(struct ports *ports, const char *text, size_t len)
{
    const char *arrow = memmem(text, len, "->", 2);

    if (!arrow)
        return;
    size_t address = (size_t)(arrow - text), inner = len - address - 2;
    if (!ports->wanted) {
        buf_printf(&ports->text, "%.*s -> %.*s\n", (int)inner, arrow + 2, (int)address, text);
    } else if (strlen(ports->wanted) == inner && memcmp(ports->wanted, arrow + 2, inner) == 0) {
        buf_printf(&ports->text, "%.*s\n", (int)address, text);
        ports->found = true;
    }
}

static int port_visit(void *data, const struct ration_container *container)
{
    struct ports *ports = data;

    if (strcmp(container->id, ports->id) != 0)
        return 0;
    for (const char *at = text_or_empty(container->ports); *at;) {
        size_t len = strcspn(at, ",");
        port_show(ports, at, len);
        at += len;
        at += strspn(at, ", ");
    }
    return 1;
}

static int port(const struct verb *verb, struct ration_error *error)
{
    char id[RATION_ID_SIZE], wanted[32];
    struct ports ports = { .id = id };
    int r = ration_container_find(verb->ration, verb->operands[0], id, error);

    if (r < 0)
        return r;
    if (strv_length(verb->operands) > 1) {
        const char *asked = verb->operands[1];
        snprintf(wanted, sizeof(wanted), "%.16s%s", asked, strchr(asked, '/') ? "" : "/tcp");
        ports.wanted = wanted;
    }
    r = ration_container_visit(verb->ration, 1, NULL, port_visit, &ports, error);
    if (r >= 0 && ports.wanted && !ports.found)
        r = cli_fail(error, ENOENT, "container %.64s publishes no port %s", verb->operands[0],
                     ports.wanted);
    else if (r >= 0)
        r = cli_print(&ports.text);
    buf_done(&ports.text);
    return r;
}

static int command_port(const struct command *command, char *const *argv)
{
    return verb_run(command, argv, 1, 2, port);
}
