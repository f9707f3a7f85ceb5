/*
 * ration-systemd: says to systemd, over D-Bus, what src/systemd/manager.c wants said. It knows nothing of limits
 * or containers.
 *
 *     ration-systemd system|user start UNIT SLICE DESCRIPTION
 *     ration-systemd system|user set|stop UNIT
 *
 * stdin: properties and "go", as systemd/systemd.h has them; stdout: one line of answer to each "go".
 * Source: org.freedesktop.systemd1(5), systemd.scope(5).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/base.h"

#define SYSTEMD   "org.freedesktop.systemd1"
#define MANAGER   SYSTEMD, "/org/freedesktop/systemd1", SYSTEMD ".Manager"
#define JOB_US    60000000u
#define CGROUPS   "/sys/fs/cgroup"
#define LEAF      "holder" /* of the unified hierarchy: no processes beside groups with controllers */
#define LEAF_WAIT 200      /* times 5 ms */

struct helper {
    bool user;
    const char *unit, *slice, *description;
    sd_bus *bus;
    unsigned version; /* 0: not asked yet */
    pid_t holder;
    char *leaf; /* its group, or NULL */
    /* the job that is waited for */
    const char *job;
    char result[32];
};

/* ---- telling --------------------------------------------------------------------------------------------- */

static void answer(const char *fmt, ...) _printf_(1, 2);

static void answer(const char *fmt, ...)
{
    char line[2048];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line) - 1, fmt, ap);
    va_end(ap);
    size_t length = strlen(line);
    for (size_t i = 0; i < length; i++) {
        if (line[i] == '\n')
            line[i] = ' ';
    }
    line[length++] = '\n';
    fd_write_all(STDOUT_FILENO, line, length);
}

static int told(const struct err *err)
{
    answer("error %d %s", err->code, err->text);
    return -err->code;
}

static int bus_failed(const struct helper *h, int r, const sd_bus_error *error, const char *what,
                      struct err *err)
{
    const char *why = error && error->message ? error->message : err_name(-r);

    return err_refuse(err, -r, "systemd does not %s the unit %.150s: %s", what, h->unit, why);
}

/* ---- properties ------------------------------------------------------------------------------------------- */

static int append_value(sd_bus_message *m, char type, const char *text)
{
    union {
        uint8_t y;
        int16_t n;
        uint16_t q;
        int32_t i;
        uint32_t u;
        int64_t x;
        uint64_t t;
        int b;
    } value = { 0 };

    if (type == 's')
        return sd_bus_message_append_basic(m, type, text);
    if (*text == '-')
        value.x = strtoll(text, NULL, 10);
    else
        value.t = strtoull(text, NULL, 10);
    /* The machine's low end is where the smaller ones are, too. */
    uint64_t number = value.t;
    switch (type) {
    case 'y':
        value.y = (uint8_t)number;
        break;
    case 'n':
        value.n = (int16_t)number;
        break;
    case 'q':
        value.q = (uint16_t)number;
        break;
    case 'i':
        value.i = (int32_t)number;
        break;
    case 'u':
        value.u = (uint32_t)number;
        break;
    case 'b':
        value.b = number != 0;
        break;
    default:
        break;
    }
    return sd_bus_message_append_basic(m, type, &value);
}

struct property {
    char name[64], type[4];
    size_t n;
    unsigned since;
};

static bool property_parse(const char *line, size_t len, struct property *ret)
{
    char copy[160];

    char *rest, *words[5];
    uint64_t n, since;

    snprintf(copy, sizeof(copy), "%.*s", (int)len, line);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        words[i] = strtok_r(i == 0 ? copy : NULL, " ", &rest);
        if (!words[i])
            return false;
    }
    if (strcmp(words[0], "property") != 0 || strlen(words[1]) >= sizeof(ret->name) ||
        strlen(words[2]) >= sizeof(ret->type) || number_parse(words[3], SIZE_MAX, &n) < 0 ||
        number_parse(words[4], UINT32_MAX, &since) < 0)
        return false;
    snprintf(ret->name, sizeof(ret->name), "%s", words[1]);
    snprintf(ret->type, sizeof(ret->type), "%s", words[2]);
    ret->n = (size_t)n;
    ret->since = (unsigned)since;
    return true;
}

