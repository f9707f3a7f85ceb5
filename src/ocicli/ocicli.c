/* From the words of the command line to one command, and from what it says to an exit status. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "ocicli/argv.h"

#define VALUES_MAX 1024

static const struct command *const command_table[] = {
    &create_command, &start_command,      &state_command,   &kill_command, &delete_command,
    &run_command,    &exec_command,       &ps_command,      &list_command, &pause_command,
    &resume_command, &update_command,     &events_command,  &spec_command, &features_command,
    &help_command,   &checkpoint_command, &restore_command,
};

/* Offsets are into struct session. */
#define IN_SESSION(member) offsetof(struct session, member)

static const struct cli_option global_table[] = {
    { "root", 0, CLI_TEXT, IN_SESSION(root), "DIR",
      "where containers are on record; a tmpfs (default: /run/ration-oci, or "
      "$XDG_RUNTIME_DIR/ration-oci)",
      NULL },
    { "log", 0, CLI_TEXT, IN_SESSION(log), "FILE", "append errors to this file, too", NULL },
    { "log-format", 0, CLI_WORD, IN_SESSION(log_format), "text|json", "form of the log", NULL },
    { "log-level", 0, CLI_WORD, IN_SESSION(log_level), "debug|info|warning|error",
      "how much is logged", NULL },
    { "debug", 0, CLI_FLAG, IN_SESSION(debug), NULL, "log what is being done", NULL },
    { "cgroup-manager", 0, CLI_WORD, IN_SESSION(cgroup_manager), "cgroupfs|systemd|disabled",
      "who makes groups", NULL },
    { "systemd-cgroup", 0, CLI_FLAG, IN_SESSION(systemd_cgroup), NULL,
      "have systemd make groups: cgroupsPath is SLICE:PREFIX:NAME", NULL },
    { "rootless", 0, CLI_WORD, IN_SESSION(rootless), "auto|true|false",
      "whether we lack the privileges of root on the host", NULL },
    { "criu", 0, CLI_TEXT, IN_SESSION(criu), "PATH",
      "the program that checkpoint and restore use (default: criu)", NULL },
    { "version", 'v', CLI_FLAG, IN_SESSION(version), NULL, "print the version", NULL },
};

bool command_at(size_t index, const struct command **ret)
{
    if (index >= ARRAY_SIZE(command_table))
        return false;
    *ret = command_table[index];
    return true;
}

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(command_table); i++) {
        if (strcmp(command_table[i]->name, name) == 0)
            return command_table[i];
    }
    return NULL;
}

const struct cli_option *global_options(size_t *ret_n)
{
    *ret_n = ARRAY_SIZE(global_table);
    return global_table;
}

/* ---- one command ----------------------------------------------------------------------------------- */

/* The rule of records, told before anything else is done: an id goes into the paths of groups. */
static int check_id(const char *id, struct err *err)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+.-";
    const char *why = NULL;
    size_t len = strspn(id, allowed);

    if (id[0] == '\0')
        why = "it is empty";
    else if (id[len] != '\0')
        why = "only letters, digits, '_', '+', '.' and '-' may be in it";
    else if (id[0] == '.' || id[0] == '-')
        why = "it begins with '.' or '-'";
    else if (len > OCICLI_ID_MAX)
        why = "it is too long";
    return why ? err_usage(err, "invalid container ID format: \"%.64s\": %s", id, why) : 0;
}

static int check_operands(const struct command *command, char *const *operands, struct err *err)
{
    size_t n = strv_length(operands);

    if (n < command->min_operands)
        return err_usage(err, "%s needs %s; " OCICLI_PROGRAM " %s --help tells more", command->name,
                         command->args, command->name);
    if (n > command->max_operands)
        return err_usage(err, "%s takes %s, and not \"%.64s\" besides", command->name,
                         command->args[0] ? command->args : "no argument",
                         operands[command->max_operands]);
    return command->takes_id ? check_id(operands[0], err) : 0;
}

static int print_help(const struct command *command, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    if (command)
        help_of_command(command, &text);
    else
        help_of_program(&text);
    return cli_print(&text, err);
}

