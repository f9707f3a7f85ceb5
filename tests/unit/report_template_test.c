/* Lists, and what --format makes of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/print.h"

static const char document[] =
    "{\"Name\":\"web\",\"Pid\":42,\"Ratio\":1.5,\"Up\":true,\"Nothing\":null,\"Empty\":[],"
    "\"List\":[\"a\",\"b\"],\"Labels\":{\"a\":\"1\",\"b.c\":\"2\"},"
    "\"State\":{\"Status\":\"running\",\"Deep\":{\"X\":\"y\"}},"
    "\"Ports\":{\"80/tcp\":[{\"HostPort\":\"8080\"}]},\"Evil\":\"a\\u001b[31m\"}";

static int print(const char *format, struct buf *ret, struct err *err)
{
    struct template *template = NULL;
    json_t *value = json_loads(document, 0, NULL);
    int r;

    assert_non_null(value);
    r = template_parse(format, &template, err);
    if (r == 0)
        r = template_print(template, value, ret, err);
    template_free(template);
    json_decref(value);
    return r;
}

static void templates_print_what_they_say(void **state)
{
    static const char *const case_table[][2] = {
        { "plain", "plain" },
        { "{{.Name}}", "web" },
        { "<{{ .Name }}>", "<web>" },
        { "{{.State.Deep.X}}", "y" },
        { "{{.Pid}} {{.Ratio}} {{.Up}} {{.Nothing}}", "42 1.5 true <no value>" },
        { "{{.List}} {{.Labels}}", "[a b] map[a:1 b.c:2]" },
        { "{{.Labels.nosuch}}", "<no value>" },
        { "{{index .Labels \"b.c\"}}", "2" },
        { "{{index .List 1}}", "b" },
        { "{{(index (index .Ports \"80/tcp\") 0).HostPort}}", "8080" },
        { "{{json .State}}", "{\"Status\":\"running\",\"Deep\":{\"X\":\"y\"}}" },
        { "{{json .Name}}", "\"web\"" },
        { "{{.State | json}}", "{\"Status\":\"running\",\"Deep\":{\"X\":\"y\"}}" },
        { "{{upper .Name}}{{.Name | upper | lower}}", "WEBweb" },
        { "{{title \"two words\"}}", "Two Words" },
        { "{{join .List \", \"}}", "a, b" },
        { "{{range split \"a:b:\" \":\"}}[{{.}}]{{end}}", "[a][b][]" },
        { "{{println .Name 1}}", "web 1\n" },
        { "{{printf \"%-5s|%03d|%q%%\" .Name 7 \"x\"}}", "web  |007|\"x\"%" },
        { "{{truncate .Name 2}}{{pad .Name 1 2}}.", "we web  ." },
        { "{{len .List}} {{len .Name}}", "2 3" },
        { "{{if .Up}}yes{{else}}no{{end}}", "yes" },
        { "{{if .Empty}}yes{{else if .Nothing}}maybe{{else}}no{{end}}", "no" },
        { "{{if .Missing}}yes{{end}}.", "." },
        { "{{if and .Up (not .Empty)}}yes{{end}}", "yes" },
        { "{{if eq .State.Status \"exited\" \"running\"}}in{{end}}", "in" },
        { "{{if gt .Pid 41}}>{{end}}{{if le .Pid 41}}<{{end}}", ">" },
        { "{{range .List}}{{.}};{{end}}", "a;b;" },
        { "{{range .Empty}}x{{else}}none{{end}}", "none" },
        { "{{range $i, $v := .List}}{{$i}}={{$v}} {{end}}", "0=a 1=b " },
        { "{{range $k, $v := .Ports}}{{$k}}->{{(index $v 0).HostPort}}{{end}}", "80/tcp->8080" },
        { "{{range .List}}{{$.Name}}{{if eq . \"b\"}}!{{end}}{{end}}", "webweb!" },
        { "{{with .State}}{{.Status}}{{end}}{{with .Empty}}x{{else}}y{{end}}", "runningy" },
        { "{{$n := .Name}}{{$n}}{{with $s := .State}}{{$s.Status}}{{end}}", "webrunning" },
        { "a {{- .Name -}} \n b", "awebb" },
        { "{{/* nothing }} */}}x", "x" },
        { "{{\"}}\"}}{{`raw\\n`}}{{\"\\t\\\"\"}}", "}}raw\\n\t\"" },
        { "{{.Evil}}", "a?[31m" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(case_table); i++) {
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct err err = ERR_INIT;
        if (print(case_table[i][0], &text, &err) < 0)
            fail_msg("%s: %s", case_table[i][0], err.text);
        assert_string_equal(buf_text(&text), case_table[i][1]);
    }
}

