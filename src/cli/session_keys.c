/* Keys that detach from a container. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "cli/session.h"

static bool key_parse(const char *word, size_t len, char *ret)
{
    static const char control[] = "ctrl-";

    if (len == 1 && isprint((unsigned char)*word)) {
        *ret = *word;
        return true;
    }
    if (len != strlen(control) + 1 || strncasecmp(word, control, strlen(control)) != 0)
        return false;
    int c = toupper((unsigned char)word[len - 1]);
    if (c < '@' || c > '_')
        return false;
    *ret = (char)(c - '@');
    return true;
}

int session_keys_parse(const char *text, struct session_keys *ret, struct ration_error *error)
{
    *ret = (struct session_keys){ 0 };
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, ",");
        if (ret->n == SESSION_KEYS_MAX || !key_parse(at, len, &ret->keys[ret->n]))
            return cli_usage(error,
                             "--detach-keys takes up to %d keys such as ctrl-p,ctrl-q or a, not "
                             "\"%.64s\"",
                             SESSION_KEYS_MAX, text);
        ret->n++;
        at += len + (at[len] == ',');
    }
    return 0;
}

/* How much of the sequence the end of what was typed is the beginning of, now that this key did not match. */
static size_t keys_fall_back(const struct session_keys *keys, char key, struct buf *ret)
{
    char typed[SESSION_KEYS_MAX + 1];
    size_t n = keys->matched;

    memcpy(typed, keys->keys, n);
    typed[n++] = key;
    for (size_t drop = 1; drop < n; drop++) {
        if (memcmp(typed + drop, keys->keys, n - drop) == 0) {
            buf_add(ret, typed, drop);
            return n - drop;
        }
    }
    buf_add(ret, typed, n);
    return 0;
}

bool session_keys_pass(struct session_keys *keys, const char *typed, size_t len, struct buf *ret)
{
    for (size_t i = 0; i < len; i++) {
        if (keys->n == 0) {
            buf_putc(ret, typed[i]);
        } else if (typed[i] != keys->keys[keys->matched]) {
            keys->matched = keys_fall_back(keys, typed[i], ret);
        } else if (++keys->matched == keys->n) {
            keys->matched = 0;
            return true;
        }
    }
    return false;
}