/* (sv) with the values of the lines at *cursor. */
static int append_property(sd_bus_message *m, const struct property *p, const char **cursor)
{
    bool is_array = *p->type == 'a';
    const char *basic = p->type + is_array, *line;
    size_t len;
    int r = sd_bus_message_open_container(m, 'r', "sv");

    if (r >= 0)
        r = sd_bus_message_append_basic(m, 's', p->name);
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'v', p->type);
    if (r >= 0 && is_array)
        r = sd_bus_message_open_container(m, 'a', basic);
    for (size_t i = 0; r >= 0 && i < p->n; i++) {
        if (!line_next(cursor, &line, &len))
            return -EBADMSG;
        _cleanup_free_ char *text = strndup(line, len);
        r = text ? append_value(m, *basic, text) : -ENOMEM;
    }
    for (int i = is_array ? 3 : 2; r >= 0 && i > 0; i--)
        r = sd_bus_message_close_container(m);
    return r;
}

static unsigned manager_version(struct helper *h)
{
    _cleanup_free_ char *text = NULL;

    if (h->version == 0 &&
        sd_bus_get_property_string(h->bus, MANAGER, "Version", NULL, &text) >= 0) {
        const char *digits = text + strcspn(text, "0123456789");
        h->version = (unsigned)strtoul(digits, NULL, 10);
    }
    return h->version;
}

/* All of them; those that this systemd does not know yet are left out. */
static int append_properties(struct helper *h, sd_bus_message *m, const char *text)
{
    const char *line;
    size_t len;
    int r = 0;

    while (r >= 0 && line_next(&text, &line, &len)) {
        struct property p;
        if (!property_parse(line, len, &p))
            return -EBADMSG;
        if (p.since <= 1 || manager_version(h) >= p.since) {
            r = append_property(m, &p, &text);
            continue;
        }
        for (size_t i = 0; i < p.n; i++)
            line_next(&text, &line, &len);
    }
    return r;
}

/* ---- the bus ------------------------------------------------------------------------------------------------- */

/* systemd's own socket: there without a message bus, too. */
static int connect_private(struct helper *h)
{
    const char *runtime = h->user ? getenv("XDG_RUNTIME_DIR") : "/run";
    _cleanup_free_ char *address = NULL;
    int r = sd_bus_new(&h->bus);

    if (r < 0)
        return r;
    if (!runtime)
        return -ENOENT;
    address = text_format("unix:path=%s/systemd/private", runtime);
    if (!address)
        return -ENOMEM;
    r = sd_bus_set_address(h->bus, address);
    return r < 0 ? r : sd_bus_start(h->bus);
}

static int connect_bus(struct helper *h, struct err *err)
{
    int r = connect_private(h);

    if (r < 0) {
        h->bus = sd_bus_unref(h->bus);
        r = h->user ? sd_bus_open_user(&h->bus) : sd_bus_open_system(&h->bus);
    }
    if (r >= 0) {
        /* On its own socket systemd tells everything in any case. */
        sd_bus_call_method(h->bus, MANAGER, "Subscribe", NULL, NULL, "");
        return 0;
    }
    return err_refuse(err, -r,
                      h->user ? "--cgroup-manager systemd: the user's systemd cannot be reached "
                                "(%s); log in so that it runs, or use --cgroup-manager cgroupfs"
                              : "--cgroup-manager systemd: systemd cannot be reached (%s): does it "
                                "run here? use --cgroup-manager cgroupfs",
                      err_name(-r));
}

static int job_removed(sd_bus_message *m, void *data, sd_bus_error *error)
{
    struct helper *h = data;
    const char *job, *unit, *result;
    uint32_t id;

    (void)error;
    if (sd_bus_message_read(m, "uoss", &id, &job, &unit, &result) < 0)
        return 0;
    /* The answer that names our job comes first. */
    if (h->job && strcmp(job, h->job) == 0)
        snprintf(h->result, sizeof(h->result), "%s", result);
    return 0;
}

/* Until the job of that reply is done. */
static int wait_job(struct helper *h, sd_bus_message *reply, const char *what, struct err *err)
{
    uint64_t until_us = clock_us(CLOCK_MONOTONIC) + JOB_US;
    int r = sd_bus_message_read(reply, "o", &h->job);

    while (r >= 0 && *h->result == '\0') {
        r = sd_bus_process(h->bus, NULL);
        if (r != 0)
            continue;
        uint64_t now_us = clock_us(CLOCK_MONOTONIC);
        r = now_us < until_us ? sd_bus_wait(h->bus, until_us - now_us) : -ETIMEDOUT;
    }
    h->job = NULL;
    if (r < 0)
        return bus_failed(h, r, NULL, what, err);
    if (strcmp(h->result, "done") == 0)
        return 0;
    return err_refuse(err, EIO, "systemd does not %s the unit %.150s: its job is %s", what, h->unit,
                      h->result);
}

