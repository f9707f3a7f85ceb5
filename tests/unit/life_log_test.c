/* A container's log: its lines, its last entries, and following it across rotation. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "life/life_private.h"

/* ---- files ------------------------------------------------------------------------------------------------ */

struct room {
    char path[64];
    int fd;
    char told[65536];
    unsigned steps; /* of goes_on() */
    void (*step)(struct room *room, unsigned step);
    unsigned last_step;
};

static int room_begin(void **state)
{
    struct room *room = calloc(1, sizeof(*room));

    snprintf(room->path, sizeof(room->path), "/tmp/life-log.XXXXXX");
    assert_non_null(mkdtemp(room->path));
    room->fd = open(room->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(room->fd >= 0);
    *state = room;
    return 0;
}

static int room_end(void **state)
{
    static const char *const name_table[] = { "log", "log.1", "log.2", "log.3", "log.4" };
    struct room *room = *state;

    for (size_t i = 0; i < ARRAY_SIZE(name_table); i++)
        unlinkat(room->fd, name_table[i], 0);
    close(room->fd);
    assert_int_equal(rmdir(room->path), 0);
    free(room);
    return 0;
}

static void append(struct room *room, const char *name, const char *text)
{
    int fd = openat(room->fd, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* An entry of that text, at that second. */
static void add(struct room *room, const char *name, const char *text, int second)
{
    char line[256];

    snprintf(
        line, sizeof(line),
        "{\"log\":\"%s\\n\",\"stream\":\"stdout\",\"time\":\"1970-01-01T00:00:%02d.000000001Z\"}\n",
        text, second);
    append(room, name, line);
}

static void rotate(struct room *room)
{
    renameat(room->fd, "log.2", room->fd, "log.3");
    renameat(room->fd, "log.1", room->fd, "log.2");
    assert_int_equal(renameat(room->fd, "log", room->fd, "log.1"), 0);
}

static int tell(void *data, const struct log_entry *entry)
{
    struct room *room = data;

    strncat(room->told, entry->text, entry->length - 1);
    strcat(room->told, " ");
    return strncmp(entry->text, "stop", 4) == 0 ? 42 : 0;
}

static bool goes_on(void *data)
{
    struct room *room = data;

    if (room->steps == room->last_step)
        return false;
    room->step(room, room->steps++);
    return true;
}

static int read_all(struct room *room, struct log_query query)
{
    const struct log_source source = {
        .dir_fd = room->fd, .query = &query, .fn = tell, .goes_on = goes_on, .data = room
    };
    struct err err = ERR_INIT;

    room->told[0] = '\0';
    room->steps = 0;
    return log_read(&source, &err);
}

#define ALL ((struct log_query){ .tail = UINT64_MAX })

static void files_are_read_oldest_first(void **state)
{
    struct room *room = *state;

    assert_int_equal(read_all(room, ALL), 0);
    assert_string_equal(room->told, "");
    add(room, "log.2", "a", 1);
    add(room, "log.1", "b", 2);
    append(room, "log.1", "garbage\n");
    add(room, "log.1", "c", 3);
    add(room, "log", "d", 4);
    append(room, "log", "{\"log\":\"torn");
    assert_int_equal(read_all(room, ALL), 0);
    assert_string_equal(room->told, "a b c d ");
    add(room, "log.2", "stop", 5);
    assert_int_equal(read_all(room, ALL), 42);
    assert_string_equal(room->told, "a stop ");
}

static void the_last_entries_are_found(void **state)
{
    static const char *const told_table[] = {
        "", "f ", "e f ", "d e f ", "c d e f ", "b c d e f ", "a b c d e f ", "a b c d e f "
    };
    struct room *room = *state;
    char long_text[120] = "";

    add(room, "log.2", "a", 1);
    add(room, "log.1", "b", 2);
    add(room, "log.1", "c", 3);
    add(room, "log", "d", 4);
    add(room, "log", "e", 5);
    add(room, "log", "f", 6);
    for (uint64_t i = 0; i < ARRAY_SIZE(told_table); i++) {
        assert_int_equal(read_all(room, (struct log_query){ .tail = i }), 0);
        assert_string_equal(room->told, told_table[i]);
    }
    /* More than is looked at in one piece. */
    memset(long_text, 'x', sizeof(long_text) - 1);
    for (int i = 0; i < 300; i++)
        add(room, "log", long_text, 7);
    assert_int_equal(read_all(room, (struct log_query){ .tail = 301 }), 0);
    assert_memory_equal(room->told, "f xxx", 5);
}

static void a_time_bounds_it(void **state)
{
    struct room *room = *state;

    add(room, "log.1", "a", 1);
    add(room, "log.1", "b", 2);
    add(room, "log", "c", 3);
    add(room, "log", "d", 4);
    assert_int_equal(read_all(room, (struct log_query){ .tail = UINT64_MAX, .since_us = 2000000 }),
                     0);
    assert_string_equal(room->told, "b c d ");
    assert_int_equal(read_all(room, (struct log_query){ .tail = UINT64_MAX, .until_us = 3000000 }),
                     0);
    assert_string_equal(room->told, "a b c ");
    assert_int_equal(
        read_all(room, (struct log_query){ .tail = 3, .since_us = 3000000, .until_us = 3500000 }),
        0);
    assert_string_equal(room->told, "c ");
}

static void step_follow(struct room *room, unsigned step)
{
    switch (step) {
    case 0:
        add(room, "log", "one", 1);
        break;
    case 1:
        append(room, "log", "{\"log\":\"two\\n\",\"stream\":");
        break;
    case 2:
        append(room, "log", "\"stdout\",\"time\":\"1970-01-01T00:00:02Z\"}\n");
        break;
    case 3: /* rotated with something unread in it */
        add(room, "log", "three", 3);
        rotate(room);
        add(room, "log", "four", 4);
        break;
    case 4: /* twice at once */
        add(room, "log", "five", 5);
        rotate(room);
        add(room, "log", "six", 6);
        rotate(room);
        add(room, "log", "seven", 7);
        break;
    case 5: /* nothing new yet in the new one */
        rotate(room);
        break;
    case 6:
        add(room, "log", "eight", 8);
        break;
    default:
        add(room, "log", "nine", 9);
        break;
    }
}

static void a_log_is_followed(void **state)
{
    struct room *room = *state;
    struct log_query query = { .tail = UINT64_MAX, .follow = true };

    room->step = step_follow;
    room->last_step = 8;
    add(room, "log", "zero", 0);
    assert_int_equal(read_all(room, query), 0);
    assert_string_equal(room->told, "zero one two three four five six seven eight nine ");
}

static void step_first(struct room *room, unsigned step)
{
    (void)step;
    add(room, "log", "first", 1);
}

static void a_log_that_is_not_there_yet_is_followed(void **state)
{
    struct room *room = *state;
    struct log_query query = { .tail = 0, .follow = true };

    room->step = step_first;
    room->last_step = 1;
    assert_int_equal(read_all(room, query), 0);
    assert_string_equal(room->told, "first ");
    /* None of what is there, all of what comes. */
    assert_int_equal(read_all(room, query), 0);
    assert_string_equal(room->told, "first ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_are_read_oldest_first, room_begin, room_end),
        cmocka_unit_test_setup_teardown(the_last_entries_are_found, room_begin, room_end),
        cmocka_unit_test_setup_teardown(a_time_bounds_it, room_begin, room_end),
        cmocka_unit_test_setup_teardown(a_log_is_followed, room_begin, room_end),
        cmocka_unit_test_setup_teardown(a_log_that_is_not_there_yet_is_followed, room_begin,
                                        room_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
