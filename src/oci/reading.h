/*
 * Objects of config.json as tables: a row per field says its name, its type, whether it must be there, and
 * where it goes or who reads it. Private to oci.
 */
#pragma once

#include "oci/document.h"

/* What all readers of one document share. */
struct reading {
    const struct oci_context *context;
    struct spec *spec; /* being filled; freed with spec_free() when reading fails */
    struct err *err;
    uint64_t joined;         /* CLONE_NEW* of the namespaces that are entered */
    bool uses_notify;        /* some rule of the filter asks an agent */
    struct json_find policy; /* the text of linux.seccomp */
};

enum field_kind {
    FIELD_OBJECT,
    FIELD_ARRAY,
    FIELD_TEXT,   /* char *, copied */
    FIELD_TEXTS,  /* char **, copied */
    FIELD_FLAG,   /* bool */
    FIELD_NUMBER, /* any integer type, from min to max */
    FIELD_ANY,    /* read by the row's function, which checks the type */
};

/* path is that of the value; target what fields_read() was given. Returns 0 or -errno. */
typedef int (*field_fn)(struct reading *r, const json_t *value, const char *path, void *target);

struct field {
    const char *key;
    enum field_kind kind;
    bool required;
    field_fn read;       /* NULL: the value is put at offset of the target */
    size_t offset, size; /* in bytes */
    int64_t min;
    uint64_t max;
};

#define FIELD_AT(type, member) \
    .offset = offsetof(type, member), .size = sizeof(((type *)NULL)->member)

/* Read the fields of object that table has, in the table's order. Members without a row are ignored. */
int fields_read(struct reading *r, const json_t *object, const char *path,
                const struct field *table, size_t n, void *target);
#define FIELDS_READ(r, object, path, table, target) \
    fields_read((r), (object), (path), (table), ARRAY_SIZE(table), (target))

/* fn for each object of an array. */
int items_read(struct reading *r, const json_t *array, const char *path, field_fn fn, void *target);
/* The same for strings: fn takes them by json_string_value(). */
int texts_read(struct reading *r, const json_t *array, const char *path, field_fn fn, void *target);

/* ---- words --------------------------------------------------------------------------------------------- */

struct word {
    const char *text;
    uint64_t value;
};
/* The value of a word in a table; what: "a kind of namespace", for the sentence. */
int word_read(struct reading *r, const json_t *value, const char *path, const char *what,
              const struct word *table, size_t n, uint64_t *ret);
#define WORD_READ(r, value, path, what, table, ret) \
    word_read((r), (value), (path), (what), (table), ARRAY_SIZE(table), (ret))

/* ---- growing lists ----------------------------------------------------------------------------------------- */

/* Room for one more element, which is zeroed; NULL when there is no memory, and items are as before. */
void *items_grow(void *items, size_t n, size_t size);
/* A new zeroed element at the end of items, counted in n; NULL when there is no memory. */
#define ITEMS_ADD(items, n)                                                \
    ({                                                                     \
        typeof(items) grown_ = items_grow((items), (n), sizeof(*(items))); \
        if (grown_) {                                                      \
            (items) = grown_;                                              \
            grown_ = &(items)[(n)++];                                      \
        }                                                                  \
        grown_;                                                            \
    })

/*
 * Lists whose elements are compared with each other, or are work for the kernel one by one, end somewhere
 * beyond all that engines send.
 */
#define LIST_LENGTH_MAX 4096
int length_check(struct reading *r, size_t n, const char *path);

/* ---- checks that several fields share --------------------------------------------------------------------------- */

/* An absolute path as it was written, or cleaned (".." refused). Returns 0 or -errno. */
int path_check(struct reading *r, const char *text, const char *path);
int path_read_clean(struct reading *r, const char *text, const char *path, char **ret);
int text_copy(struct reading *r, const char *text, char **ret);
/* "NAME=VALUE" strings. */
int environment_check(struct reading *r, char *const *env, const char *path);

/* Is a namespace of this kind the container's own, made or entered? */
static inline bool has_namespace(const struct reading *r, uint64_t flag)
{
    return (r->spec->namespaces | r->joined) & flag;
}

/* ---- the parts of a document ------------------------------------------------------------------------------------- */

int read_process(struct reading *r, const json_t *value, const char *path, void *target);
int read_mounts(struct reading *r, const json_t *value, const char *path, void *target);
int read_hooks(struct reading *r, const json_t *value, const char *path, void *target);
int read_linux(struct reading *r, const json_t *value, const char *path, void *target);
int read_scheduler(struct reading *r, const json_t *value, const char *path, void *target);
int read_cpu_affinity(struct reading *r, const json_t *value, const char *path, void *target);
int read_capabilities(struct reading *r, const json_t *value, const char *path, void *target);
int read_io_priority(struct reading *r, const json_t *value, const char *path, void *target);
int read_devices(struct reading *r, const json_t *value, const char *path, void *target);
int read_netdevs(struct reading *r, const json_t *value, const char *path, void *target);
int read_sysctls(struct reading *r, const json_t *value, const char *path, void *target);
int read_seccomp(struct reading *r, const json_t *value, const char *path, void *target);
int read_rdt(struct reading *r, const json_t *value, const char *path, void *target);
int read_uid_mappings(struct reading *r, const json_t *value, const char *path, void *target);
int read_gid_mappings(struct reading *r, const json_t *value, const char *path, void *target);
int read_time_offsets(struct reading *r, const json_t *value, const char *path, void *target);
int read_namespaces(struct reading *r, const json_t *value, const char *path, void *target);

/* Maps of ids, into arrays of their own; checked against each other. */
int read_id_maps(struct reading *r, const json_t *array, const char *path, struct spec_id_map **ret,
                 size_t *ret_n);

/* A mount while its options are read. */
struct mount_reading {
    struct spec_mount *mount;
    bool bind, remount;
};
enum mount_option {
    MOUNT_OPTION_APPLIED,
    MOUNT_OPTION_DATA,       /* the file system's own */
    MOUNT_OPTION_SUPERBLOCK, /* the file system's as a whole: data that a bind mount cannot have */
};
/* One option of mount(8) as the specification lists them; the later one wins. */
enum mount_option mount_apply_option(struct mount_reading *m, const char *word);

/* The device nodes and links that the specification orders, unless the document brings its own /dev. */
int add_default_devices(struct reading *r);

/* What can only be checked when all of the document is known. */
int check_namespaces(struct reading *r);
int check_identity(struct reading *r);
