/* ration-image: finds the command and says what went wrong. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imagecli/imagecli.h"
#include "imagecli/userns.h"

#define IMAGE_COMMAND(id, ...) { #id, command_##id },
static const struct {
    const char *id;
    command_fn run;
} command_table[] = {
#include "imagecli/images.def"
    { "take", command_take },
};
#undef IMAGE_COMMAND

static command_fn find_command(const char *id)
{
    for (size_t i = 0; i < ARRAY_SIZE(command_table); i++) {
        if (strcmp(command_table[i].id, id) == 0)
            return command_table[i].run;
    }
    return NULL;
}

/* "--NAME=VALUE" words up to "--" or the first that is none: the dashes go. */
static int read_words(char **argv, struct call *call, char ***options, struct err *err)
{
    for (; *argv && text_starts(*argv, "--") && strcmp(*argv, "--") != 0; argv++) {
        if (!strchr(*argv, '='))
            return err_usage(err, "ration-image is called by ration, not with %.100s", *argv);
        if (strv_push(options, *argv + 2) < 0)
            return err_nomem(err);
    }
    call->options = *options;
    call->operands = argv + (*argv && strcmp(*argv, "--") == 0);
    return 0;
}

static int run_command(char **argv, struct call *call, struct err *err)
{
    const char *data_dir = getenv("RATION_DATA_DIR");
    if (argv[0] && argv[1] && text_starts(argv[1], "--data-dir=")) {
        data_dir = argv[1] + strlen("--data-dir=");
        argv++;
    }
    command_fn run = argv[0] && argv[1] ? find_command(argv[1]) : NULL;
    char **options = NULL;
    int r = run ? read_words(argv + 2, call, &options, err)
                : err_usage(err, "ration-image is called by ration; try ration image --help");

    if (r == 0)
        r = image_data_dir(data_dir && *data_dir ? data_dir : NULL, &call->data_dir, err);
    if (r == 0) {
        call->id = argv[1];
        /* In a user namespace, as its root: from here on in the child. */
        r = userns_enter(&call->rootless, err);
    }
    if (r == 0 && run)
        r = run(call, err);
    image_store_close(call->store);
    free(call->data_dir);
    strv_free(options);
    return r;
}

/* Deep trees take a descriptor a level. */
static void raise_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    struct call call = { 0 };
    struct err err = ERR_INIT;

    (void)argc;
    umask(0);
    raise_files();
    int r = run_command(argv, &call, &err);
    if (r >= 0)
        return call.status;
    call_say("%s", err.text[0] ? err.text : err_name(-r));
    return err_exit_status(&err);
}
