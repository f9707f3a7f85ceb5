/*
 * Reading JSON strictly. A document is looked through once before anything is built from it
 * (json_scan.c): its grammar, its depth, its strings and how many values it has. What json_document_load()
 * gives has therefore no NUL in a string but for one thing: a whole number above 2^63-1, which the JSON
 * library has no type for, stands as a string of NUL and its digits. So take numbers and strings through
 * the readers here, never by json_integer_value() or json_string_value().
 *
 * Readers return 0 when the field is missing (the output is left as it was), 1 when it was read, or
 * -errno with a sentence that names the field's path and its value. null is not a value of any field.
 * Private to oci.
 */
#pragma once

#include <jansson.h>

#include "base/base.h"
#include "limit/limit.h"
#include "oci/oci.h"

#define OCI_STRING_MAX (1u << 20) /* bytes of one string as it is written */
#define OCI_VALUES_MAX (1u << 17) /* values of a document, names of members included */

/* Is text one JSON object within these limits? Pure, linear, needs no memory. */
int json_scan(const char *text, size_t len, struct err *err);

/* The text of a member of a member of the document, told while it is loaded. */
struct json_find {
    const char *outer, *inner; /* "linux", "seccomp" */
    const char *text;          /* in the document; NULL: there is none */
    size_t len;
};
/* The values of a document that json_scan() has passed; find may be NULL. */
int json_build(const char *text, struct json_find *find, json_t **ret, struct err *err);

/* One JSON object and nothing after it; *ret is freed by json_decref(). */
int json_document_load(const char *text, size_t len, json_t **ret, struct err *err);
int json_document_load_find(const char *text, size_t len, struct json_find *find, json_t **ret,
                            struct err *err);
void json_document_freep(json_t **document);
#define _cleanup_json_ _cleanup_(json_document_freep)

/* ---- where in the document ------------------------------------------------------------------------ */

/* "linux.resources.memory", for sentences; cut where it is too long. */
struct json_path {
    char text[192];
};
struct json_path json_path_key(const char *path, const char *key);
struct json_path json_path_index(const char *path, size_t index);

/* A value as it may stand in a sentence: strings in quotes, without control characters, not too long. */
struct json_shown {
    char text[72];
};
struct json_shown json_show(const json_t *value);
struct json_shown json_show_text(const char *text);

/* ---- one value --------------------------------------------------------------------------------------- */

int json_as_u64(const json_t *value, const char *path, uint64_t min, uint64_t max, uint64_t *ret,
                struct err *err);
int json_as_i64(const json_t *value, const char *path, int64_t min, int64_t max, int64_t *ret,
                struct err *err);
/* The text belongs to value. */
int json_as_string(const json_t *value, const char *path, const char **ret, struct err *err);

/* Copies the strings of an array; *ret is freed by strv_free(). An empty one has nothing but its NULL. */
int json_as_strv(const json_t *array, const char *path, char ***ret, struct err *err);

/* ---- a field of an object ------------------------------------------------------------------------------ */

int json_get_u64(const json_t *object, const char *path, const char *key, uint64_t min,
                 uint64_t max, uint64_t *ret, struct err *err);
int json_get_i64(const json_t *object, const char *path, const char *key, int64_t min, int64_t max,
                 int64_t *ret, struct err *err);
int json_get_bool(const json_t *object, const char *path, const char *key, bool *ret,
                  struct err *err);
/* The text belongs to object. */
int json_get_string(const json_t *object, const char *path, const char *key, const char **ret,
                    struct err *err);
int json_get_object(const json_t *object, const char *path, const char *key, const json_t **ret,
                    struct err *err);
int json_get_array(const json_t *object, const char *path, const char *key, const json_t **ret,
                   struct err *err);
/* Copies; *ret is freed by strv_free(). An empty array is a vector with nothing but its NULL. */
int json_get_strv(const json_t *object, const char *path, const char *key, char ***ret,
                  struct err *err);

/* ---- walking ---------------------------------------------------------------------------------------------- */

/*
 * fn for each element, which must be of this type, with its path ("mounts[3]"), until one returns other
 * than 0, which is returned.
 */
typedef int (*json_item_fn)(void *data, const json_t *item, size_t index, const char *path,
                            struct err *err);
int json_each(const json_t *array, const char *path, json_type type, json_item_fn fn, void *data,
              struct err *err);

/* ---- parts -------------------------------------------------------------------------------------------- */

/*
 * An object of resources (linux.resources) into set; what it does not say is left as it is there. path is
 * how the object is called in sentences.
 */
int oci_resources_from_json(const json_t *resources, const char *path,
                            const struct limit_context *context, struct limit_set *set,
                            struct err *err);

/*
 * A quota of a period that is said to be 0: in an update zeros leave what is there, but a container that is made
 * has none yet, and the kernel takes no such period. For an object that oci_resources_from_json() has taken.
 */
int oci_resources_check_new(const json_t *resources, const char *path, struct err *err);

/*
 * Every container may use null, zero, full, random, urandom, tty, its terminals, and make nodes; all else
 * only as its rules say, and nothing else when there are none. These rules are put behind the last one about
 * all devices, so that later ones still hold. Rootless rules are dropped, as runc does: there the kernel
 * lets nobody make device nodes, and opens others by the user's own rights.
 */
int oci_resources_add_devices(struct limit_set *set, const struct oci_context *context,
                              struct err *err);
