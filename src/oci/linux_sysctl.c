/* sysctl: kernel parameters, of those alone that a namespace of the container's own has. */
#include <errno.h>
#include <linux/sched.h>
#include <string.h>

#include "oci/reading.h"

#define SYSCTL_MAX 512 /* bytes of a name or value */

/*
 * As sysctl(8) reads names: the first separator, '.' or '/', is the one that separates, and the other one
 * stands for it within a part ("net.ipv4.conf.eth0/100.forwarding", "net/ipv4/conf/eth0.100/forwarding").
 */
static int normalize(struct reading *r, const char *name, const char *path, char **ret)
{
    bool dots = name[strcspn(name, "./")] == '.';

    for (const char *c = name; *c; c++) {
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f || *c == '+')
            return err_usage(r->err, "%s: %s is no name of a kernel parameter", path,
                             json_show_text(name).text);
    }
    *ret = strdup(name);
    if (!*ret)
        return err_nomem(r->err);
    for (char *c = *ret; dots && *c; c++)
        *c = *c == '.' ? '/' : *c == '/' ? '.' : *c;
    for (const char *part = *ret;; part++) {
        size_t n = strcspn(part, "/");
        if (n == 0 || (n == 1 && *part == '.') || (n == 2 && memcmp(part, "..", 2) == 0))
            return err_usage(r->err, "%s: %s is no name of a kernel parameter", path,
                             json_show_text(name).text);
        part += n;
        if (!*part)
            return 0;
    }
}

static int check_sysctl(struct reading *r, const char *sysctl, const char *path)
{
    if (strcmp(sysctl, "kernel/hostname") == 0)
        return err_usage(r->err, "%s: the name of the host is set by hostname", path);
    uint64_t namespace = sysctl_namespace(sysctl);
    if (!namespace)
        return err_refuse(r->err, EPERM,
                          "%s would change the host: it is no parameter of a namespace", path);
    if (!has_namespace(r, namespace))
        return err_refuse(
            r->err, EPERM,
            "%s would change the host: the container has no namespace of its own that "
            "it belongs to",
            path);
    return 0;
}

static int check_value(struct reading *r, const char *text, const char *path)
{
    if (strlen(text) > SYSCTL_MAX)
        return err_usage(r->err, "%s has %zu characters, at most %d are allowed", path,
                         strlen(text), SYSCTL_MAX);
    for (const char *c = text; *c; c++) {
        if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
            return err_usage(r->err, "%s has a control character: %s", path,
                             json_show_text(text).text);
    }
    return 0;
}

static int read_sysctl(struct reading *r, const char *name, const json_t *value, const char *path)
{
    struct spec *spec = r->spec;
    struct spec_sysctl *sysctl = ITEMS_ADD(spec->sysctls, spec->n_sysctls);
    struct json_path at = json_path_key(path, name);
    const char *text = "";
    int result;

    if (!sysctl)
        return err_nomem(r->err);
    result = strlen(name) > SYSCTL_MAX
                 ? err_usage(r->err, "%s has a name of %zu characters", path, strlen(name))
                 : normalize(r, name, path, &sysctl->path);
    if (result == 0)
        result = check_sysctl(r, sysctl->path, at.text);
    if (result == 0)
        result = json_as_string(value, at.text, &text, r->err);
    if (result < 0)
        return result;
    for (size_t i = 0; i + 1 < spec->n_sysctls; i++) {
        if (strcmp(spec->sysctls[i].path, sysctl->path) == 0)
            return err_usage(r->err, "%s is given twice", at.text);
    }
    result = check_value(r, text, at.text);
    return result < 0 ? result : text_copy(r, text, &sysctl->value);
}

int read_sysctls(struct reading *r, const json_t *value, const char *path, void *target)
{
    const char *name;
    json_t *item;
    int result = length_check(r, json_object_size(value), path);

    (void)target;
    if (result < 0)
        return result;
    json_object_foreach((json_t *)value, name, item)
    {
        result = read_sysctl(r, name, item, path);
        if (result < 0)
            return result;
    }
    return 0;
}
