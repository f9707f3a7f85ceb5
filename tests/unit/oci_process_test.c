/* process: each field, right and wrong; and processes executed in a container. */
#include "oci_fixture.h"

static void process_fields(void **state)
{
    static const struct fixture_case table[] = {
        { "process", NULL, NULL },
        { "process", "null", "process must be an object, not null" },
        { "process", "[]", "process must be an object, not an array" },
        { "process.terminal", "true", NULL },
        { "process.terminal", "\"true\"", "process.terminal must be true or false, not \"true\"" },
        { "process.terminal", "1", "process.terminal must be true or false, not 1" },
        { "process.cwd", NULL, "process.cwd is missing" },
        { "process.cwd", "\"rel\"", "process.cwd must be an absolute path, not \"rel\"" },
        { "process.cwd", "\"\"", "process.cwd must be an absolute path, not \"\"" },
        { "process.cwd", "1", "process.cwd must be a string, not 1" },
        { "process.args", NULL, "process.args is missing" },
        { "process.args", "[]", "process.args is empty: it must name a program" },
        { "process.args", "[\"\"]", "process.args[0] is empty: it must name a program" },
        { "process.args", "[\"a\", \"\"]", NULL },
        { "process.args", "\"sh\"", "process.args must be an array, not \"sh\"" },
        { "process.args", "[\"sh\", 1]", "process.args[1] must be a string, not 1" },
        { "process.args", "[null]", "process.args[0] must be a string, not null" },
        { "process.env", "[]", NULL },
        { "process.env", "[\"A=\", \"A=b=c\", \"a b=\\n\"]", NULL },
        { "process.env", "[\"A\"]", "process.env[0] must be NAME=VALUE, not \"A\"" },
        { "process.env", "[\"A=1\", \"=2\"]", "process.env[1] must be NAME=VALUE, not \"=2\"" },
        { "process.env", "{}", "process.env must be an array, not an object" },
        { "process.noNewPrivileges", "true", NULL },
        { "process.noNewPrivileges", "0", "process.noNewPrivileges must be true or false, not 0" },
        { "process.apparmorProfile", "\"p\"", NULL },
        { "process.apparmorProfile", "true", "process.apparmorProfile must be a string, not true" },
        { "process.selinuxLabel", "\"\"", NULL },
        { "process.selinuxLabel", "{}", "process.selinuxLabel must be a string, not an object" },
        { "process.oomScoreAdj", "-1000", NULL },
        { "process.oomScoreAdj", "1001",
          "process.oomScoreAdj must be a whole number from -1000 to 1000, not 1001" },
        { "process.oomScoreAdj", "0.5",
          "process.oomScoreAdj must be a whole number from -1000 to 1000, not 0.5" },
        { "process.unknown", "{\"a\": [1]}", NULL },
    };

    (void)state;
    FIXTURE_CHECK(table);
}

static void user_fields(void **state)
{
    static const struct fixture_case table[] = {
        { "process.user", NULL, NULL },
        { "process.user", "{}", "process.user.uid is missing" },
        { "process.user.gid", NULL, "process.user.gid is missing" },
        { "process.user.username", "\"ContainerUser\"", NULL },
        { "process.user.uid", "4294967294", NULL },
        { "process.user.uid", "4294967295",
          "process.user.uid must be a whole number from 0 to 4294967294, not 4294967295" },
        { "process.user.uid", "4294967296",
          "process.user.uid must be a whole number from 0 to 4294967294, not 4294967296" },
        { "process.user.uid", "-1",
          "process.user.uid must be a whole number from 0 to 4294967294, not -1" },
        { "process.user.uid", "\"0\"",
          "process.user.uid must be a whole number from 0 to 4294967294, not \"0\"" },
        { "process.user.uid", "1.0",
          "process.user.uid must be a whole number from 0 to 4294967294, not 1" },
        { "process.user.gid", "1e3",
          "process.user.gid must be a whole number from 0 to 4294967294, not 1000" },
        { "process.user.gid", "null",
          "process.user.gid must be a whole number from 0 to 4294967294, not null" },
        { "process.user.umask", "511", NULL },
        { "process.user.umask", "99999999",
          "process.user.umask must be a whole number from 0 to 511, not 99999999" },
        { "process.user.umask", "\"0022\"",
          "process.user.umask must be a whole number from 0 to 511, not \"0022\"" },
        { "process.user.additionalGids", "[5, 0, 4294967294]", NULL },
        { "process.user.additionalGids", "[5, 4294967295]",
          "process.user.additionalGids[1] must be a whole number from 0 to 4294967294, not "
          "4294967295" },
        { "process.user.additionalGids", "5",
          "process.user.additionalGids must be an array, not 5" },
    };

    (void)state;
    FIXTURE_CHECK(table);
}

