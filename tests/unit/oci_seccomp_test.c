/* linux.seccomp. */
#include <linux/seccomp.h>

#include "oci_fixture.h"

#define POLICY(rest)   "{\"defaultAction\": \"SCMP_ACT_ALLOW\"" rest "}"
#define RULE(rest)     POLICY(", \"syscalls\": [{" rest "}]")
#define NAMED(rest)    RULE("\"names\": [\"mount\"], \"action\": \"SCMP_ACT_ERRNO\"" rest)
#define ARGUMENT(rest) NAMED(", \"args\": [{" rest "}]")
#define LISTENER       ", \"listenerPath\": \"/run/agent.sock\""
#define NOTIFYING(names) \
    ", \"syscalls\": [{\"names\": [" names "], \"action\": \"SCMP_ACT_NOTIFY\"}]"

static void policy_fields(void **state)
{
    static const struct fixture_case table[] = {
        { "linux.seccomp", POLICY(""), NULL },
        { "linux.seccomp", "null", "linux.seccomp must be an object, not null" },
        { "linux.seccomp", "{}", "linux.seccomp.defaultAction is missing" },
        { "linux.seccomp", "{\"defaultAction\": \"ALLOW\"}",
          "linux.seccomp.defaultAction: \"ALLOW\" is not an action of seccomp" },
        { "linux.seccomp", "{\"defaultAction\": 1}",
          "linux.seccomp.defaultAction must be a string, not 1" },
        { "linux.seccomp", "{\"defaultAction\": \"SCMP_ACT_NOTIFY\"}",
          "linux.seccomp.defaultAction cannot be SCMP_ACT_NOTIFY: an agent cannot answer every "
          "call" },
        { "linux.seccomp", POLICY(", \"defaultErrnoRet\": 1"),
          "linux.seccomp.defaultErrnoRet is for the actions SCMP_ACT_ERRNO and SCMP_ACT_TRACE, "
          "and the action is another" },
        { "linux.seccomp", "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 4096}",
          "linux.seccomp.defaultErrnoRet must be a whole number from 0 to 4095, not 4096" },
        { "linux.seccomp", "{\"defaultAction\": \"SCMP_ACT_TRACE\", \"defaultErrnoRet\": 65535}",
          NULL },
        { "linux.seccomp", POLICY(", \"architectures\": \"SCMP_ARCH_X86\""),
          "linux.seccomp.architectures must be an array, not \"SCMP_ARCH_X86\"" },
        { "linux.seccomp", POLICY(", \"architectures\": [\"X86\"]"),
          "linux.seccomp.architectures[0]: \"X86\" is not an architecture of seccomp" },
        { "linux.seccomp", POLICY(", \"flags\": [\"LOG\"]"),
          "linux.seccomp.flags[0]: \"LOG\" is not a flag of seccomp(2)" },
        { "linux.seccomp", POLICY(", \"flags\": [\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]"),
          "linux.seccomp.flags: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is for filters with the "
          "action SCMP_ACT_NOTIFY" },
        { "linux.seccomp", POLICY(LISTENER), NULL },
        { "linux.seccomp", POLICY(", \"listenerPath\": \"\""),
          "linux.seccomp.listenerPath must have from 1 to 107 characters, not 0" },
        { "linux.seccomp", POLICY(", \"listenerMetadata\": \"x\""),
          "linux.seccomp.listenerMetadata is given without listenerPath" },
        { "linux.seccomp", POLICY(NOTIFYING("\"mount\"")),
          "linux.seccomp.listenerPath is missing: a rule has the action SCMP_ACT_NOTIFY" },
        { "linux.seccomp", POLICY(LISTENER NOTIFYING("\"mount\", \"write\"")),
          "linux.seccomp.syscalls[0]: SCMP_ACT_NOTIFY cannot be used for write: the container "
          "could not be started" },
        { "linux.seccomp",
          POLICY(LISTENER NOTIFYING(
              "\"mount\"") ", \"flags\": [\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]"),
          NULL },
    };

    (void)state;
    FIXTURE_CHECK(table);
}

