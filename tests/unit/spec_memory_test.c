/*
 * spec: when memory runs out. Each allocation in turn fails once: the call must say so, and nothing may
 * be lost or freed twice (which the sanitizers' build would tell).
 */
#undef _FORTIFY_SOURCE
#include "failing_alloc.h"
#include "spec_world.h"

static const char *const everything[] = {
    "name=n",
    "env=A=1",
    "env=A=2",
    "env-file=good.env",
    "workdir=/x",
    "user=alice",
    "group-add=video",
    "volume=/a:/b:ro",
    "mount=type=bind,\"src=/a,b\",dst=/c",
    "mount=type=tmpfs,dst=/d,tmpfs-size=1m",
    "tmpfs=/t:size=1m,mode=700",
    "device=/dev/fuse:r",
    "device=/dev/sda:/dev/null",
    "device-cgroup-rule=c 42:* rwm",
    "uidmap=0:0:70000",
    "gidmap=0:0:70000",
    "time-offset=monotonic=1,boottime=2",
    "hostname=h",
    "domainname=d",
    "cap-add=ALL",
    "security-opt=mask=/a:/b",
    "security-opt=unmask=/proc/kcore",
    "cgroup-parent=/p",
    "ulimit=nofile=5:6",
    "memory=50m",
    "memory=60m",
    "oom-group",
    "cpuset-cpus=0",
};

/* One option with the nth allocation failing; false when it was not reached. */
static bool set_failing(const char *word, long n)
{
    _cleanup_(draft_freep) struct draft *draft = draft_with(&root_world, WORDS("memory=1g"));
    struct err err = ERR_INIT;
    char name[64];
    size_t len = strcspn(word, "=");

    snprintf(name, sizeof(name), "%.*s", (int)len, word);
    allocations_left = n;
    int r = spec_set(draft, &root_world, name, word[len] ? word + len + 1 : NULL, &err);
    bool reached = allocations_left < 0;
    allocations_left = -1;
    if (r < 0 && (r != -ENOMEM || strcmp(err.text, "out of memory") != 0))
        fail_msg("%s, allocation %ld: %s", word, n, err.text);
    assert_int_equal(r < 0, reached);
    return reached;
}

static void test_setting(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(everything); i++) {
        long n = 0;
        while (set_failing(everything[i], n))
            n++;
        assert_true(n > 0);
    }
}

static long seal_failing(const struct spec_world *world, const char *const *words)
{
    _cleanup_(draft_freep) struct draft *draft = draft_with(world, words);
    struct err err = ERR_INIT;

    assert_int_equal(spec_set_command(draft, WORDS("a", "b"), &err), 0);
    for (long n = 0;; n++) {
        _cleanup_(spec_freep) struct spec *spec = NULL;
        _cleanup_(draft_freep) struct draft *copy = NULL;
        err = ERR_INIT;
        allocations_left = n;
        int r = draft_copy(draft, &copy);
        if (r == 0)
            r = spec_seal(copy, world, &spec, &err);
        else
            assert_null(copy);
        bool reached = allocations_left < 0;
        allocations_left = -1;
        assert_int_equal(r < 0, reached);
        assert_int_equal(r == 0, spec != NULL);
        if (!reached)
            return n;
        assert_int_equal(r, -ENOMEM);
        if (err.code && strcmp(err.text, "out of memory") != 0)
            fail_msg("allocation %ld: %s", n, err.text);
    }
}

static void test_sealing(void **state)
{
    const char *words[ARRAY_SIZE(everything) + 2] = { 0 };
    const struct spec_world helper = user_world(true);

    (void)state;
    memcpy(words, everything, sizeof(everything));
    assert_true(seal_failing(&root_world, words) > 150);
    assert_true(seal_failing(&root_world, WORDS("rootfs=/r", "user=www", "env=B=3")) > 50);
    assert_true(seal_failing(&helper, WORDS("rootfs=/r", "network=host", "ipc=host")) > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_setting),
        cmocka_unit_test(test_sealing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