static void rlimit_fields(void **state)
{
#define RLIMIT(type, soft, hard) "{\"type\": \"" type "\", \"soft\": " soft ", \"hard\": " hard "}"
    static const struct fixture_case table[] = {
        { "process.rlimits", "[]", NULL },
        { "process.rlimits", "[" RLIMIT("RLIMIT_CPU", "0", "0") "]", NULL },
        { "process.rlimits", "{}", "process.rlimits must be an array, not an object" },
        { "process.rlimits", "[1]", "process.rlimits[0] must be an object, not 1" },
        { "process.rlimits", "[" RLIMIT("RLIMIT_FOO", "0", "0") "]",
          "process.rlimits[0].type: there is no limit \"RLIMIT_FOO\"" },
        { "process.rlimits", "[" RLIMIT("RLIMIT_", "0", "0") "]",
          "process.rlimits[0].type: there is no limit \"RLIMIT_\"" },
        { "process.rlimits", "[" RLIMIT("rlimit_cpu", "0", "0") "]",
          "process.rlimits[0].type: there is no limit \"rlimit_cpu\"" },
        { "process.rlimits", "[" RLIMIT("MEMORY", "0", "0") "]",
          "process.rlimits[0].type: there is no limit \"MEMORY\"" },
        { "process.rlimits", "[" RLIMIT("RLIMIT_CPU", "2", "1") "]",
          "process.rlimits[0]: the soft limit 2 is above the hard limit 1" },
        { "process.rlimits", "[" RLIMIT("RLIMIT_CPU", "-1", "1") "]",
          "process.rlimits[0].soft must be a whole number from 0 to 18446744073709551615, not "
          "-1" },
        { "process.rlimits", "[" RLIMIT("RLIMIT_AS", "0", "\"64M\"") "]",
          "process.rlimits[0].hard must be a whole number from 0 to 18446744073709551615, not "
          "\"64M\"" },
        { "process.rlimits", "[{\"type\": \"RLIMIT_AS\", \"hard\": 1}]",
          "process.rlimits[0].soft is missing" },
        { "process.rlimits",
          "[" RLIMIT("RLIMIT_CPU", "1", "1") ", " RLIMIT("RLIMIT_CPU", "1", "1") "]",
          "process.rlimits[1].type: \"RLIMIT_CPU\" is given twice" },
    };

    (void)state;
    FIXTURE_CHECK(table);
}