static int watch_jobs(struct helper *h)
{
    *h->result = '\0';
    return sd_bus_match_signal(h->bus, NULL, NULL, "/org/freedesktop/systemd1", SYSTEMD ".Manager",
                               "JobRemoved", job_removed, h);
}

/* ---- starting ---------------------------------------------------------------------------------------------------- */

/* A process that does nothing, and ends with us. */
static int holder_start(struct helper *h, struct err *err)
{
    pid_t parent = getpid();

    h->holder = fork();
    if (h->holder < 0)
        return err_set(err, errno, "cannot make a process for the unit %.150s: %m", h->unit);
    if (h->holder == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
            _exit(1);
        /* The socket is ours to close. */
        close_range(0, ~0u, 0);
        for (;;)
            pause();
    }
    return 0;
}

static int append_scope(struct helper *h, sd_bus_message *m, const char *properties)
{
    int r = sd_bus_message_append(m, "ss", h->unit, "fail");

    if (r >= 0)
        r = sd_bus_message_open_container(m, 'a', "(sv)");
    if (r >= 0)
        r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)", "Description", "s", h->description,
                                  "Slice", "s", h->slice, "Delegate", "b", 1, "DefaultDependencies",
                                  "b", 0, "CollectMode", "s", "inactive-or-failed", "PIDs", "au", 1,
                                  (uint32_t)h->holder);
    if (r >= 0)
        r = append_properties(h, m, properties);
    if (r >= 0)
        r = sd_bus_message_close_container(m);
    return r < 0 ? r : sd_bus_message_append(m, "a(sa(sv))", 0);
}

static int call_start(struct helper *h, const char *properties, sd_bus_error *error,
                      sd_bus_message **ret)
{
    sd_bus_message *m = NULL;
    int r = sd_bus_message_new_method_call(h->bus, &m, MANAGER, "StartTransientUnit");

    if (r >= 0)
        r = append_scope(h, m, properties);
    if (r >= 0)
        r = sd_bus_call(h->bus, m, 0, error, ret);
    sd_bus_message_unref(m);
    return r;
}

static int scope_start(struct helper *h, const char *properties, struct err *err)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    int r = watch_jobs(h);

    if (r >= 0)
        r = call_start(h, properties, &error, &reply);
    if (sd_bus_error_has_name(&error, SYSTEMD ".UnitExists")) {
        /* One that failed and was kept is in the way of nobody. */
        sd_bus_error_free(&error);
        sd_bus_call_method(h->bus, MANAGER, "ResetFailedUnit", NULL, NULL, "s", h->unit);
        r = call_start(h, properties, &error, &reply);
    }
    if (sd_bus_error_has_name(&error, SYSTEMD ".UnitExists"))
        r = err_refuse(err, EEXIST,
                       "the unit %.150s exists already; end it or give another "
                       "cgroupsPath",
                       h->unit);
    else if (r < 0)
        r = bus_failed(h, r, &error, "start", err);
    else
        r = wait_job(h, reply, "start", err);
    sd_bus_error_free(&error);
    sd_bus_message_unref(reply);
    return r;
}

static int scope_path(struct helper *h, char **ret, struct err *err)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    char *object = NULL;
    int r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", h->unit, &object);

    if (r >= 0)
        r = sd_bus_get_property_string(h->bus, SYSTEMD, object, SYSTEMD ".Scope", "ControlGroup",
                                       &error, ret);
    if (r >= 0 && **ret != '/')
        r = -ENOENT;
    if (r < 0)
        bus_failed(h, r, &error, "tell the group of", err);
    sd_bus_error_free(&error);
    free(object);
    return r;
}

/* ---- the holder's leaf -------------------------------------------------------------------------------------------- */

static int leaf_enter(struct helper *h, const char *group, struct err *err)
{
    struct statfs st;
    char pid[16];

    if (statfs(CGROUPS, &st) < 0 || st.f_type != CGROUP2_SUPER_MAGIC)
        return 0;
    h->leaf = text_format(CGROUPS "%s/" LEAF, group);
    if (!h->leaf)
        return err_nomem(err);
    if (mkdir(h->leaf, 0755) < 0 && errno != EEXIST)
        return err_refuse(err, errno, "cannot make the group %.300s: %m", h->leaf);
    _cleanup_free_ char *procs = text_format("%s/cgroup.procs", h->leaf);
    snprintf(pid, sizeof(pid), "%d", (int)h->holder);
    int r = procs ? file_write(AT_FDCWD, procs, pid) : -ENOMEM;
    return r < 0
               ? err_refuse(err, -r, "cannot move a process into %.300s: %s", h->leaf, err_name(-r))
               : 0;
}

