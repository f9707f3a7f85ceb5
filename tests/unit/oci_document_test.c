/* Documents that are no JSON, or more of it than anybody needs. */
#include "oci/document.h"
#include "oci_fixture.h"

static void check_text(const char *text, size_t len, const char *sentence)
{
    struct err err = ERR_INIT;
    struct spec *spec;
    int r = oci_read_config(text, len, &fixture_context, &spec, &err);

    if (!sentence && r < 0)
        fail_msg("%.80s: %s", text, err.text);
    if (!sentence) {
        spec_free(spec);
        return;
    }
    if (r == 0 || strcmp(err.text, sentence) != 0)
        fail_msg("%.80s:\n     got %s\nexpected %s", text, r == 0 ? "(taken)" : err.text, sentence);
    assert_int_equal(r, -EINVAL);
    assert_int_equal(err.class, ERR_USAGE);
    assert_null(spec);
}

#define AT_LINE(n, what) "the document cannot be read: line " n ": " what

static void no_json(void **state)
{
    static const char *const table[][2] = {
        { "", AT_LINE("1", "it is empty") },
        { " \n\t ", AT_LINE("2", "it is empty") },
        { "null", AT_LINE("1", "it is not a JSON object") },
        { "[]", AT_LINE("1", "it is not a JSON object") },
        { "\"a\"", AT_LINE("1", "it is not a JSON object") },
        { "1", AT_LINE("1", "it is not a JSON object") },
        { "\xef\xbb\xbf{}", AT_LINE("1", "it is not a JSON object") },
        { "{", AT_LINE("1", "the name of a member is missing") },
        { "{}}", AT_LINE("1", "something follows the end of the document") },
        { "{}\n{}", AT_LINE("2", "something follows the end of the document") },
        { "{} x", AT_LINE("1", "something follows the end of the document") },
        { "{\"a\"}", AT_LINE("1", "a colon is missing") },
        { "{\"a\":}", AT_LINE("1", "a value is missing or not written as JSON has it") },
        { "{\"a\":1,}", AT_LINE("1", "the name of a member is missing") },
        { "{\"a\":[1,]}", AT_LINE("1", "a value is missing or not written as JSON has it") },
        { "{\"a\":[,1]}", AT_LINE("1", "a value is missing or not written as JSON has it") },
        { "{\"a\":[1 2]}", AT_LINE("1", "a comma is missing") },
        { "{\"a\":1 \"b\":2}", AT_LINE("1", "a comma is missing") },
        { "{\"a\":[1}", AT_LINE("1", "a comma is missing") },
        { "{\"a\":[1]", AT_LINE("1", "it ends too early") },
        { "{\"a\":\n\n[1", AT_LINE("3", "it ends too early") },
        { "{\"a\":", AT_LINE("1", "it ends too early") },
        { "{a:1}", AT_LINE("1", "the name of a member is missing") },
        { "{'a':1}", AT_LINE("1", "the name of a member is missing") },
        { "{\"a\":1} // c", AT_LINE("1", "something follows the end of the document") },
        { "{\"a\":tru}", AT_LINE("1", "a value is missing or not written as JSON has it") },
        { "{\"a\":True}", AT_LINE("1", "a value is missing or not written as JSON has it") },
        { "{\"a\":NaN}", AT_LINE("1", "a value is missing or not written as JSON has it") },
        { "{\"a\":truefalse}", AT_LINE("1", "a comma is missing") },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        check_text(table[i][0], strlen(table[i][0]), table[i][1]);
}

static void bad_numbers(void **state)
{
    static const char wrong[] = AT_LINE("1", "a number is not written as JSON has it");
    static const char *const table[][2] = {
        { "{\"a\":01}", wrong },
        { "{\"a\":-}", wrong },
        { "{\"a\":-01}", wrong },
        { "{\"a\":1.}", wrong },
        { "{\"a\":1e}", wrong },
        { "{\"a\":1e+}", wrong },
        { "{\"a\":.5}", AT_LINE("1", "a value is missing or not written as JSON has it") },
        { "{\"a\":+1}", AT_LINE("1", "a value is missing or not written as JSON has it") },
        { "{\"a\":0x10}", AT_LINE("1", "a comma is missing") },
        { "{\"a\":64M}", AT_LINE("1", "a comma is missing") },
        { "{\"a\":18446744073709551616}", AT_LINE("1", "a number does not fit into 64 bits") },
        { "{\"a\":-9223372036854775809}", AT_LINE("1", "a number does not fit into 64 bits") },
        { "{\"a\":100000000000000000000000000000000000000000000000000000000000000000000}",
          AT_LINE("1", "a number has too many digits") },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        check_text(table[i][0], strlen(table[i][0]), table[i][1]);
}

static void bad_strings(void **state)
{
    static const char no_utf8[] = AT_LINE("1", "a string is not valid UTF-8");
    static const char no_pair[] = AT_LINE("1", "a string has half a surrogate pair");
    static const struct {
        const char *text;
        size_t len; /* 0: up to its NUL */
        const char *sentence;
    } table[] = {
        { "{\"a\":\"b\0c\"}", 11, AT_LINE("1", "a string has a NUL") },
        { "{\"a\":\"b\\u0000c\"}", 0, AT_LINE("1", "a string has a NUL") },
        { "{\"a\\u0000\":1}", 0, AT_LINE("1", "a string has a NUL") },
        { "{\"a\":1\0}", 8, AT_LINE("1", "a comma is missing") },
        { "{}\0", 3, AT_LINE("1", "something follows the end of the document") },
        { "{\"a\":\"b\nc\"}", 0, AT_LINE("1", "a string has a control character") },
        { "{\"a\":\"b\tc\"}", 0, AT_LINE("1", "a string has a control character") },
        { "{\"a\":\"b", 0, AT_LINE("1", "a string is not closed") },
        { "{\"a\":\"b\\", 0, AT_LINE("1", "a string is not closed") },
        { "{\"a\":\"\\x\"}", 0, AT_LINE("1", "there is no such escape in a string") },
        { "{\"a\":\"\\u12\"}", 0, AT_LINE("1", "\\u needs four hexadecimal digits") },
        { "{\"a\":\"\\u12g4\"}", 0, AT_LINE("1", "\\u needs four hexadecimal digits") },
        { "{\"a\":\"\\ud800\"}", 0, no_pair },
        { "{\"a\":\"\\ud800\\u0041\"}", 0, no_pair },
        { "{\"a\":\"\\udc00\"}", 0, no_pair },
        { "{\"a\":\"\xff\"}", 0, no_utf8 },
        { "{\"a\":\"\x80\"}", 0, no_utf8 },
        { "{\"a\":\"\xe4\"}", 0, no_utf8 },
        { "{\"a\":\"\xc0\xaf\"}", 0, no_utf8 },
        { "{\"a\":\"\xe0\x80\xaf\"}", 0, no_utf8 },
        { "{\"a\":\"\xed\xa0\x80\"}", 0, no_utf8 },
        { "{\"a\":\"\xf4\x90\x80\x80\"}", 0, no_utf8 },
        { "{\"a\":\"\xf0\x9f\x98\"}", 0, no_utf8 },
        { "{\"a\":\"\xe2\x82", 0, no_utf8 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        check_text(table[i].text, table[i].len ? table[i].len : strlen(table[i].text),
                   table[i].sentence);
}

static void duplicate_keys(void **state)
{
    static const char *const table[][2] = {
        { "{\"ociVersion\":\"1.0.0\",\"ociVersion\":\"1.0.0\"}",
          AT_LINE("1", "\"ociVersion\" is given twice") },
        { "{\"x\":{\"noNewPrivileges\":true,\n\"noNewPrivileges\":false}}",
          AT_LINE("2", "\"noNewPrivileges\" is given twice") },
        { "{\"x\":[{\"a\":1,\"\\u0061\":2}]}", AT_LINE("1", "\"a\" is given twice") },
        { "{\"\":[],\"\":{}}", AT_LINE("1", "\"\" is given twice") },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        check_text(table[i][0], strlen(table[i][0]), table[i][1]);
}

/* "{"x": OPEN OPEN ... CLOSE CLOSE, rest of the base document" */
static char *nested(size_t depth, const char *open, const char *close)
{
    struct buf b = BUF_INIT;

    buf_puts(&b, "{\"x\":");
    for (size_t i = 0; i < depth; i++)
        buf_puts(&b, open);
    buf_puts(&b, strchr(open, '{') ? "0" : "");
    for (size_t i = 0; i < depth; i++)
        buf_puts(&b, close);
    buf_printf(&b, ",%s", base_document + 1);
    return buf_take(&b);
}

static void depth(void **state)
{
    static const char deep[] = AT_LINE("1", "it is nested deeper than 64 levels");
    static const struct {
        size_t depth;
        const char *sentence;
    } table[] = { { 63, NULL }, { 64, deep }, { 10000, deep }, { 1000000, deep } };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        char *arrays = nested(table[i].depth, "[", "]");
        char *objects = nested(table[i].depth, "{\"a\":", "}");
        check_text(arrays, strlen(arrays), table[i].sentence);
        check_text(objects, strlen(objects), table[i].sentence);
        free(arrays);
        free(objects);
    }
}

/* The base document with a member "x" of n times text between open and close. */
static char *repeated(const char *open, const char *text, size_t n, const char *close)
{
    struct buf b = BUF_INIT;

    buf_printf(&b, "{\"x\":%s", open);
    for (size_t i = 0; i < n; i++)
        buf_puts(&b, text);
    buf_printf(&b, "%s,%s", close, base_document + 1);
    return buf_take(&b);
}

static void sizes(void **state)
{
    static const struct {
        const char *open, *text;
        size_t n;
        const char *close, *sentence;
    } table[] = {
        { "\"", "a", 1 << 20, "\"", AT_LINE("1", "a string is longer than 1 MiB") },
        { "\"", "a", (1 << 20) - 1, "\"", NULL },
        { "[", "0,", 1 << 17, "0]", AT_LINE("1", "it has more than 131072 values") },
        { "[", "0,", 130000, "0]", NULL },
        { "[", "0,", 9 << 20, "0]", "the document is larger than 16 MiB" },
        { "[0", "            ", 1 << 20, "]", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        char *text = repeated(table[i].open, table[i].text, table[i].n, table[i].close);
        check_text(text, strlen(text), table[i].sentence);
        free(text);
    }
}

/* Every beginning of a document is refused, and none of them is read beyond its end. */
static void cut_off(void **state)
{
    (void)state;
    for (size_t n = 0; n < strlen(base_document); n++) {
        struct err err = ERR_INIT;
        struct spec *spec;
        char *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy, base_document, n);
        copy = realloc(copy, n ? n : 1);
        assert_int_equal(oci_read_config(copy, n, &fixture_context, &spec, &err), -EINVAL);
        assert_true(strlen(err.text) > 20);
        free(copy);
    }
}

/* Whole numbers up to 2^64-1 are numbers; what looks like them in quotes is not. */
static void big_numbers(void **state)
{
    static const struct fixture_case table[] = {
        { "process.user.umask", "18446744073709551615",
          "process.user.umask must be a whole number from 0 to 511, not 18446744073709551615" },
        { "process.user.uid", "9223372036854775808",
          "process.user.uid must be a whole number from 0 to 4294967294, not 9223372036854775808" },
        { "process.cwd", "9223372036854775808",
          "process.cwd must be a string, not 9223372036854775808" },
        { "process.args", "[\"a\", 18446744073709551615]",
          "process.args[1] must be a string, not 18446744073709551615" },
        { "process.rlimits",
          "[{\"type\": \"RLIMIT_CORE\", \"soft\": \"18446744073709551615\", \"hard\": 0}]",
          "process.rlimits[0].soft must be a whole number from 0 to 18446744073709551615, not "
          "\"18446744073709551615\"" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        /* By hand: the library cannot hold such numbers. */
        char *text = fixture_document(CHANGES(table[i].path, "\"HERE\""));
        char *at = strstr(text, "\"HERE\"");
        char *whole;
        assert_non_null(at);
        *at = '\0';
        whole = text_format("%s%s%s", text, table[i].value, at + strlen("\"HERE\""));
        check_text(whole, strlen(whole), table[i].sentence);
        free(whole);
        free(text);
    }
}

/* Strings and numbers of every form become what they say. */
static void values(void **state)
{
    static const char args[] =
        "[\"sh\", \"\\u0041\\u00e4\\u20AC\\uD83D\\ude00\", \"\\\"\\\\\\/\\b\\f\\n\\r\\t\", \"\","
        " \"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 }],\"]";
    static const char *const table[][2] = {
        { "{\"ociVersion\": 1e999}", "ociVersion must be a string, not 1e+300" },
        { "{\"ociVersion\": -0.5e1}", "ociVersion must be a string, not -5" },
        { "{\"ociVersion\": -9223372036854775808}",
          "ociVersion must be a string, not -9223372036854775808" },
        { "{\"ociVersion\": true}", "ociVersion must be a string, not true" },
        { "{ }", "ociVersion is missing" },
        { " { \"a\" : [ ] , \"b\" : { } , \"c\" : [ [ ] , 0 ] } \n", "ociVersion is missing" },
    };
    char *text = fixture_document(CHANGES("process.args", "\"HERE\""));
    char *at = strstr(text, "\"HERE\"");
    struct err err = ERR_INIT;
    struct spec *spec;

    (void)state;
    assert_non_null(at);
    *at = '\0';
    char *whole = text_format("%s%s%s", text, args, at + strlen("\"HERE\""));
    if (oci_read_config(whole, strlen(whole), &fixture_context, &spec, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(spec->argv[1], "A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_string_equal(spec->argv[2], "\"\\/\b\f\n\r\t");
    assert_string_equal(spec->argv[3], "");
    assert_string_equal(spec->argv[4], "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 }],");
    assert_null(spec->argv[5]);
    spec_free(spec);
    free(whole);
    free(text);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        check_text(table[i][0], strlen(table[i][0]), table[i][1]);
}

static void members(void **state)
{
    static const struct {
        const char *text, *key, *value;
    } table[] = {
        { "{\"a\": 1, \"b\": {\"c\": [1, \"}\"]}, \"d\": 2}", "b", "{\"c\": [1, \"}\"]}" },
        { "{\"x\": {\"b\": 1}, \"b\": 2}", "b", "2" },
        { " {\"a\":\"\\\"b\\\":\" ,\"b\" : true }", "b", "true " },
        { "{\"ab\": 1, \"b\": \"\\\\\"}", "b", "\"\\\\\"" },
        { "{\"a\": [[], {}], \"b\": []}", "b", "[]" },
        { "{}", "b", NULL },
        { "{\"a\": \"b\"}", "b", NULL },
        { "{\"\\u0062\": 1}", "b", NULL },
        { "[\"b\", 1]", "b", NULL },
        { "{\"b\"", "b", NULL },
        { "{\"b\": [", "b", NULL },
        { "{\"a\": \"", "b", NULL },
        { "", "b", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        size_t len = 0;
        const char *value = oci_member_find(table[i].text, table[i].key, &len);
        if (!table[i].value) {
            assert_null(value);
            continue;
        }
        assert_non_null(value);
        assert_int_equal(len, strlen(table[i].value));
        assert_memory_equal(value, table[i].value, len);
    }
}

/* What is made of a document is the same with the pool, and gone with it. */
static void pool(void **state)
{
    static const char text[] = "{\"a\": [1, \"two\", {\"three\": 18446744073709551615}]}";
    struct err err = ERR_INIT;

    (void)state;
    for (int i = 0; i < 3; i++) {
        json_t *document = NULL;
        uint64_t number;

        oci_pool_begin();
        assert_int_equal(json_document_load(text, strlen(text), &document, &err), 0);
        const json_t *array = json_object_get(document, "a");
        assert_string_equal(json_string_value(json_array_get(array, 1)), "two");
        assert_int_equal(
            json_get_u64(json_array_get(array, 2), "", "three", 0, UINT64_MAX, &number, &err), 1);
        assert_true(number == UINT64_MAX);
        json_document_freep(&document);
        oci_pool_end();
    }
    json_t *after = json_integer(1);
    assert_non_null(after);
    json_decref(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_json), cmocka_unit_test(bad_numbers), cmocka_unit_test(bad_strings),
        cmocka_unit_test(depth),   cmocka_unit_test(sizes),       cmocka_unit_test(duplicate_keys),
        cmocka_unit_test(values),  cmocka_unit_test(big_numbers), cmocka_unit_test(cut_off),
        cmocka_unit_test(members), cmocka_unit_test(pool),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
