/* The command line: every form of an option, and what is told of what is none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/argv.h"

#define WORDS_MAX 12

/* What the parser was given and what it made of it: "NAME" or "NAME=VALUE" each, then the operands. */
static const struct {
    const char *words[WORDS_MAX];
    const char *options, *operands;
} good_table[] = {
    { { NULL }, "", "" },
    { { "true" }, "", "true" },
    { { "true", "-m", "5m" }, "", "true -m 5m" },
    { { "--", "-m" }, "", "-m" },
    { { "--memory", "5m", "--", "--", "x" }, "memory=5m", "-- x" },
    { { "-", "x" }, "", "- x" },
    { { "", "x" }, "", " x" },
    /* long */
    { { "--memory", "5m", "x" }, "memory=5m", "x" },
    { { "--memory=5m", "x" }, "memory=5m", "x" },
    { { "--memory=", "x" }, "memory=", "x" },
    { { "--env=A=b=c" }, "env=A=b=c", "" },
    { { "--mem", "5m" }, "memory=5m", "" },
    { { "--memory-swap", "-1", "x" }, "memory-swap=-1", "x" },
    { { "--env", "--", "x" }, "env=--", "x" },
    { { "--tty", "--tty=false" }, "tty tty=false", "" },
    { { "--help", "x" }, "help", "x" },
    /* long with one dash */
    { { "-memory", "5m", "x" }, "memory=5m", "x" },
    { { "-memory=5m" }, "memory=5m", "" },
    { { "-mem", "10m", "-cpu", "20", "-cpuset", "1", "-cpushare", "512", "sh" },
      "memory=10m cpu=20 cpuset-cpus=1 cpu-shares=512",
      "sh" },
    { { "-it", "-mem", "10m", "-name=a", "-net", "host", "sh" },
      "interactive tty memory=10m name=a network=host",
      "sh" },
    { { "-tty", "-rm" }, "tty rm", "" },
    { { "-cpu=20" }, "cpu=20", "" },
    /* letters */
    { { "-m", "5m" }, "memory=5m", "" },
    { { "-m5m" }, "memory=5m", "" },
    { { "-m=5m" }, "memory=5m", "" },
    { { "-ti" }, "tty interactive", "" },
    { { "-itm", "5m", "x" }, "interactive tty memory=5m", "x" },
    { { "-itm5m" }, "interactive tty memory=5m", "" },
    { { "-eA=b" }, "env=A=b", "" },
    { { "-e=A=b" }, "env=A=b", "" },
    { { "-t=false" }, "tty=false", "" },
    { { "-h", "box", "-u", "1", "-w/", "-v", "/a:/b", "-c2" },
      "hostname=box user=1 workdir=/ volume=/a:/b cpu-shares=2",
      "" },
    { { "-e", "-x" }, "env=-x", "" },
    /* the command's own */
    { { "--report", "-", "--format=json", "-q", "-dry-run" },
      "report=- format=json quiet dry-run",
      "" },
};

static const struct {
    const char *words[WORDS_MAX];
    const char *says;
} bad_table[] = {
    { { "--bogus-bogus" }, "run has no option --bogus-bogus; ration run --help" },
    { { "--memry", "5m" }, "did you mean --memory?" },
    { { "--memry=5m" }, "no option --memry; did you mean --memory?" },
    { { "-Timeout=1" }, "no option -Timeout; did you mean --timeout?" },
    { { "--memory" }, "--memory needs a value (SIZE)" },
    { { "-m" }, "--memory needs a value" },
    { { "-itm" }, "--memory needs a value" },
    { { "-x" }, "no option -x" },
    { { "-tx" }, "no option -tx" },
    { { "-it!" }, "no option -it!" },
    { { "--=5" }, "no option --" },
    { { "---memory", "5" }, "no option ---memory" },
    { { "--Memory", "5m" }, "did you mean --memory?" },
    { { "--memory 5m" }, "no option --memory 5m" },
};

struct record {
    struct buf text;
    bool refuse; /* every value is a bad one */
};

static int record_set(void *data, const struct ration_option *option, const char *value,
                      struct ration_error *error)
{
    struct record *record = data;

    if (record->refuse && value)
        return cli_usage(error, "bad value %s", value);
    buf_printf(&record->text, "%s%s%s%s", record->text.len ? " " : "", option->name,
               value ? "=" : "", text_or_empty(value));
    return 0;
}

static void test_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good_table); i++) {
        struct record record = { .text = BUF_INIT };
        struct ration_error error = { 0 };
        _cleanup_buf_ struct buf rest = BUF_INIT;
        char *const *operands;
        if (argv_parse(&run_command, (char *const *)good_table[i].words, record_set, &record,
                       &operands, &error) < 0)
            fail_msg("case %zu: %s", i, error.text);
        for (size_t j = 0; operands[j]; j++)
            buf_printf(&rest, "%s%s", j ? " " : "", operands[j]);
        assert_string_equal(buf_text(&record.text), good_table[i].options);
        assert_string_equal(buf_text(&rest), good_table[i].operands);
        buf_done(&record.text);
    }
}