static void holder_end(struct helper *h)
{
    if (h->holder > 0) {
        kill(h->holder, SIGKILL);
        waitpid(h->holder, NULL, 0);
        h->holder = 0;
    }
    for (int i = 0; h->leaf && rmdir(h->leaf) < 0 && errno == EBUSY && i < LEAF_WAIT; i++)
        usleep(5000);
}

/* ---- the other verbs --------------------------------------------------------------------------------------------- */

static int unit_set(struct helper *h, const char *properties, struct err *err)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *m = NULL;
    int r = sd_bus_message_new_method_call(h->bus, &m, MANAGER, "SetUnitProperties");

    if (r >= 0)
        r = sd_bus_message_append(m, "sb", h->unit, 1);
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'a', "(sv)");
    if (r >= 0)
        r = append_properties(h, m, properties);
    if (r >= 0)
        r = sd_bus_message_close_container(m);
    if (r >= 0)
        r = sd_bus_call(h->bus, m, 0, &error, NULL);
    if (r < 0)
        bus_failed(h, r, &error, "take the limits of", err);
    sd_bus_error_free(&error);
    sd_bus_message_unref(m);
    return r;
}

static int unit_stop(struct helper *h, struct err *err)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    int r = watch_jobs(h);

    if (r >= 0)
        r = sd_bus_call_method(h->bus, MANAGER, "StopUnit", &error, &reply, "ss", h->unit,
                               "replace");
    if (sd_bus_error_has_name(&error, SYSTEMD ".NoSuchUnit"))
        r = 0;
    else if (r < 0)
        r = bus_failed(h, r, &error, "stop", err);
    else
        r = wait_job(h, reply, "stop", err);
    /* It is gone in most cases. */
    if (r >= 0)
        sd_bus_call_method(h->bus, MANAGER, "ResetFailedUnit", NULL, NULL, "s", h->unit);
    sd_bus_error_free(&error);
    sd_bus_message_unref(reply);
    return r;
}

/* ---- the dialogue -------------------------------------------------------------------------------------------------- */

/* The properties up to the next "go"; 0: there is none any more. */
static int read_request(FILE *in, struct buf *ret)
{
    char *line = NULL;
    size_t size = 0;
    int r = 0;

    buf_reset(ret);
    while (r == 0 && getline(&line, &size, in) > 0) {
        if (strcmp(line, "go\n") == 0)
            r = 1;
        else
            buf_puts(ret, line);
    }
    free(line);
    return buf_error(ret) < 0 ? -ENOMEM : r;
}

static int start_and_hold(struct helper *h, FILE *in, struct buf *request)
{
    _cleanup_free_ char *group = NULL;
    struct err err = ERR_INIT;
    int r = scope_start(h, buf_text(request), &err);

    if (r >= 0)
        r = scope_path(h, &group, &err);
    if (r >= 0)
        r = leaf_enter(h, group, &err);
    if (r < 0)
        return told(&err);
    answer("ok %s", group);
    while (r >= 0 && read_request(in, request) > 0) {
        r = unit_set(h, buf_text(request), &err);
        if (r < 0)
            told(&err);
        else
            answer("ok ");
    }
    return r;
}

static int helper_run(struct helper *h, const char *verb)
{
    _cleanup_buf_ struct buf request = BUF_INIT;
    struct err err = ERR_INIT;
    bool start = strcmp(verb, "start") == 0;
    int r = start ? holder_start(h, &err) : 0;

    if (r >= 0)
        r = connect_bus(h, &err);
    if (r < 0)
        return told(&err);
    if (read_request(stdin, &request) <= 0)
        return -EPIPE;
    if (start)
        return start_and_hold(h, stdin, &request);
    r = strcmp(verb, "set") == 0 ? unit_set(h, buf_text(&request), &err) : unit_stop(h, &err);
    if (r < 0)
        return told(&err);
    answer("ok ");
    return 0;
}

int main(int argc, char **argv)
{
    static const char *const verb_table[] = { "start", "set", "stop" };
    struct helper h = { 0 };
    bool known = false;

    for (size_t i = 0; argc == 6 && i < ARRAY_SIZE(verb_table); i++)
        known |= strcmp(argv[2], verb_table[i]) == 0;
    if (!known) {
        fputs("ration-systemd is started by ration-oci --cgroup-manager systemd\n", stderr);
        return 2;
    }
    h.user = strcmp(argv[1], "user") == 0;
    h.unit = argv[3];
    h.slice = argv[4];
    h.description = argv[5];
    int r = helper_run(&h, argv[2]);
    holder_end(&h);
    sd_bus_flush_close_unref(h.bus);
    free(h.leaf);
    return r < 0;
}
