/*
 * /proc/self/mountinfo and /proc/self/cgroup, taken apart (proc_pid_mountinfo(5), cgroups(7)).
 *
 * Both show paths relative to the root of the reader's cgroup namespace; what lies above that root
 * appears as "/..".
 */
#include <errno.h>
#include <string.h>

#include "cgroup/cgroup_private.h"

void octal_escape(const char *text, struct buf *ret)
{
    for (;;) {
        size_t plain = strcspn(text, " \t\n\\");
        buf_add(ret, text, plain);
        text += plain;
        if (*text == '\0')
            return;
        buf_printf(ret, "\\%03o", (unsigned)(unsigned char)*text++);
    }
}

bool options_have(const char *options, const char *word)
{
    size_t len = strlen(word);

    for (const char *p = options; *p;) {
        size_t n = (size_t)(strchrnul(p, ',') - p);
        if (n == len && memcmp(p, word, n) == 0)
            return true;
        p += n + (p[n] == ',');
    }
    return false;
}

unsigned options_controllers(const char *options)
{
    unsigned mask = 0;

    for (const char *p = options; *p;) {
        size_t n = (size_t)(strchrnul(p, ',') - p);
        enum controller controller = controller_find(p, n);
        if (controller < CONTROLLER_COUNT)
            mask |= CONTROLLER_BIT(controller);
        p += n + (p[n] == ',');
    }
    return mask;
}

/* Cut the next blank-separated field off; NULL when there is none. */
static char *field_next(char **cursor)
{
    char *field = *cursor;

    if (!field || *field == '\0')
        return NULL;
    char *end = strchr(field, ' ');
    if (end)
        *end++ = '\0';
    *cursor = end;
    return field;
}

/*
 * 36 35 98:0 /root /point rw,noatime shared:1 - cgroup cgroup rw,memory
 * id parent device root point options optional... - type source super-options
 */
static int entry_parse(char *line, struct mount_entry *ret)
{
    char *id = field_next(&line), *parent = field_next(&line), *device = field_next(&line);
    char *root = field_next(&line), *point = field_next(&line), *options = field_next(&line);
    char *field;

    if (!options)
        return -EINVAL;
    do
        field = field_next(&line);
    while (field && strcmp(field, "-") != 0);
    char *type = field_next(&line);
    char *source = field_next(&line);
    char *super = field_next(&line);
    if (!type || !source)
        return -EINVAL;
    if (!super)
        super = source + strlen(source);

    uint64_t id_number, parent_number;
    if (number_parse(id, INT32_MAX, &id_number) < 0 ||
        number_parse(parent, INT32_MAX, &parent_number) < 0)
        return -EINVAL;
    int version = strcmp(type, "cgroup2") == 0 ? 2 : strcmp(type, "cgroup") == 0 ? 1 : 0;
    text_unescape_octal(root);
    text_unescape_octal(point);
    text_unescape_octal(super);
    *ret = (struct mount_entry){
        .id = (long)id_number,
        .parent = (long)parent_number,
        .version = version,
        .read_only = version && (options_have(options, "ro") || options_have(super, "ro")),
        .device = device,
        .root = root,
        .point = point,
        .type = type,
        .options = super,
    };
    return 0;
}

int mountinfo_parse(char *text, struct mount_table *ret)
{
    size_t lines = 1;

    for (const char *p = strchr(text, '\n'); p; p = strchr(p + 1, '\n'))
        lines++;
    struct mount_entry *entries = calloc(lines, sizeof(*entries));
    if (!entries)
        return -ENOMEM;

    size_t n = 0;
    while (*text) {
        char *end = strchrnul(text, '\n');
        char *next = *end ? end + 1 : end;
        *end = '\0';
        if (entry_parse(text, &entries[n]) == 0)
            n++;
        text = next;
    }
    *ret = (struct mount_table){ entries, n };
    return 0;
}

void mount_table_done(struct mount_table *table)
{
    free(table->entries);
    *table = (struct mount_table){ 0 };
}

static bool path_contains(const char *outer, const char *inner)
{
    size_t len = strlen(outer);

    if (len > 0 && outer[len - 1] == '/')
        len--;
    return strncmp(outer, inner, len) == 0 && (inner[len] == '/' || inner[len] == '\0');
}

/* Does `other` lie between the name space's root and this very mount's root directory? */
static bool mount_covers(const struct mount_table *table, size_t other, size_t index)
{
    const struct mount_entry *o = &table->entries[other], *m = &table->entries[index];

    if (other == index)
        return false;
    /* Stacked on top of it. */
    if (o->parent == m->id && strcmp(o->point, m->point) == 0)
        return true;
    /* Mounted later on a directory of the same parent that contains this mount's point. */
    return other > index && o->parent == m->parent && strcmp(o->point, m->point) != 0 &&
           path_contains(o->point, m->point);
}

static size_t mount_find(const struct mount_table *table, long id)
{
    size_t i = 0;

    while (i < table->n && table->entries[i].id != id)
        i++;
    return i;
}

bool mount_is_hidden(const struct mount_table *table, size_t index)
{
    size_t below = table->n; /* the one of our own chain that stands on index */

    /* A mount is hidden, too, when one that it hangs on is. Bounded: ids may be made up. */
    for (size_t steps = 0; index < table->n && steps <= table->n; steps++) {
        for (size_t other = 0; other < table->n; other++)
            if (other != below && mount_covers(table, other, index))
                return true;
        long parent = table->entries[index].parent;
        if (parent == table->entries[index].id)
            break;
        below = index;
        index = mount_find(table, parent);
    }
    return false;
}

int mount_narrowness(const char *root)
{
    int narrowness = 0;

    for (const char *p = root; *p;) {
        while (*p == '/')
            p++;
        size_t n = (size_t)(strchrnul(p, '/') - p);
        if (n == 2 && memcmp(p, "..", 2) == 0)
            narrowness--;
        else if (n > 0)
            narrowness++;
        p += n;
    }
    return narrowness;
}

size_t membership_parse(char *text, struct membership *ret, size_t max)
{
    size_t n = 0;

    while (*text && n < max) {
        char *end = strchrnul(text, '\n');
        char *next = *end ? end + 1 : end;
        *end = '\0';
        char *controllers = strchr(text, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (path) {
            *controllers++ = '\0';
            *path++ = '\0';
            ret[n++] = (struct membership){ controllers, options_controllers(controllers), path };
        }
        text = next;
    }
    return n;
}

const char *path_beneath(const char *root, const char *path)
{
    size_t len = strlen(root);

    while (len > 0 && root[len - 1] == '/')
        len--;
    if (strncmp(root, path, len) != 0 || (path[len] != '/' && path[len] != '\0'))
        return NULL;
    path += len;
    while (*path == '/')
        path++;
    /* Above what is mounted: the names in between cannot be known. */
    if (strncmp(path, "..", 2) == 0 && (path[2] == '/' || path[2] == '\0'))
        return NULL;
    return path;
}