static int run_command_line(struct session *session, const struct command *command,
                            char *const *argv, struct err *err)
{
    _Alignas(max_align_t) char values[VALUES_MAX] = { 0 };
    const struct argv_table table = { command->options, command->n_options, values, command->name };
    char *const *operands;
    bool help;
    int r = argv_parse(&table, argv, &operands, &help, err);

    if (r == 0 && help)
        r = print_help(command, err);
    else if (r == 0)
        r = check_operands(command, operands, err);
    if (r == 0 && !help) {
        log_debug(session, "%s %s", command->name, operands[0] ? operands[0] : "");
        r = command->starts ? container_protect(session->argv, err) : 0;
        if (r == 0)
            r = command->run(session, values, operands, err);
    }
    argv_done(&table);
    return r;
}

static int unknown_command(const char *name, struct err *err)
{
    const char *names[ARRAY_SIZE(command_table)];

    for (size_t i = 0; i < ARRAY_SIZE(command_table); i++)
        names[i] = command_table[i]->name;
    const char *nearest = text_nearest(name, names, ARRAY_SIZE(names));
    if (nearest)
        return err_usage(err, "there is no command %.64s; did you mean %s?", name, nearest);
    return err_usage(
        err, "there is no command %.64s; " OCICLI_PROGRAM " --help lists what there is", name);
}

static int print_version(struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    /* Clients take these lines apart. */
    buf_puts(&text, OCICLI_PROGRAM " version " RATION_VERSION "\nspec: " OCI_VERSION "\n");
    return cli_print(&text, err);
}

/* ---- main ------------------------------------------------------------------------------------------ */

/*
 * Whoever starts us may have closed the first three descriptors. The next file we open would then be
 * taken for the container's standard output: fill them first.
 */
static int fill_standard_fds(void)
{
    struct pollfd open_fds[] = { { .fd = 0 }, { .fd = 1 }, { .fd = 2 } };

    /* One call for all three where none is closed, nor has anything else to tell. */
    if (poll(open_fds, ARRAY_SIZE(open_fds), 0) == 0)
        return 0;
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
            continue;
        /* The lowest free one is the one that is missing. */
        if (open("/dev/null", O_RDWR) != fd)
            return -EBADF;
    }
    return 0;
}

static int session_run(struct session *session, char *const *argv,
                       const struct command **ret_command, struct err *err)
{
    const struct argv_table table = { global_table, ARRAY_SIZE(global_table), session,
                                      OCICLI_PROGRAM };
    struct err log_err = ERR_INIT;
    char *const *operands;
    int r = argv_parse(&table, argv, &operands, &session->help, err);
    /* Even what is wrong with the command line is to be told there. */
    int log_r = log_open(session, &log_err);

    if (r == 0 && log_r < 0) {
        *err = log_err;
        r = log_r;
    }
    if (r < 0)
        return r;
    if (session->version)
        return print_version(err);
    if (session->help)
        return print_help(NULL, err);
    if (!operands[0])
        return err_usage(err,
                         "a command is missing; " OCICLI_PROGRAM " --help lists what there is");
    *ret_command = command_find(operands[0]);
    if (!*ret_command)
        return unknown_command(operands[0], err);
    return run_command_line(session, *ret_command, operands + 1, err);
}

/*
 * Names in a document must not be able to choose where they are put in a table. Asked, jansson reads a
 * device for that; the kernel has given every program 16 bytes of its own.
 */
static void seed_tables(void)
{
    const unsigned char *bytes = (const unsigned char *)getauxval(AT_RANDOM);
    uint32_t seed = 0;

    if (bytes)
        memcpy(&seed, bytes + 4, sizeof(seed));
    json_object_seed(seed); /* 0: by itself */
}

int ocicli_main(int argc, char **argv)
{
    _cleanup_(session_done) struct session session = { .argv = argv, .log_fd = -1 };
    const struct command *command = NULL;
    struct err err = ERR_INIT;

    if (fill_standard_fds() < 0)
        return OCICLI_FAILED;
    seed_tables();
    int r = session_run(&session, argc > 0 ? argv + 1 : argv, &command, &err);
    if (r >= 0)
        return r;
    log_error(&session, &err);
    return command && command->failure_status ? command->failure_status : OCICLI_FAILED;
}