static void test_what_is_no_option(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad_table); i++) {
        struct record record = { .text = BUF_INIT };
        struct ration_error error = { 0 };
        char *const *operands;
        int r = argv_parse(&run_command, (char *const *)bad_table[i].words, record_set, &record,
                           &operands, &error);
        if (r >= 0 || error.exit_status != 2 || !strstr(error.text, bad_table[i].says))
            fail_msg("%s: %d, \"%s\" lacks \"%s\"", bad_table[i].words[0], r, error.text,
                     bad_table[i].says);
        buf_done(&record.text);
    }
}

/* A bad value in a cluster that looks like a misspelt name is told as one; another is told as bad. */
static void test_misspelt_with_one_dash(void **state)
{
    struct record record = { .text = BUF_INIT, .refuse = true };
    struct ration_error error = { 0 };
    char *const *operands;

    (void)state;
    assert_true(argv_parse(&run_command, (char *const[]){ "-memry", "5m", NULL }, record_set,
                           &record, &operands, &error) < 0);
    assert_string_equal(error.text, "run has no option -memry; did you mean --memory?");
    assert_true(argv_parse(&run_command, (char *const[]){ "-m5x", NULL }, record_set, &record,
                           &operands, &error) < 0);
    assert_string_equal(error.text, "bad value 5x");
    buf_done(&record.text);
}

/* doctor has no options of a run, and no COMMAND. */
static void test_a_command_without_a_run(void **state)
{
    struct record record = { .text = BUF_INIT };
    struct ration_error error = { 0 };
    char *const *operands;

    (void)state;
    assert_true(argv_parse(&doctor_command, (char *const[]){ "--memory", "5m", NULL }, record_set,
                           &record, &operands, &error) < 0);
    assert_int_equal(argv_parse(&doctor_command, (char *const[]){ "-json", "--fix", "x", NULL },
                                record_set, &record, &operands, &error),
                     0);
    assert_string_equal(buf_text(&record.text), "json fix");
    assert_string_equal(operands[0], "x");
    buf_done(&record.text);
}

/* Of one command no name, alias or letter means two options; headings stay together. */
static void test_tables(void **state)
{
    struct ration_option a, b;

    (void)state;
    for (size_t c = 0; c < command_count(); c++) {
        const struct command *command = command_at(c);
        assert_ptr_equal(command_find(command->name), command);
        for (size_t i = 0; command_option_at(command, i, &a); i++) {
            bool ended = false;
            for (size_t j = i + 1; command_option_at(command, j, &b); j++) {
                assert_string_not_equal(a.name, b.name);
                assert_true(!a.letter || a.letter != b.letter);
                if (strcmp(a.group, b.group) != 0)
                    ended = true;
                else
                    assert_false(ended);
            }
        }
    }
    assert_null(command_find(""));
    assert_null(command_find("rum"));
    assert_null(command_at(command_count()));
}

static void each_line(const char *text, void (*check)(const char *line, size_t len))
{
    const char *line;
    size_t len;

    while (line_next(&text, &line, &len))
        check(line, len);
}

static void check_width(const char *line, size_t len)
{
    if (len > 80)
        fail_msg("%zu columns: %.*s", len, (int)len, line);
    assert_true(len == 0 || line[len - 1] != ' ');
}

static void check_roff(const char *line, size_t len)
{
    static const char *const request_table[] = { ".SS ", ".TP" };
    bool known = false;

    if (len > 0 && line[0] == '.') {
        for (size_t i = 0; i < ARRAY_SIZE(request_table); i++)
            known = known || text_starts(line, request_table[i]);
        if (!known)
            fail_msg("no request: %.*s", (int)len, line);
    }
    assert_true(len == 0 || line[0] != '\'');
}

/* Help and manual name every option, the former within 80 columns. */
static void test_help(void **state)
{
    struct ration_option option;
    char word[64];

    (void)state;
    for (size_t c = 0; c < command_count(); c++) {
        _cleanup_buf_ struct buf help = BUF_INIT, roff = BUF_INIT, bash = BUF_INIT;
        help_of_command(command_at(c), &help);
        roff_of_command(command_at(c), &roff);
        assert_int_equal(completion_of_shell("bash", &bash), 0);
        each_line(buf_text(&help), check_width);
        each_line(buf_text(&roff), check_roff);
        for (size_t i = 0; command_option_at(command_at(c), i, &option); i++) {
            snprintf(word, sizeof(word), "--%s", option.name);
            assert_non_null(strstr(buf_text(&help), word));
            assert_non_null(strstr(buf_text(&bash), word));
        }
    }
    _cleanup_buf_ struct buf program = BUF_INIT, none = BUF_INIT;
    help_of_program(&program);
    each_line(buf_text(&program), check_width);
    assert_int_equal(completion_of_shell("csh", &none), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_what_is_no_option),
        cmocka_unit_test(test_misspelt_with_one_dash),
        cmocka_unit_test(test_a_command_without_a_run),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_help),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
