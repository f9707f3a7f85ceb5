/* ration-oci checkpoint: the processes of a container as files, by criu(8). */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ocicli/bundle.h"
#include "ocicli/criu.h"

static int command_checkpoint(struct session *session, const void *values, char *const *operands,
                              struct err *err);

struct checkpoint_values {
    const char *image_path, *work_path, *parent_path;
    const char *page_server, *status_fd, *cgroups_mode, *empty_namespace;
    bool leave_running, tcp_established, unix_sockets, shell_job, lazy_pages, file_locks, pre_dump,
        auto_dedup;
};

#define IN_VALUES(member) offsetof(struct checkpoint_values, member)

static const struct cli_option checkpoint_options[] = {
    { "image-path", 0, CLI_TEXT, IN_VALUES(image_path), "DIR",
      "where the files go (default: ./checkpoint)", NULL },
    { "work-path", 0, CLI_TEXT, IN_VALUES(work_path), "DIR", "where criu's log goes", NULL },
    { "parent-path", 0, CLI_TEXT, IN_VALUES(parent_path), "DIR",
      "files of an earlier one, to which these are the difference; seen from image-path", NULL },
    { "leave-running", 0, CLI_FLAG, IN_VALUES(leave_running), NULL, "the container goes on", NULL },
    { "tcp-established", 0, CLI_FLAG, IN_VALUES(tcp_established), NULL,
      "also with open TCP connections", NULL },
    { "ext-unix-sk", 0, CLI_FLAG, IN_VALUES(unix_sockets), NULL,
      "also with Unix sockets to the outside", NULL },
    { "shell-job", 0, CLI_FLAG, IN_VALUES(shell_job), NULL, "also with a terminal of the caller's",
      NULL },
    { "file-locks", 0, CLI_FLAG, IN_VALUES(file_locks), NULL, "also with file locks", NULL },
    { "lazy-pages", 0, CLI_FLAG, IN_VALUES(lazy_pages), NULL, "serve memory when it is asked for",
      NULL },
    { "status-fd", 0, CLI_TEXT, IN_VALUES(status_fd), "N",
      "criu writes a byte to this descriptor when it is ready for that", NULL },
    { "page-server", 0, CLI_TEXT, IN_VALUES(page_server), "ADDRESS:PORT",
      "send memory to this page server", NULL },
    { "pre-dump", 0, CLI_FLAG, IN_VALUES(pre_dump), NULL, "memory alone; the container goes on",
      NULL },
    { "manage-cgroups-mode", 0, CLI_WORD, IN_VALUES(cgroups_mode), "soft|full|strict|ignore",
      "what criu does with groups (default: soft)", NULL },
    { "empty-ns", 0, CLI_WORD, IN_VALUES(empty_namespace), "network",
      "a namespace of which only its being there is kept", NULL },
    { "auto-dedup", 0, CLI_FLAG, IN_VALUES(auto_dedup), NULL,
      "drop memory from earlier files that newer ones have", NULL },
};

const struct command checkpoint_command = {
    .name = "checkpoint",
    .args = "ID",
    .summary = "write a container's processes to files, by criu",
    .options = checkpoint_options,
    .n_options = ARRAY_SIZE(checkpoint_options),
    .values_size = sizeof(struct checkpoint_values),
    .min_operands = 1,
    .max_operands = 1,
    .takes_id = true,
    .run = command_checkpoint,
};

/* ---- the words of criu's command line ---------------------------------------------------------------- */

struct words {
    char **argv;
    bool failed;
};

static void words_done(struct words *words)
{
    strv_free(words->argv);
}

static void add(struct words *words, const char *word)
{
    words->failed = words->failed || strv_push(&words->argv, word) < 0;
}

static void add_pair(struct words *words, const char *option, const char *value)
{
    if (value) {
        add(words, option);
        add(words, value);
    }
}

