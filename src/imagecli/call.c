/* The command line and the terminal. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "imagecli/imagecli.h"

const char *call_option_at(const struct call *call, const char *name, size_t index)
{
    size_t n = strlen(name);

    for (char *const *at = call->options; at && *at; at++) {
        if (strncmp(*at, name, n) == 0 && (*at)[n] == '=' && index-- == 0)
            return *at + n + 1;
    }
    return NULL;
}

const char *call_option(const struct call *call, const char *name)
{
    const char *value = NULL, *next;

    for (size_t i = 0; (next = call_option_at(call, name, i)); i++)
        value = next;
    return value;
}

bool call_flag(const struct call *call, const char *name)
{
    return call_option(call, name) != NULL;
}

size_t call_n_operands(const struct call *call)
{
    return strv_length(call->operands);
}

int call_need(const struct call *call, size_t min, size_t max, const char *what, struct err *err)
{
    size_t n = call_n_operands(call);

    if (n < min)
        return err_usage(err, "%s is missing; see ration help", what);
    if (n > max)
        return err_usage(err, "\"%.100s\" is too much; %s is all", call->operands[max], what);
    return 0;
}

int call_ceilings(const struct call *call, struct layer_ceilings *ret, struct err *err)
{
    const char *bytes = call_option(call, "max-bytes"), *entries = call_option(call, "max-entries"),
               *ratio = call_option(call, "max-ratio");
    uint64_t n;

    *ret = LAYER_CEILINGS_DEFAULT;
    if (bytes && (size_parse(bytes, &ret->bytes) < 0 || ret->bytes == 0))
        return err_usage(err, "--max-bytes takes a size such as 64g, not \"%.60s\"", bytes);
    if (entries && (number_parse(entries, UINT64_MAX, &ret->entries) < 0 || ret->entries == 0))
        return err_usage(err, "--max-entries takes a number, not \"%.60s\"", entries);
    if (ratio && (number_parse(ratio, 1000000, &n) < 0 || n == 0))
        return err_usage(err, "--max-ratio takes a number, not \"%.60s\"", ratio);
    if (ratio)
        ret->ratio = (unsigned)n;
    return 0;
}

int call_open(struct call *call, bool make, struct err *err)
{
    int r = image_store_open(call->data_dir, make, &call->store, err);

    return r < 0 || !make ? r : image_store_lock(call->store, IMAGE_LOCK_USE, err);
}

int call_open_alone(struct call *call, struct err *err)
{
    int r = image_store_open(call->data_dir, true, &call->store, err);

    return r < 0 ? r : image_store_lock(call->store, IMAGE_LOCK_DELETE, err);
}

void call_say(const char *fmt, ...)
{
    char line[1024] = "ration: ";
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line + 8, sizeof(line) - 9, fmt, ap);
    va_end(ap);
    size_t n = strlen(line);
    /* A name in it may hold anything; to a terminal it is text and nothing else. */
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    }
    line[n++] = '\n';
    fd_write_all(STDERR_FILENO, line, n);
}

int call_print(const struct buf *text, struct err *err)
{
    int r = buf_error(text);

    if (r == 0)
        r = fd_write_all(STDOUT_FILENO, buf_text(text), text->len);
    return r < 0 ? err_set(err, -r, "standard output cannot be written: %s", err_name(-r)) : 0;
}

void bytes_show(uint64_t bytes, char *ret, size_t size)
{
    static const char *const unit_table[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    double value = (double)bytes;
    unsigned unit = 0;

    while (value >= 999.5 && unit + 1 < ARRAY_SIZE(unit_table)) {
        value /= 1024;
        unit++;
    }
    snprintf(ret, size, unit == 0 || value >= 99.95 ? "%.0f %s" : "%.1f %s", value,
             unit_table[unit]);
}
