/* ration attach: join our terminal to a container's. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/session.h"
#include "cli/verb.h"

static int command_attach(const struct command *command, char *const *argv);

static const struct ration_option attach_options[] = {
    { "detach-keys", 0, NULL, "KEYS",
      "keys that detach from a container with a terminal (ctrl-p,ctrl-q)", "Being attached",
      RATION_OPTION_VALUE },
    { "no-stdin", 0, NULL, NULL, "do not pass stdin on", "Being attached", RATION_OPTION_FLAG },
    { "sig-proxy", 0, NULL, "true|false", "pass signals that reach ration on (true)",
      "Being attached", RATION_OPTION_VALUE },
};

const struct command attach_command = {
    .name = "attach",
    .args = "CONTAINER",
    .summary = "join this terminal to a running container's input and output",
    .description =
        "Shows what the container writes from now on, and passes what is typed on to one that was "
        "made with --interactive, until it ends or, where it has a terminal, the keys that detach "
        "are typed. The container goes on after detaching. What comes too fast for this reader is "
        "left out here and said; ration logs has all of it.\n\n"
        "The exit status is the container's; 0 after detaching; 125 when it does not run.",
    .options = attach_options,
    .n_options = ARRAY_SIZE(attach_options),
    .run = command_attach,
};

static int attach(const struct verb *verb, struct ration_error *error)
{
    const char *proxy = verb_value(verb, "sig-proxy");
    struct session_options options = { .no_stdin = verb_flag(verb, "no-stdin"),
                                       .detach_keys = verb_value(verb, "detach-keys") };
    struct session_keys keys;

    if (proxy && strcmp(proxy, "true") != 0 && strcmp(proxy, "false") != 0)
        return cli_usage(error, "--sig-proxy is true or false, not \"%.64s\"", proxy);
    if (options.detach_keys && session_keys_parse(options.detach_keys, &keys, error) < 0)
        return -EINVAL;
    options.no_signals = proxy && strcmp(proxy, "false") == 0;
    return session_attach(verb->ration, verb->operands[0], &options);
}

static int command_attach(const struct command *command, char *const *argv)
{
    return verb_run(command, argv, 1, 1, attach);
}
