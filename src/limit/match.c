/* Does what the kernel reads back satisfy the step? One comparison per enum plan_check. */
#include <string.h>

#include "limit/planner.h"

/* Text without blanks and newlines at its ends, NUL-terminated. */
static bool trim(const char *text, char *ret, size_t size)
{
    text += strspn(text, " \t\n");
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\n", text[len - 1]))
        len--;
    if (len >= size)
        return false;
    memcpy(ret, text, len);
    ret[len] = '\0';
    return true;
}

/*
 * A number as cgroup files have it, "10m" as people write it there included. "max", -1 and everything
 * near the top of the signed range are one value: v1 rounds its largest number down to (huge) pages,
 * 9223372036854771712 with 4 KiB ones.
 */
static bool number_read(const char *text, uint64_t *ret)
{
    if (strcmp(text, "max") == 0 || strcmp(text, "-1") == 0 || strcmp(text, "unlimited") == 0) {
        *ret = LIMIT_NUMBER_UNLIMITED;
        return true;
    }
    if (size_parse(text, ret) < 0)
        return false;
    if (*ret >= UINT64_C(1) << 62)
        *ret = LIMIT_NUMBER_UNLIMITED;
    return true;
}

static bool match_exact(const char *want, const char *have, const struct machine *machine)
{
    (void)machine;
    return strcmp(want, have) == 0;
}

static bool match_number(const char *want, const char *have, const struct machine *machine)
{
    uint64_t a, b;

    (void)machine;
    return number_read(want, &a) && number_read(have, &b) && a == b;
}

static bool match_pages(const char *want, const char *have, const struct machine *machine)
{
    uint64_t a, b, page = machine->page_bytes ? machine->page_bytes : 4096;

    if (!number_read(want, &a) || !number_read(have, &b))
        return false;
    if (a == LIMIT_NUMBER_UNLIMITED || b == LIMIT_NUMBER_UNLIMITED)
        return a == b;
    return a / page * page == b / page * page;
}

static bool match_list(const char *want, const char *have, const struct machine *machine)
{
    struct list_mask a, b;

    (void)machine;
    return list_parse(want, &a) == 0 && list_parse(have, &b) == 0 && memcmp(&a, &b, sizeof(a)) == 0;
}

/* The next blank-separated word of a line; its length is 0 at the end. */
static const char *word_next(const char **at, const char *end, size_t *ret_len)
{
    while (*at < end && (**at == ' ' || **at == '\t'))
        (*at)++;
    const char *word = *at;
    while (*at < end && **at != ' ' && **at != '\t')
        (*at)++;
    *ret_len = (size_t)(*at - word);
    return word;
}

/* "rbps=1024" or "1024": the same key, if any, and the same text or number. */
static bool word_equal(const char *a, size_t a_len, const char *b, size_t b_len)
{
    char x[128], y[128];
    uint64_t m, n;

    if (a_len == b_len && memcmp(a, b, a_len) == 0)
        return true;
    if (a_len >= sizeof(x) || b_len >= sizeof(y))
        return false;
    memcpy(x, a, a_len);
    x[a_len] = '\0';
    memcpy(y, b, b_len);
    y[b_len] = '\0';
    size_t key = strcspn(x, "=");
    if (x[key] != '\0') {
        if (strncmp(x, y, key + 1) != 0)
            return false;
        key++;
    } else {
        key = 0;
    }
    return number_read(x + key, &m) && number_read(y + key, &n) && m == n;
}

static bool line_has_word(const char *line, const char *end, const char *word, size_t len)
{
    size_t have_len;

    for (;;) {
        const char *have = word_next(&line, end, &have_len);
        if (have_len == 0)
            return false;
        if (word_equal(word, len, have, have_len))
            return true;
    }
}

/* Does line begin with want's first word and hold all the others? */
static bool line_satisfies(const char *line, const char *end, const char *want)
{
    const char *want_end = want + strlen(want);
    size_t want_len, have_len;
    const char *key = word_next(&want, want_end, &want_len);
    const char *have = word_next(&line, end, &have_len);

    if (want_len != have_len || memcmp(key, have, want_len) != 0)
        return false;
    for (;;) {
        const char *word = word_next(&want, want_end, &want_len);
        if (want_len == 0)
            return true;
        if (!line_has_word(line, end, word, want_len))
            return false;
    }
}

/* "8:0 rbps=max wiops=max", "8:0 0": lines for which the kernel removes the key. */
static bool removes_key(const char *want)
{
    const char *end = want + strlen(want);
    size_t len, n = 0;

    word_next(&want, end, &len);
    for (;; n++) {
        const char *word = word_next(&want, end, &len);
        if (len == 0)
            return n > 0;
        bool is_zero = len == 1 && word[0] == '0';
        bool is_max =
            len >= 3 && memcmp(word + len - 3, "max", 3) == 0 && (len == 3 || word[len - 4] == '=');
        if (!is_zero && !is_max)
            return false;
    }
}

static bool has_key(const char *have, const char *want)
{
    size_t key_len = strcspn(want, " "), len;
    const char *cursor = have, *line;

    while (line_next(&cursor, &line, &len)) {
        if (len >= key_len && memcmp(line, want, key_len) == 0 &&
            (len == key_len || line[key_len] == ' '))
            return true;
    }
    return false;
}

static bool match_keyed(const char *want, const char *have, const struct machine *machine)
{
    const char *cursor = have, *line;
    size_t len;

    (void)machine;
    while (line_next(&cursor, &line, &len)) {
        if (line_satisfies(line, line + len, want))
            return true;
    }
    return removes_key(want) && !has_key(have, want);
}

static bool match_any(const char *want, const char *have, const struct machine *machine)
{
    return match_exact(want, have, machine) || match_pages(want, have, machine) ||
           match_list(want, have, machine) || match_keyed(want, have, machine);
}

static bool match_none(const char *want, const char *have, const struct machine *machine)
{
    (void)want;
    (void)have;
    (void)machine;
    return true;
}

typedef bool (*match_fn)(const char *want, const char *have, const struct machine *machine);

static const match_fn match_table[] = {
    [PLAN_CHECK_EXACT] = match_exact, [PLAN_CHECK_NUMBER] = match_number,
    [PLAN_CHECK_PAGES] = match_pages, [PLAN_CHECK_LIST] = match_list,
    [PLAN_CHECK_KEYED] = match_keyed, [PLAN_CHECK_ANY] = match_any,
    [PLAN_CHECK_NONE] = match_none,
};

bool plan_step_matches(const struct plan_step *step, const char *read_back,
                       const struct machine *machine)
{
    char want[4096], have[16384];

    if (step->check == PLAN_CHECK_NONE)
        return true;
    if (step->check == PLAN_CHECK_DEVICES)
        return device_steps_match(text_or_empty(step->expect), text_or_empty(read_back));
    if (!trim(text_or_empty(step->expect ? step->expect : step->text), want, sizeof(want)) ||
        !trim(text_or_empty(read_back), have, sizeof(have)))
        return false;
    return match_table[step->check](want, have, machine);
}