static void capability_fields(void **state)
{
    static const struct fixture_case table[] = {
        { "process.capabilities", "{}", NULL },
        { "process.capabilities", "[]", "process.capabilities must be an object, not an array" },
        { "process.capabilities", "{\"bounding\": [\"CAP_CHOWN\", \"CAP_CHOWN\"]}", NULL },
        { "process.capabilities", "{\"bounding\": \"CAP_CHOWN\"}",
          "process.capabilities.bounding must be an array, not \"CAP_CHOWN\"" },
        { "process.capabilities", "{\"bounding\": [1]}",
          "process.capabilities.bounding[0] must be a string, not 1" },
        { "process.capabilities", "{\"permitted\": [\"CAP_KILL\", \"CAP_FOO\"]}",
          "process.capabilities.permitted[1]: \"CAP_FOO\" is not a capability" },
        { "process.capabilities", "{\"inheritable\": [\"CHOWN\"]}",
          "process.capabilities.inheritable[0]: \"CHOWN\" is not a capability" },
        { "process.capabilities", "{\"ambient\": [\"cap_chown\"]}",
          "process.capabilities.ambient[0]: \"cap_chown\" is not a capability" },
        { "process.capabilities", "{\"effective\": [\"CAP_KILL\"]}",
          "process.capabilities.effective: \"CAP_KILL\" cannot be granted without being "
          "permitted" },
    };

    (void)state;
    FIXTURE_CHECK(table);
}

static void schedule_fields(void **state)
{
    static const struct fixture_case table[] = {
        { "process.scheduler", "{\"policy\": \"SCHED_BATCH\", \"nice\": -20}", NULL },
        { "process.scheduler", "{\"policy\": \"SCHED_FIFO\", \"priority\": 99}", NULL },
        { "process.scheduler",
          "{\"policy\": \"SCHED_DEADLINE\", \"runtime\": 1, \"deadline\": 2, \"period\": 3,"
          " \"flags\": [\"SCHED_FLAG_RECLAIM\"]}",
          NULL },
        { "process.scheduler", "{}", "process.scheduler.policy is missing" },
        { "process.scheduler", "{\"policy\": \"SCHED_ISO\"}",
          "process.scheduler.policy: \"SCHED_ISO\" is not a policy that Linux has" },
        { "process.scheduler", "{\"policy\": \"SCHED_OTHER\", \"nice\": 20}",
          "process.scheduler.nice must be a whole number from -20 to 19, not 20" },
        { "process.scheduler", "{\"policy\": \"SCHED_RR\"}",
          "process.scheduler.priority must be from 1 to 99 with this policy, not 0" },
        { "process.scheduler", "{\"policy\": \"SCHED_RR\", \"priority\": 100}",
          "process.scheduler.priority must be a whole number from 0 to 99, not 100" },
        { "process.scheduler", "{\"policy\": \"SCHED_OTHER\", \"priority\": 1}",
          "process.scheduler.priority is for SCHED_FIFO and SCHED_RR, and is 1" },
        { "process.scheduler", "{\"policy\": \"SCHED_FIFO\", \"priority\": 1, \"nice\": 1}",
          "process.scheduler.nice is for SCHED_OTHER and SCHED_BATCH, and is 1" },
        { "process.scheduler", "{\"policy\": \"SCHED_IDLE\", \"runtime\": 1}",
          "process.scheduler: runtime, deadline and period are for SCHED_DEADLINE" },
        { "process.scheduler", "{\"policy\": \"SCHED_DEADLINE\", \"runtime\": 2, \"deadline\": 1}",
          "process.scheduler: runtime 2, deadline 1 and period 0 do not fit: 0 < runtime <= "
          "deadline <= period" },
        { "process.scheduler", "{\"policy\": \"SCHED_OTHER\", \"flags\": [\"FAST\"]}",
          "process.scheduler.flags[0]: \"FAST\" is not a flag of sched_setattr(2)" },
        { "process.ioPriority", "{\"class\": \"IOPRIO_CLASS_IDLE\", \"priority\": 7}", NULL },
        { "process.ioPriority", "{\"class\": \"IOPRIO_CLASS_BE\"}",
          "process.ioPriority.priority is missing" },
        { "process.ioPriority", "{\"class\": \"BE\", \"priority\": 0}",
          "process.ioPriority.class: \"BE\" is not a class of ioprio_set(2)" },
        { "process.ioPriority", "{\"class\": \"IOPRIO_CLASS_RT\", \"priority\": 8}",
          "process.ioPriority.priority must be a whole number from 0 to 7, not 8" },
        { "process.execCPUAffinity", "{\"initial\": \"0-3,7\", \"final\": \"1\"}", NULL },
        { "process.execCPUAffinity", "{\"initial\": \"x\"}",
          "process.execCPUAffinity.initial must be a list of CPUs such as 0-3,7, not \"x\"" },
        { "process.execCPUAffinity", "{\"final\": \"\"}",
          "process.execCPUAffinity.final must be a list of CPUs such as 0-3,7, not \"\"" },
    };

    (void)state;
    FIXTURE_CHECK(table);
}