static void rule_fields(void **state)
{
    static const struct fixture_case table[] = {
        { "linux.seccomp", POLICY(", \"syscalls\": {}"),
          "linux.seccomp.syscalls must be an array, not an object" },
        { "linux.seccomp", POLICY(", \"syscalls\": [\"mount\"]"),
          "linux.seccomp.syscalls[0] must be an object, not \"mount\"" },
        { "linux.seccomp", RULE("\"action\": \"SCMP_ACT_ALLOW\""),
          "linux.seccomp.syscalls[0].names is missing" },
        { "linux.seccomp", RULE("\"names\": [], \"action\": \"SCMP_ACT_ALLOW\""),
          "linux.seccomp.syscalls[0].names must have one name at least" },
        { "linux.seccomp", RULE("\"names\": [\"\"], \"action\": \"SCMP_ACT_ALLOW\""),
          "linux.seccomp.syscalls[0].names[0] is empty" },
        { "linux.seccomp", RULE("\"names\": [\"mount\"]"),
          "linux.seccomp.syscalls[0].action is missing" },
        { "linux.seccomp", RULE("\"names\": [\"mount\"], \"action\": \"SCMP_ACT_DENY\""),
          "linux.seccomp.syscalls[0].action: \"SCMP_ACT_DENY\" is not an action of seccomp" },
        { "linux.seccomp",
          RULE("\"names\": [\"mount\"], \"action\": \"SCMP_ACT_KILL\", \"errnoRet\": 1"),
          "linux.seccomp.syscalls[0].errnoRet is for the actions SCMP_ACT_ERRNO and "
          "SCMP_ACT_TRACE, and the action is another" },
        { "linux.seccomp", NAMED(", \"errnoRet\": 0"), NULL },
        { "linux.seccomp", NAMED(", \"errnoRet\": -1"),
          "linux.seccomp.syscalls[0].errnoRet must be a whole number from 0 to 4095, not -1" },
        { "linux.seccomp", NAMED(", \"errnoRet\": \"EPERM\""),
          "linux.seccomp.syscalls[0].errnoRet must be a whole number from 0 to 4095, not "
          "\"EPERM\"" },
        { "linux.seccomp", NAMED(", \"args\": []"), NULL },
        { "linux.seccomp", NAMED(", \"args\": {}"),
          "linux.seccomp.syscalls[0].args must be an array, not an object" },
        { "linux.seccomp", ARGUMENT("\"value\": 1, \"op\": \"SCMP_CMP_EQ\""),
          "linux.seccomp.syscalls[0].args[0].index is missing" },
        { "linux.seccomp", ARGUMENT("\"index\": 6, \"value\": 1, \"op\": \"SCMP_CMP_EQ\""),
          "linux.seccomp.syscalls[0].args[0].index must be a whole number from 0 to 5, not 6" },
        { "linux.seccomp", ARGUMENT("\"index\": 0, \"op\": \"SCMP_CMP_EQ\""),
          "linux.seccomp.syscalls[0].args[0].value is missing" },
        { "linux.seccomp", ARGUMENT("\"index\": 0, \"value\": -1, \"op\": \"SCMP_CMP_EQ\""),
          "linux.seccomp.syscalls[0].args[0].value must be a whole number from 0 to "
          "18446744073709551615, not -1" },
        { "linux.seccomp", ARGUMENT("\"index\": 0, \"value\": 1"),
          "linux.seccomp.syscalls[0].args[0].op is missing" },
        { "linux.seccomp", ARGUMENT("\"index\": 0, \"value\": 1, \"op\": \"==\""),
          "linux.seccomp.syscalls[0].args[0].op: \"==\" is not a comparison of seccomp" },
    };

    (void)state;
    FIXTURE_CHECK(table);
}

static void policy_values(void **state)
{
    static const char document[] =
        "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 38,"
        " \"architectures\": [\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_X32\"],"
        " \"flags\": [\"SECCOMP_FILTER_FLAG_LOG\", \"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"],"
        " \"listenerPath\": \"/run/agent.sock\", \"listenerMetadata\": \"m\","
        " \"syscalls\": [{\"names\": [\"read\", \"write\"], \"action\": \"SCMP_ACT_ALLOW\"},"
        "  {\"names\": [\"clone\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": ["
        "   {\"index\": 0, \"value\": 2114060288, \"op\": \"SCMP_CMP_MASKED_EQ\"},"
        "   {\"index\": 5, \"value\": 1, \"valueTwo\": 2, \"op\": \"SCMP_CMP_GE\"}]},"
        "  {\"names\": [\"mount\"], \"action\": \"SCMP_ACT_ERRNO\"},"
        "  {\"names\": [\"bpf\"], \"action\": \"SCMP_ACT_NOTIFY\"}]}";
    struct spec *spec = fixture_spec(CHANGES("linux.seccomp", document));
    const struct seccomp_policy *p = spec->seccomp;

    (void)state;
    assert_true(p->default_action == SECCOMP_ERRNO && p->default_errno == 38);
    assert_string_equal(p->architectures[1], "SCMP_ARCH_X32");
    assert_null(p->architectures[2]);
    assert_int_equal(p->flags, SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW);
    assert_string_equal(p->listener_path, "/run/agent.sock");
    assert_string_equal(p->listener_metadata, "m");
    assert_int_equal(p->n_rules, 4);
    assert_string_equal(p->rules[0].names[1], "write");
    assert_true(p->rules[0].action == SECCOMP_ALLOW && p->rules[0].n_arguments == 0);
    const struct seccomp_argument *a = p->rules[1].arguments;
    assert_int_equal(p->rules[1].n_arguments, 2);
    assert_true(a[0].index == 0 && a[0].value == 2114060288 && a[0].value_two == 0);
    assert_true(a[0].compare == SECCOMP_MASKED_EQ);
    assert_true(a[1].index == 5 && a[1].value == 1 && a[1].value_two == 2);
    assert_true(a[1].compare == SECCOMP_GE);
    assert_int_equal(p->rules[2].errno_value, EPERM);
    assert_int_equal(p->rules[3].action, SECCOMP_NOTIFY);
    spec_free(spec);
}

/* Two ways to write one policy are known by one text; two policies are not. */
static void policy_text(void **state)
{
    static const char other[] = "{ \"defaultAction\":\n\t\"SCMP_ACT_ALLOW\" ,\"flags\" : [ ] }";
    struct spec *a = fixture_spec(CHANGES("linux.seccomp", POLICY(",\"flags\":[]")));
    struct spec *b = fixture_spec(CHANGES("linux.seccomp", other));
    struct spec *c = fixture_spec(CHANGES("linux.seccomp", POLICY(",\"syscalls\":[]")));

    (void)state;
    assert_string_equal(a->seccomp->text, "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[]}");
    assert_string_equal(a->seccomp->text, b->seccomp->text);
    assert_string_not_equal(a->seccomp->text, c->seccomp->text);
    spec_free(a);
    spec_free(b);
    spec_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_fields),
        cmocka_unit_test(rule_fields),
        cmocka_unit_test(policy_values),
        cmocka_unit_test(policy_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
