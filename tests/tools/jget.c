/*
 * jget FILE PATH: print the value at PATH (a.b.0.c) of a JSON document; FILE "-" is stdin.
 *
 * Strings are printed bare, other scalars as JSON, arrays and objects as compact JSON with sorted
 * keys. `jget -n FILE PATH` prints the number of elements, `jget -k FILE PATH` the keys, one a
 * line. An empty PATH is the whole document. Exit: 0 printed, 1 nothing at PATH, 2 not JSON or
 * bad usage. A key that holds a dot is reached with "\." (in sh: 'limits.a\.b.file').
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cuts the first component off *path and unescapes it in place. */
static char *path_next(char **path)
{
    char *start = *path;
    char *out = start;
    char *in = start;

    while (*in != '\0' && *in != '.') {
        if (in[0] == '\\' && in[1] != '\0')
            in++;
        *out++ = *in++;
    }
    *path = *in == '.' ? in + 1 : NULL;
    *out = '\0';
    return start;
}

static json_t *value_at(json_t *value, char *path)
{
    char *rest = *path != '\0' ? path : NULL;

    while (value && rest) {
        const char *key = path_next(&rest);
        if (json_is_array(value)) {
            char *end;
            unsigned long index = strtoul(key, &end, 10);
            value = *key != '\0' && *end == '\0' ? json_array_get(value, index) : NULL;
        } else {
            value = json_object_get(value, key);
        }
    }
    return value;
}

static int print_value(const json_t *value)
{
    if (json_is_string(value))
        return puts(json_string_value(value)) < 0;
    if (json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) < 0)
        return 1;
    return putchar('\n') < 0;
}

static int print_size(const json_t *value)
{
    size_t size = json_is_array(value) ? json_array_size(value) : json_object_size(value);
    return printf("%zu\n", size) < 0;
}

static int print_keys(json_t *value)
{
    const char *key;
    json_t *member;

    json_object_foreach(value, key, member)
    {
        if (puts(key) < 0)
            return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    char mode = 'v';

    if (argc == 4 && (strcmp(argv[1], "-n") == 0 || strcmp(argv[1], "-k") == 0)) {
        mode = argv[1][1];
        argv++;
        argc--;
    }
    if (argc != 3) {
        fputs("usage: jget [-n|-k] FILE PATH\n", stderr);
        return 2;
    }

    json_error_t error;
    json_t *root = strcmp(argv[1], "-") == 0 ? json_loadf(stdin, JSON_DECODE_ANY, &error)
                                             : json_load_file(argv[1], JSON_DECODE_ANY, &error);
    if (!root) {
        fprintf(stderr, "jget: %s: line %d: %s\n", argv[1], error.line, error.text);
        return 2;
    }

    json_t *value = value_at(root, argv[2]);
    int status = 1;
    if (value)
        status = mode == 'n'   ? print_size(value)
                 : mode == 'k' ? print_keys(value)
                               : print_value(value);
    json_decref(root);
    return status;
}