/* "Runtimes MUST ignore consoleSize if terminal is false or unset." */
static void console_size(void **state)
{
    static const struct fixture_case table[] = {
        { "process.consoleSize", "{\"height\": -1}", NULL },
        { "process.consoleSize", "1", "process.consoleSize must be an object, not 1" },
    };
    struct err err = ERR_INIT;
    struct spec *spec;

    (void)state;
    FIXTURE_CHECK(table);
    spec = fixture_spec(CHANGES("process.terminal", "true", "process.consoleSize",
                                "{\"height\": 25, \"width\": 65535}"));
    assert_true(spec->tty);
    assert_int_equal(spec->rows, 25);
    assert_int_equal(spec->columns, 65535);
    spec_free(spec);
    spec = fixture_spec(CHANGES("process.consoleSize", "{\"height\": 25, \"width\": 80}"));
    assert_int_equal(spec->rows, 0);
    spec_free(spec);
    assert_int_equal(fixture_read(CHANGES("process.terminal", "true", "process.consoleSize",
                                          "{\"height\": 25, \"width\": 65536}"),
                                  &spec, &err),
                     -EINVAL);
    assert_string_equal(err.text, "process.consoleSize.width must be a whole number from 0 to "
                                  "65535, not 65536");
}

/* What the fields become. */
static void process_values(void **state)
{
    struct spec *spec = fixture_spec(CHANGES(
        "process.user", "{\"uid\": 1000, \"gid\": 100, \"umask\": 18, \"additionalGids\": [5, 44]}",
        "process.env", "[\"B=2\", \"A=1\", \"B=3\"]", "process.cwd", "\"/work/../x\"",
        "process.rlimits", "[" RLIMIT("RLIMIT_NOFILE", "100", "200") "]", "process.oomScoreAdj",
        "-500", "process.noNewPrivileges", "true", "process.apparmorProfile", "\"prof\"",
        "process.selinuxLabel", "\"a:b:c:s0\"", "process.scheduler",
        "{\"policy\": \"SCHED_BATCH\", \"nice\": -3, \"flags\": [\"SCHED_FLAG_RESET_ON_FORK\"]}",
        "process.ioPriority", "{\"class\": \"IOPRIO_CLASS_BE\", \"priority\": 3}",
        "process.capabilities",
        "{\"bounding\": [\"CAP_CHOWN\", \"CAP_CHECKPOINT_RESTORE\"], \"effective\": [\"CAP_KILL\"],"
        " \"permitted\": [\"CAP_KILL\", \"CAP_SETUID\"], \"inheritable\": [\"CAP_KILL\"],"
        " \"ambient\": [\"CAP_KILL\", \"CAP_SETUID\"]}"));

    (void)state;
    assert_true(spec->identity_set && spec->uid == 1000 && spec->gid == 100);
    assert_int_equal(spec->n_groups, 2);
    assert_true(spec->groups[0] == 5 && spec->groups[1] == 44);
    assert_true(spec->umask_set && spec->umask == 022);
    assert_string_equal(spec->cwd, "/work/../x");
    assert_string_equal(spec->argv[2], "true");
    assert_null(spec->argv[3]);
    assert_string_equal(spec->env[0], "B=2");
    assert_string_equal(spec->env[2], "B=3");
    assert_null(spec->env[3]);
    assert_true(spec->oom_score_adj_set && spec->oom_score_adj == -500);
    assert_true(spec->no_new_privs);
    assert_string_equal(spec->apparmor_profile, "prof");
    assert_string_equal(spec->selinux_label, "a:b:c:s0");
    assert_true(spec->scheduler.set && spec->scheduler.policy == 3 && spec->scheduler.nice == -3);
    assert_int_equal(spec->scheduler.flags, 1);
    assert_true(spec->io_priority_set && spec->io_class == 2 && spec->io_priority == 3);
    assert_true(spec->caps.bounding == (1ull << 0 | 1ull << 40));
    assert_true(spec->caps.effective == 1ull << 5 && spec->caps.inheritable == 1ull << 5);
    assert_true(spec->caps.permitted == (1ull << 5 | 1ull << 7));
    assert_true(spec->caps.ambient == 1ull << 5); /* the other is not inheritable */
    struct limit_value *nofile = &spec->limits.value[LIMIT_RLIMIT_NOFILE];
    assert_true(nofile->state == LIMIT_SET && nofile->number == 100 && nofile->hard == 200);
    spec_free(spec);
}

