/* What all commands share: finding them, saying what went wrong, writing what they have to say. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static const struct command *const command_table[] = {
    &run_command,
    &create_command,
    &start_command,
    &stop_command,
    &restart_command,
    &kill_command,
    &rm_command,
    &wait_command,
    &exec_command,
    &attach_command,
    &logs_command,
    &ps_command,
    &top_command,
    &inspect_command,
    &port_command,
    &update_command,
    &rename_command,
    &pause_command,
    &unpause_command,
    &events_command,
    &network_create_command,
    &network_ls_command,
    &network_inspect_command,
    &network_rm_command,
    &network_prune_command,
    &volume_create_command,
    &volume_ls_command,
    &volume_inspect_command,
    &volume_rm_command,
    &volume_prune_command,
    &container_command,
    &plan_command,
    &doctor_command,
    &version_command,
    &help_command,
};

size_t command_count(void)
{
    return ARRAY_SIZE(command_table) + n_image_commands;
}

const struct command *command_at(size_t index)
{
    if (index < ARRAY_SIZE(command_table))
        return command_table[index];
    index -= ARRAY_SIZE(command_table);
    return index < n_image_commands ? &image_commands[index] : NULL;
}

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < command_count(); i++) {
        const struct command *command = command_at(i);
        if (strcmp(command->name, name) == 0 || (command->also && strcmp(command->also, name) == 0))
            return command;
    }
    return NULL;
}

const struct command *command_of_words(char *const *words, size_t *ret_n)
{
    const struct command *command = NULL;
    char two[64];

    *ret_n = 2;
    if (words[0] && words[1] &&
        snprintf(two, sizeof(two), "%s %s", words[0], words[1]) < (int)sizeof(two))
        command = command_find(two);
    if (!command && words[0]) {
        command = command_find(words[0]);
        *ret_n = 1;
    }
    return command;
}

static bool name_is_in_group(const char *name, const char *word)
{
    size_t n = strlen(word);

    return name && strncmp(name, word, n) == 0 && name[n] == ' ';
}

bool command_is_group(const char *word)
{
    for (size_t i = 0; i < command_count(); i++) {
        if (name_is_in_group(command_at(i)->name, word) ||
            name_is_in_group(command_at(i)->also, word))
            return true;
    }
    return false;
}

/* ---- sentences ----------------------------------------------------------------------------------- */

static void error_vset(struct ration_error *error, int code, int status, const char *fmt,
                       va_list ap)
{
    *error = (struct ration_error){ .code = code, .exit_status = status };
    vsnprintf(error->text, sizeof(error->text), fmt, ap);
}

int cli_usage(struct ration_error *error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_vset(error, EINVAL, CLI_STATUS_USAGE, fmt, ap);
    va_end(ap);
    return -EINVAL;
}

int cli_fail(struct ration_error *error, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_vset(error, code, CLI_STATUS_FAILED, fmt, ap);
    va_end(ap);
    return -code;
}

void cli_say(const char *sentence)
{
    char line[1024];
    size_t n = (size_t)snprintf(line, sizeof(line) - 1, "ration: %s", sentence);

    if (n > sizeof(line) - 2)
        n = sizeof(line) - 2;
    /* A name or path in it may hold anything; to a terminal it is text and nothing else. */
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    }
    line[n++] = '\n';
    fd_write_all(STDERR_FILENO, line, n);
}

int cli_report(const struct ration_error *error)
{
    cli_say(error->text[0] ? error->text : err_name(error->code));
    return error->exit_status ? error->exit_status : CLI_STATUS_FAILED;
}

int cli_print(const struct buf *text)
{
    struct ration_error error;
    int r = buf_error(text);

    if (r == 0)
        r = fd_write_all(STDOUT_FILENO, buf_text(text), text->len);
    if (r == 0)
        return 0;
    cli_fail(&error, -r, "standard output cannot be written: %s", err_name(-r));
    return cli_report(&error);
}

int cli_help(const struct command *command)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    help_of_command(command, &text);
    return cli_print(&text);
}

int cli_open(struct ration **ret, struct ration_error *error)
{
    const char *state_dir = getenv("RATION_STATE_DIR"), *data_dir = getenv("RATION_DATA_DIR");
    struct ration_options options = {
        .state_dir = state_dir && *state_dir ? state_dir : NULL,
        .data_dir = data_dir && *data_dir ? data_dir : NULL,
        .last = PROCESS_LEAVES_ALL,
    };

    return ration_open(&options, ret, error);
}

/* ---- main ------------------------------------------------------------------------------------------ */

/*
 * Whoever starts us may have closed the first three descriptors. The next file we open would then be
 * taken for standard output: fill them first.
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

#define COMMANDS_MAX 256 /* for the nearest name */

static int unknown_command(const char *name)
{
    const char *names[COMMANDS_MAX];
    struct ration_error error;
    size_t n = 0;

    for (; n < command_count() && n < COMMANDS_MAX; n++)
        names[n] = command_at(n)->name;
    const char *nearest = text_nearest(name, names, n);
    const char *what = name[0] == '-' ? "option" : "command";
    if (nearest)
        cli_usage(&error, "there is no %s %.64s; did you mean %s?", what, name, nearest);
    else
        cli_usage(&error, "there is no %s %.64s; ration --help lists what there is", what, name);
    return cli_report(&error);
}

/* "image" alone, "image --help", "image bogus": word is the first of commands of two. */
static int group_command(char *const *words)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct ration_error error;

    help_of_group(words[0], &text);
    if (words[1] && (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0))
        return cli_print(&text);
    if (!words[1]) {
        fd_write_all(STDERR_FILENO, buf_text(&text), text.len);
        return CLI_STATUS_USAGE;
    }
    cli_usage(&error, "there is no command %s %.64s; ration %s --help lists what there is",
              words[0], words[1], words[0]);
    return cli_report(&error);
}

int cli_main(int argc, char **argv)
{
    static const struct {
        const char *word;
        const struct command *command;
    } word_table[] = {
        { "--help", &help_command },       { "-h", &help_command },
        { "--version", &version_command }, { "-V", &version_command },
        { "monitor", &monitor_command },
    };
    _cleanup_buf_ struct buf text = BUF_INIT;

    if (fill_standard_fds() < 0)
        return CLI_STATUS_FAILED;
    if (argc < 2) {
        help_of_program(&text);
        fd_write_all(STDERR_FILENO, buf_text(&text), text.len);
        return CLI_STATUS_USAGE;
    }
    size_t n = 1;
    const struct command *command = command_of_words(argv + 1, &n);
    for (size_t i = 0; !command && i < ARRAY_SIZE(word_table); i++) {
        if (strcmp(argv[1], word_table[i].word) == 0)
            command = word_table[i].command;
    }
    if (command)
        return command->run(command, argv + 1 + n);
    return command_is_group(argv[1]) ? group_command(argv + 1) : unknown_command(argv[1]);
}
