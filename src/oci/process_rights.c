/* Capabilities of the process. */
#include <errno.h>
#include <string.h>

#include "oci/reading.h"

/*
 * A capability that cannot be granted. The specification (1.1 and later): such values "MUST be logged as a
 * warning by the runtime", which SHOULD NOT fail for them; leaving one out takes away from the process and
 * gives it nothing. Who has nowhere to log refuses.
 */
static int not_granted(struct reading *r, const char *path, const char *text, const char *why)
{
    struct err sentence = ERR_INIT;
    int result = err_refuse(&sentence, EPERM, "%s: %s %s", path, json_show_text(text).text, why);

    if (r->context->warn)
        r->context->warn(r->context->warn_data, sentence.text);
    else if (r->err)
        *r->err = sentence;
    return r->context->warn ? 0 : result;
}

static int read_capability(struct reading *r, const json_t *value, const char *path, void *target)
{
    const struct spec_world *world = r->context->world;
    const char *text = json_string_value(value);
    int number = text_starts(text, "CAP_") ? capability_parse(text) : -EINVAL;
    uint64_t *set = target;

    /* Upper case only: that is how the manual writes them. */
    if (number < 0 || strcmp(capability_name(number), text + strlen("CAP_")) != 0)
        return not_granted(r, path, text, "is not a capability");
    if (number > world->cap_last(world->data))
        return not_granted(r, path, text, "is a capability that this kernel does not have");
    *set |= UINT64_C(1) << number;
    return 0;
}

/*
 * What the kernel refuses (capabilities(7)): effective needs permitted, ambient needs permitted and
 * inheritable. The example documents of runtimes have ambient ones that are not inheritable: those have never
 * had an effect, and are left out also where nobody can be warned.
 */
static int caps_check(struct reading *r, const char *path, const char *name, uint64_t *set,
                      uint64_t within, const char *others)
{
    bool tell = r->context->warn || set != &r->spec->caps.ambient;
    char why[96];
    int result = 0;

    snprintf(why, sizeof(why), "cannot be granted without being %s", others);
    for (int i = 0; tell && result == 0 && i < 64; i++) {
        char text[40];
        if (!(*set & ~within & UINT64_C(1) << i))
            continue;
        snprintf(text, sizeof(text), "CAP_%s", text_or_empty(capability_name(i)));
        result = not_granted(r, json_path_key(path, name).text, text, why);
    }
    *set &= within;
    return result;
}

int read_capabilities(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct {
        const char *key;
        size_t offset;
    } set_table[] = {
        { "bounding", offsetof(struct spec_caps, bounding) },
        { "effective", offsetof(struct spec_caps, effective) },
        { "permitted", offsetof(struct spec_caps, permitted) },
        { "inheritable", offsetof(struct spec_caps, inheritable) },
        { "ambient", offsetof(struct spec_caps, ambient) },
    };
    struct spec_caps *caps = &((struct spec *)target)->caps;
    int result = 0;

    *caps = (struct spec_caps){ 0 };
    for (size_t i = 0; result == 0 && i < ARRAY_SIZE(set_table); i++) {
        const json_t *names = NULL;
        result = json_get_array(value, path, set_table[i].key, &names, r->err);
        if (result > 0)
            result = texts_read(r, names, json_path_key(path, set_table[i].key).text,
                                read_capability, (char *)caps + set_table[i].offset);
    }
    if (result == 0)
        result = caps_check(r, path, "effective", &caps->effective, caps->permitted, "permitted");
    if (result == 0)
        result = caps_check(r, path, "ambient", &caps->ambient, caps->permitted & caps->inheritable,
                            "permitted and inheritable");
    return result;
}