/* What nobody asked for is not there. */
static void process_defaults(void **state)
{
    static const struct spec_caps none = { 0 };
    struct spec *spec = fixture_spec(CHANGES("process.env", NULL));

    (void)state;
    assert_null(spec->env);
    assert_memory_equal(&spec->caps, &none, sizeof(none));
    assert_false(spec->no_new_privs || spec->tty || spec->umask_set || spec->oom_score_adj_set ||
                 spec->scheduler.set || spec->io_priority_set || spec->personality_set);
    assert_null(spec->apparmor_profile);
    assert_null(spec->selinux_label);
    assert_int_equal(spec->n_groups, 0);
    for (enum limit_id id = 0; id < LIMIT_COUNT; id++) {
        if (id != LIMIT_DEVICE_CGROUP_RULE) /* every container has the usual ones */
            assert_int_equal(spec->limits.value[id].state, LIMIT_UNSET);
    }
    spec_free(spec);
    spec = fixture_spec(CHANGES("process", NULL));
    assert_null(spec->argv);
    spec_free(spec);
}

/* RLIM_INFINITY stands in documents as the number that it is. */
static void rlimit_unlimited(void **state)
{
    char *text = fixture_document(
        CHANGES("process.rlimits", "[" RLIMIT("RLIMIT_CORE", "111",
                                              "222") ", " RLIMIT("RLIMIT_STACK", "0", "222") "]"));
    static const char *const number_table[][2] = {
        { "111", "18446744073709551615" },
        { "222", "18446744073709551615" },
    };
    struct err err = ERR_INIT;
    struct spec *spec;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(number_table); i++) {
        char *at;
        while ((at = strstr(text, number_table[i][0]))) {
            *at = '\0';
            char *whole = text_format("%s%s%s", text, number_table[i][1], at + 3);
            free(text);
            text = whole;
        }
    }
    assert_int_equal(oci_read_config(text, strlen(text), &fixture_context, &spec, &err), 0);
    struct limit_value *core = &spec->limits.value[LIMIT_RLIMIT_CORE];
    struct limit_value *stack = &spec->limits.value[LIMIT_RLIMIT_STACK];
    assert_true(core->state == LIMIT_UNLIMITED && core->number == LIMIT_NUMBER_UNLIMITED);
    assert_true(core->hard == LIMIT_NUMBER_UNLIMITED);
    assert_true(stack->state == LIMIT_SET && stack->number == 0);
    assert_true(stack->hard == LIMIT_NUMBER_UNLIMITED);
    spec_free(spec);
    free(text);
}

/* ---- warnings ---------------------------------------------------------------------------------------------- */

static void note_warning(void *data, const char *sentence)
{
    buf_printf(data, "%s\n", sentence);
}

static int old_cap_last(void *data)
{
    (void)data;
    return 36;
}

