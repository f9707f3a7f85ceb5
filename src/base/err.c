/* Errors: one struct, filled once, prefixed on the way up, printed by whoever owns the terminal. */
#include <errno.h>
#include <string.h>

#include "base/base.h"

#undef err_set
#undef err_set_class

int err_vset(struct err *err, enum err_class class, int code, const char *fmt, va_list ap)
{
    if (err) {
        err->code = code;
        err->class = class;
        err->step[0] = '\0';
        /* "%m" in fmt means this error, whatever the caller did to errno in between. */
        errno = code;
        vsnprintf(err->text, sizeof(err->text), fmt, ap);
    }
    return -code;
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int r = err_vset(err, ERR_FAILED, code, fmt, ap);
    va_end(ap);
    return r;
}

int err_set_class(struct err *err, enum err_class class, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int r = err_vset(err, class, code, fmt, ap);
    va_end(ap);
    return r;
}

void err_prefix(struct err *err, const char *fmt, ...)
{
    char old[sizeof(err->text)];
    const size_t size = sizeof(err->text);
    va_list ap;

    if (!err)
        return;
    memcpy(old, err->text, sizeof(old));
    va_start(ap, fmt);
    int n = vsnprintf(err->text, size, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n + 3 > size)
        return;
    size_t len = strlen(old), room = size - (size_t)n - 3;
    memcpy(err->text + n, ": ", 2);
    /* What does not fit is cut. */
    memcpy(err->text + n + 2, old, len < room ? len : room);
    err->text[(size_t)n + 2 + (len < room ? len : room)] = '\0';
}

void err_step(struct err *err, const char *step)
{
    if (err && err->step[0] == '\0')
        snprintf(err->step, sizeof(err->step), "%s", step);
}

int err_exit_status(const struct err *err)
{
    static const int status_table[] = {
        [ERR_FAILED] = 125,         [ERR_REFUSED] = 125,   [ERR_USAGE] = 2,
        [ERR_NOT_EXECUTABLE] = 126, [ERR_NOT_FOUND] = 127,
    };

    if ((size_t)err->class >= ARRAY_SIZE(status_table))
        return 125;
    return status_table[err->class];
}

const char *err_name(int code)
{
    const char *text = strerrordesc_np(code);

    return text ? text : "unknown error";
}
