/* State documents, and who owns a container. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>

#include "ocicli/bundle.h"
#include "ocicli/info.h"

static int append(const char *data, size_t len, void *ret)
{
    buf_add(ret, data, len);
    return 0;
}

int json_indent(const char *text, unsigned columns, struct buf *ret, struct err *err)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &error);

    if (!value)
        return err_set(err, EIO, "a document of our own cannot be read: %s", error.text);
    int r = json_dump_callback(value, append, ret, JSON_INDENT(columns) | JSON_ENCODE_ANY);
    json_decref(value);
    return r < 0 || buf_error(ret) < 0 ? err_nomem(err) : 0;
}

void info_write_state(const struct container_info *info, const char *owner, struct buf *ret)
{
    const struct oci_state state = { .id = info->name,
                                     .bundle = text_or_empty(info->bundle),
                                     .rootfs = info->rootfs,
                                     .status = status_of(info->status),
                                     .pid = info->pid,
                                     .created_us = info->created_us,
                                     .owner = owner,
                                     .annotations = info->annotations };

    oci_write_state(&state, ret);
}

/* passwd(5): NAME:PASSWORD:UID:... A static program has no name service to ask. */
char *owner_name(uid_t uid)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    const char *cursor, *line;
    char number[16];
    size_t len, number_len;

    number_len = (size_t)snprintf(number, sizeof(number), "%u", uid);
    if (file_read(AT_FDCWD, "/etc/passwd", 1u << 20, &text) < 0)
        return strdup(number);
    cursor = buf_text(&text);
    while (line_next(&cursor, &line, &len)) {
        const char *password = memchr(line, ':', len);
        const char *id =
            password ? memchr(password + 1, ':', len - (size_t)(password + 1 - line)) : NULL;
        if (id && (size_t)(line + len - id) > number_len + 1 &&
            memcmp(id + 1, number, number_len) == 0 && id[1 + number_len] == ':')
            return strndup(line, (size_t)(password - line));
    }
    return strdup(number);
}