/* "MUST be logged as a warning by the runtime" */
static void capability_warnings(void **state)
{
    static const struct spec_world world = { .cap_last = old_cap_last };
    struct buf notes = BUF_INIT;
    struct oci_context context = fixture_context;
    struct err err = ERR_INIT;
    struct spec *spec;
    char *text = fixture_document(CHANGES(
        "process.capabilities",
        "{\"bounding\": [\"CAP_FOO\", \"CAP_KILL\", \"CAP_BPF\"], \"ambient\": [\"CAP_KILL\"]}"));

    (void)state;
    context.world = &world;
    context.warn = note_warning;
    context.warn_data = &notes;
    assert_int_equal(oci_read_config(text, strlen(text), &context, &spec, &err), 0);
    assert_string_equal(buf_text(&notes),
                        "process.capabilities.bounding[0]: \"CAP_FOO\" is not a capability\n"
                        "process.capabilities.bounding[2]: \"CAP_BPF\" is a capability that this "
                        "kernel does not have\n"
                        "process.capabilities.ambient: \"CAP_KILL\" cannot be granted without "
                        "being permitted and inheritable\n");
    assert_true(spec->caps.bounding == 1ull << 5);
    assert_true(spec->caps.ambient == 0);
    spec_free(spec);
    context.warn = NULL;
    assert_int_equal(oci_read_config(text, strlen(text), &context, &spec, &err), -EPERM);
    assert_int_equal(err.class, ERR_REFUSED);
    free(text);
    buf_done(&notes);
}

/* ---- a process in a container ------------------------------------------------------------------------------ */