static void mistakes_are_told_in_a_sentence(void **state)
{
    static const char *const case_table[][2] = {
        { "{{.Nmae}}", "there is no field .Nmae; there are Name, Pid" },
        { "{{.Name.X}}", "asked of what has no fields" },
        { "{{.Name", "no closing }}" },
        { "{{}}", "nothing between" },
        { "{{nosuch .Name}}", "no function nosuch" },
        { "{{Name}}", "no function Name" },
        { "{{.Name .Pid}}", "not a function" },
        { "{{upper}}", "takes more" },
        { "{{upper .Name .Name}}", "takes less" },
        { "{{upper .Pid}}", "takes a text" },
        { "{{join .Name \",\"}}", "takes a list" },
        { "{{index .Name 0}}", "takes a map" },
        { "{{if .Up}}", "{{end}} is missing" },
        { "{{end}}", "{{end}} without" },
        { "{{else}}", "{{else}} without" },
        { "{{if .Up}}{{else}}{{else}}{{end}}", "after {{else}}" },
        { "{{if}}x{{end}}", "lacks" },
        { "{{range .Name}}{{end}}", "over a list" },
        { "{{(.Name}}", ") is missing" },
        { "{{.Name)}}", ") without (" },
        { "{{$x}}", "no variable $x" },
        { "{{.Name |}}", "no function behind" },
        { "{{printf \"%s\"}}", "more % than" },
        { "{{12x}}", "not a number" },
        { "{{((((((((((((((((((1))))))))))))))))))}}", "parentheses" },
    };
    _cleanup_buf_ struct buf deep = BUF_INIT;
    struct err err = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(case_table); i++) {
        _cleanup_buf_ struct buf text = BUF_INIT;
        err = ERR_INIT;
        if (print(case_table[i][0], &text, &err) >= 0)
            fail_msg("%s was taken: %s", case_table[i][0], buf_text(&text));
        assert_int_equal(err.class, ERR_USAGE);
        if (!strstr(err.text, case_table[i][1]))
            fail_msg("%s: %s", case_table[i][0], err.text);
    }
    for (int i = 0; i < 100; i++)
        buf_puts(&deep, "{{if .Up}}");
    _cleanup_buf_ struct buf text = BUF_INIT;
    assert_int_equal(print(buf_text(&deep), &text, &err), -EINVAL);
}

static const struct report_column column_table[] = {
    { "ID", "CONTAINER ID", false },
    { "Names", "NAMES", false },
    { "Labels", "LABELS", true },
};

static char *rows(const char *format, struct err *err)
{
    static const char *const row_table[][3] = {
        { "0123456789ab", "web", "a=1,b.c=2" },
        { "ba9876543210", "a\033longer", NULL },
    };
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct report_rows *list;
    int r = report_rows_new(column_table, ARRAY_SIZE(column_table), format, &list, err);

    if (r < 0)
        return NULL;
    for (size_t i = 0; i < ARRAY_SIZE(row_table); i++)
        assert_int_equal(report_rows_add(list, row_table[i], err), 0);
    r = report_rows_print(list, &text, err);
    report_rows_free(list);
    return r < 0 ? NULL : buf_take(&text);
}

static void rows_are_listed_in_every_form(void **state)
{
    static const char *const case_table[][2] = {
        { NULL, "CONTAINER ID  NAMES\n0123456789ab  web\nba9876543210  a?longer\n" },
        { "table", "CONTAINER ID  NAMES\n0123456789ab  web\nba9876543210  a?longer\n" },
        { "table {{.Names}}\\t{{.ID}}", "NAMES     CONTAINER ID\nweb       0123456789ab\n"
                                        "a?longer  ba9876543210\n" },
        { "{{.Names}}\\t{{.Label \"a\"}}", "web\t1\na?longer\t\n" },
        { "table {{.ID}}\t{{.Label \"b.c\"}}",
          "CONTAINER ID  b.c\n0123456789ab  2\nba9876543210\n" },
        { "json", "{\"ID\":\"0123456789ab\",\"Names\":\"web\",\"Labels\":\"a=1,b.c=2\"}\n"
                  "{\"ID\":\"ba9876543210\",\"Names\":\"a\\u001Blonger\",\"Labels\":\"\"}\n" },
        { "{{json .ID}}", "\"0123456789ab\"\n\"ba9876543210\"\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(case_table); i++) {
        struct err err = ERR_INIT;
        _cleanup_free_ char *text = rows(case_table[i][0], &err);
        if (!text)
            fail_msg("%s: %s", case_table[i][0], err.text);
        assert_string_equal(text, case_table[i][1]);
    }
}

static void a_wrong_form_is_refused(void **state)
{
    static const char *const format_table[] = { "yaml", "tables", "{{.Nmaes}}", "table {{.X}}",
                                                "table {{" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(format_table); i++) {
        struct err err = ERR_INIT;
        assert_null(rows(format_table[i], &err));
        assert_int_equal(err.class, ERR_USAGE);
        assert_non_null(strstr(err.text, "--format"));
    }
}

static void documents_are_a_list_or_templates(void **state)
{
    const char *const two[] = { "{\"A\":1}", "{\"A\":[2]}" };
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(report_documents(two, 2, "json", &text, &err), 0);
    assert_string_equal(buf_text(&text), "[{\"A\":1},{\"A\":[2]}]\n");
    buf_reset(&text);
    assert_int_equal(report_documents(two, 2, "{{.A}}", &text, &err), 0);
    assert_string_equal(buf_text(&text), "1\n[2]\n");
    buf_reset(&text);
    assert_int_equal(report_documents(two, 1, NULL, &text, &err), 0);
    assert_string_equal(buf_text(&text), "[\n    {\n        \"A\": 1\n    }\n]\n");
    const char *const wrong[] = { "{" };
    assert_int_equal(report_documents(wrong, 1, NULL, &text, &err), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_print_what_they_say),
        cmocka_unit_test(mistakes_are_told_in_a_sentence),
        cmocka_unit_test(rows_are_listed_in_every_form),
        cmocka_unit_test(a_wrong_form_is_refused),
        cmocka_unit_test(documents_are_a_list_or_templates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
