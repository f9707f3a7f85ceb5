/* Removing trees: deep ones, closed ones, and nothing that a link leads to. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"

static char top[] = "/tmp/base_tree_test.XXXXXX";
static int top_fd = -1;

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(top))
        return -1;
    top_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return top_fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    close(top_fd);
    return rmdir(top);
}

static void touch(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    close(fd);
}

static void files_and_missing_ones(void **state)
{
    (void)state;
    touch(top_fd, "file");
    assert_int_equal(tree_remove(top_fd, "file"), 0);
    assert_int_equal(tree_remove(top_fd, "file"), -ENOENT);
    assert_int_equal(symlinkat("/nowhere", top_fd, "link"), 0);
    assert_int_equal(tree_remove(top_fd, "link"), 0);
}

static void links_are_not_followed(void **state)
{
    (void)state;
    assert_int_equal(mkdirat(top_fd, "outside", 0700), 0);
    assert_int_equal(mkdirat(top_fd, "tree", 0700), 0);
    touch(top_fd, "outside/kept");
    assert_int_equal(symlinkat("../outside", top_fd, "tree/link"), 0);
    assert_int_equal(tree_remove(top_fd, "tree"), 0);
    assert_int_equal(faccessat(top_fd, "outside/kept", F_OK, 0), 0);
    assert_int_equal(tree_remove(top_fd, "outside"), 0);
}

static void deep_and_closed_ones(void **state)
{
    int fd = dup(top_fd);

    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        assert_int_equal(mkdirat(fd, "d", 0700), 0);
        int next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        touch(next, "file");
        assert_int_equal(mkdirat(next, ".moved-1", 0700), 0);
        if (i % 7 == 0)
            assert_int_equal(fchmod(fd, i == 0 ? 0700 : 0100), 0);
        close(fd);
        fd = next;
    }
    close(fd);
    assert_int_equal(tree_remove(top_fd, "d"), 0);
    assert_int_equal(tree_remove(top_fd, "d"), -ENOENT);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_and_missing_ones),
        cmocka_unit_test(links_are_not_followed),
        cmocka_unit_test(deep_and_closed_ones),
    };

    return cmocka_run_group_tests_name("base_tree", tests, setup, teardown);
}