static const char container_seccomp[] =
    "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": [\"SCMP_ARCH_X86_64\"],"
    " \"syscalls\": [{\"names\": [\"reboot\", \"mount\"], \"action\": \"SCMP_ACT_ERRNO\","
    "  \"errnoRet\": 38, \"args\": [{\"index\": 1, \"value\": 2, \"op\": \"SCMP_CMP_EQ\"}]}]}";

static struct spec *container(void)
{
    return fixture_spec(CHANGES("process.noNewPrivileges", "true", "process.apparmorProfile",
                                "\"prof\"", "process.oomScoreAdj", "7", "process.user.umask", "63",
                                "process.rlimits", "[" RLIMIT("RLIMIT_NOFILE", "100", "200") "]",
                                "process.capabilities", "{\"bounding\": [\"CAP_KILL\"]}",
                                "process.user.additionalGids", "[9]", "process.terminal", "true",
                                "linux.personality", "{\"domain\": \"LINUX32\"}", "linux.seccomp",
                                container_seccomp, "annotations", "{\"a\": \"b\"}"));
}

static struct spec *process_read(const struct spec *base, const char *text)
{
    struct err err = ERR_INIT;
    struct spec *spec;

    if (oci_read_process(text, strlen(text), base, &fixture_context, &spec, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    return spec;
}

static void process_inherits(void **state)
{
    struct spec *base = container();
    struct spec *spec = process_read(base, "{\"cwd\": \"/tmp\", \"args\": [\"ls\"]}");

    (void)state;
    assert_true(spec->document && spec->identity_set && spec->no_new_privs);
    assert_string_equal(spec->name, "box");
    assert_string_equal(spec->cwd, "/tmp");
    assert_string_equal(spec->argv[0], "ls");
    assert_null(spec->env);
    assert_false(spec->tty);
    assert_int_equal(spec->n_groups, 0);
    assert_int_equal(spec->n_mounts, 0);
    assert_string_equal(spec->apparmor_profile, "prof");
    assert_true(spec->oom_score_adj_set && spec->oom_score_adj == 7);
    assert_true(spec->umask_set && spec->umask == 077);
    assert_true(spec->personality_set && spec->personality == 8);
    assert_true(spec->caps.bounding == 1ull << 5);
    assert_true(spec->namespaces == base->namespaces);
    assert_int_equal(spec->limits.value[LIMIT_RLIMIT_NOFILE].number, 100);
    assert_string_equal(spec->annotations[0], "a=b");
    assert_string_equal(spec->seccomp->text, base->seccomp->text);
    assert_string_equal(spec->seccomp->rules[0].names[1], "mount");
    assert_int_equal(spec->seccomp->rules[0].errno_value, 38);
    assert_int_equal(spec->seccomp->rules[0].arguments[0].value, 2);
    assert_string_equal(spec->seccomp->architectures[0], "SCMP_ARCH_X86_64");
    spec_free(spec);
    spec_free(base);
}

static void process_overrides(void **state)
{
    struct spec *base = container();
    struct spec *spec = process_read(
        base,
        "{\"cwd\": \"/\", \"args\": [\"ls\"], \"user\": {\"uid\": 5, \"gid\": 6, \"umask\": 0},"
        " \"terminal\": true, \"noNewPrivileges\": false, \"apparmorProfile\": \"other\","
        " \"oomScoreAdj\": 0, \"env\": [\"X=1\"], \"capabilities\": {\"bounding\": []},"
        " \"rlimits\": [" RLIMIT("RLIMIT_CPU", "1", "2") "]}");

    (void)state;
    assert_true(spec->uid == 5 && spec->gid == 6 && spec->tty && !spec->no_new_privs);
    assert_string_equal(spec->apparmor_profile, "other");
    assert_int_equal(spec->oom_score_adj, 0);
    assert_int_equal(spec->umask, 0);
    assert_string_equal(spec->env[0], "X=1");
    assert_true(spec->caps.bounding == 0);
    assert_int_equal(spec->limits.value[LIMIT_RLIMIT_NOFILE].state, LIMIT_UNSET);
    assert_int_equal(spec->limits.value[LIMIT_RLIMIT_CPU].hard, 2);
    spec_free(spec);
    spec_free(base);
}

static void process_refused(void **state)
{
    static const char *const table[][2] = {
        { "{\"args\": [\"ls\"]}", "process.cwd is missing" },
        { "{\"cwd\": \"/\"}", "process.args is missing" },
        { "{\"cwd\": \"/\", \"args\": [\"ls\"], \"user\": {\"uid\": -1, \"gid\": 0}}",
          "process.user.uid must be a whole number from 0 to 4294967294, not -1" },
        { "{\"cwd\": \"/\", \"args\": [\"ls\"], \"user\": {\"uid\": 10, \"gid\": 0}}",
          "process.user.uid 10 is not among the ids of linux.uidMappings" },
        { "[]", "the document cannot be read: line 1: it is not a JSON object" },
    };
    struct spec *base = fixture_spec(
        CHANGES("linux.namespaces[6]", "{\"type\": \"user\"}", "linux.uidMappings",
                "[{\"containerID\": 0, \"hostID\": 1000, \"size\": 10}]", "linux.gidMappings",
                "[{\"containerID\": 0, \"hostID\": 1000, \"size\": 10}]"));

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct err err = ERR_INIT;
        struct spec *spec;
        assert_int_equal(
            oci_read_process(table[i][0], strlen(table[i][0]), base, &fixture_context, &spec, &err),
            -EINVAL);
        assert_string_equal(err.text, table[i][1]);
        assert_null(spec);
    }
    spec_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(process_fields),   cmocka_unit_test(user_fields),
        cmocka_unit_test(rlimit_fields),    cmocka_unit_test(capability_fields),
        cmocka_unit_test(schedule_fields),  cmocka_unit_test(console_size),
        cmocka_unit_test(process_values),   cmocka_unit_test(process_defaults),
        cmocka_unit_test(rlimit_unlimited), cmocka_unit_test(capability_warnings),
        cmocka_unit_test(process_inherits), cmocka_unit_test(process_overrides),
        cmocka_unit_test(process_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