static void add_flags(struct words *words, const struct checkpoint_values *values)
{
    const struct {
        bool given;
        const char *word;
    } flags[] = {
        { values->leave_running, "--leave-running" },
        { values->tcp_established, "--tcp-established" },
        { values->unix_sockets, "--ext-unix-sk" },
        { values->shell_job, "--shell-job" },
        { values->file_locks, "--file-locks" },
        { values->lazy_pages, "--lazy-pages" },
        { values->auto_dedup, "--auto-dedup" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        if (flags[i].given)
            add(words, flags[i].word);
    }
}

static int add_page_server(struct words *words, const char *server, struct err *err)
{
    const char *colon = server ? strrchr(server, ':') : NULL;
    _cleanup_free_ char *address = NULL;

    if (!server)
        return 0;
    if (!colon || colon == server || colon[1] == '\0')
        return err_usage(err, "--page-server: \"%.64s\" is not ADDRESS:PORT", server);
    address = strndup(server, (size_t)(colon - server));
    if (!address)
        return err_nomem(err);
    add(words, "--page-server");
    add_pair(words, "--address", address);
    add_pair(words, "--port", colon + 1);
    return 0;
}

/* What comes from outside the container is not in the files: it is known by where it is mounted. */
static void add_external_mounts(struct words *words, const struct spec *spec)
{
    for (size_t i = 0; i < spec->n_mounts; i++) {
        const struct spec_mount *mount = &spec->mounts[i];
        if (mount->kind != MOUNT_BIND && mount->kind != MOUNT_MASK)
            continue;
        _cleanup_free_ char *word = text_format("mnt[%s]:%s", mount->target, mount->target);
        words->failed = words->failed || !word;
        if (word)
            add_pair(words, "--external", word);
    }
}

static int make_words(const struct session *session, const struct checkpoint_values *values,
                      const struct container_info *info, const struct spec *spec, struct words *ret,
                      struct err *err)
{
    char pid[16];

    snprintf(pid, sizeof(pid), "%d", info->pid);
    add(ret, criu_name(session));
    add(ret, values->pre_dump ? "pre-dump" : "dump");
    add_pair(ret, "--tree", pid);
    add_pair(ret, "--images-dir", values->image_path ? values->image_path : "checkpoint");
    add_pair(ret, "--work-dir", values->work_path);
    add_pair(ret, "--prev-images-dir", values->parent_path);
    add_pair(ret, "--root", info->rootfs);
    add_pair(ret, "--log-file", "dump.log");
    add_pair(ret, "--status-fd", values->status_fd);
    add_pair(ret, "--empty-ns", values->empty_namespace ? "net" : NULL);
    add_flags(ret, values);
    if (values->pre_dump)
        add(ret, "--track-mem");
    int r = add_page_server(ret, values->page_server, err);
    _cleanup_free_ char *groups =
        text_format("--manage-cgroups=%s", values->cgroups_mode ? values->cgroups_mode : "soft");
    ret->failed = ret->failed || !groups;
    if (groups)
        add(ret, groups);
    add_external_mounts(ret, spec);
    return r < 0 ? r : ret->failed ? err_nomem(err) : 0;
}

/* ---- the command ------------------------------------------------------------------------------------------ */

static int read_document(struct session *session, const struct container_info *info,
                         struct spec **ret, struct err *err)
{
    struct oci_context context = { .name = info->name,
                                   .bundle = info->bundle,
                                   .rootless = engine_is_rootless(session->engine) };
    int r = session_world(session, &context.world, err);

    if (r < 0)
        return r;
    if (!info->document || !info->bundle)
        return err_set(err, EINVAL, "the record of container \"%.64s\" does not tell what it is",
                       info->name);
    return oci_read_config(info->document, strlen(info->document), &context, ret, err);
}

static int command_checkpoint(struct session *session, const void *values, char *const *operands,
                              struct err *err)
{
    const struct checkpoint_values *checkpoint = values;
    _cleanup_(container_info_done) struct container_info info = { 0 };
    _cleanup_(spec_freep) struct spec *spec = NULL;
    _cleanup_(words_done) struct words words = { 0 };
    const char *directory = checkpoint->image_path ? checkpoint->image_path : "checkpoint";
    struct engine *engine;
    int r = criu_check(session, err);

    if (r == 0)
        r = session_engine(session, &engine, err);
    if (r == 0)
        r = container_inspect(engine, operands[0], &info, err);
    if (r == 0 && info.status != CONTAINER_RUNNING && info.status != CONTAINER_PAUSED)
        r = err_set(err, ESRCH, "container not running");
    if (r == 0)
        r = read_document(session, &info, &spec, err);
    if (r == 0)
        r = make_words(session, checkpoint, &info, spec, &words, err);
    if (r < 0)
        return r;
    if (mkdir(directory, 0700) < 0 && errno != EEXIST)
        return err_set(err, errno, "cannot make the directory %.300s: %s", directory,
                       err_name(errno));
    return criu_run(words.argv, checkpoint->work_path ? checkpoint->work_path : directory,
                    "dump.log", err);
}
