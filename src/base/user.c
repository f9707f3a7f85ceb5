/* Users by /etc/passwd and /etc/subuid, without the name service: a static program has none. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/base.h"

#define FILE_MAX (16u * 1024u * 1024u)

/* The field of that index in a line of colon-separated ones, if it is there and fits. */
static bool colon_field(const char *line, size_t len, unsigned index, char *ret, size_t size)
{
    const char *end = line + len, *colon;

    for (; index > 0; index--) {
        colon = memchr(line, ':', (size_t)(end - line));
        if (!colon)
            return false;
        line = colon + 1;
    }
    colon = memchr(line, ':', (size_t)(end - line));
    size_t n = (size_t)((colon ? colon : end) - line);
    if (n >= size)
        return false;
    memcpy(ret, line, n);
    ret[n] = '\0';
    return true;
}

static int read_lines(const char *path, struct buf *ret)
{
    int r = file_read_regular(AT_FDCWD, path, FILE_MAX, ret);

    /* A NUL: what follows it would be ignored in silence. */
    return r == 0 && strlen(buf_text(ret)) != ret->len ? -EILSEQ : r;
}

bool user_name_of(uid_t uid, char ret[static 64])
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    const char *line;
    size_t len;

    if (read_lines("/etc/passwd", &text) < 0)
        return false;
    for (const char *cursor = buf_text(&text); line_next(&cursor, &line, &len);) {
        char id[16];
        uint64_t number;
        if (colon_field(line, len, 0, ret, 64) && colon_field(line, len, 2, id, sizeof(id)) &&
            number_parse(id, UINT32_MAX - 1, &number) == 0 && number == uid)
            return true;
    }
    return false;
}

bool user_sub_ids(const char *path, uid_t uid, struct id_range *ret)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    char number[16], user[64];
    bool named = user_name_of(uid, user), found = false;
    const char *line;
    size_t len;

    if (read_lines(path, &text) < 0)
        return false;
    snprintf(number, sizeof(number), "%u", uid);
    for (const char *cursor = buf_text(&text); line_next(&cursor, &line, &len);) {
        char owner[64], first[16], count[16];
        uint64_t first_id, n_ids;
        if (colon_field(line, len, 0, owner, sizeof(owner)) &&
            colon_field(line, len, 1, first, sizeof(first)) &&
            colon_field(line, len, 2, count, sizeof(count)) &&
            (strcmp(owner, number) == 0 || (named && strcmp(owner, user) == 0)) &&
            number_parse(first, UINT32_MAX - 1, &first_id) == 0 &&
            number_parse(count, UINT32_MAX - 1, &n_ids) == 0) {
            *ret = (struct id_range){ .first = (uint32_t)first_id, .count = (uint32_t)n_ids };
            found = true;
        }
    }
    return found;
}
