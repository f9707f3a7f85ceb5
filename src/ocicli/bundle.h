/* A bundle as create and run take it: the options that say where it is, and reading it. */
#pragma once

#include "ocicli/ocicli.h"

struct bundle_values {
    const char *bundle, *config;
    const char *console_socket, *pid_file;
    unsigned preserve_fds;
    bool no_pivot, no_new_keyring;
};

/* The rows for a command whose values have a struct bundle_values called bundle. */
#define BUNDLE_OPTIONS(values)                                                             \
    { "bundle", 'b',                                                                       \
      CLI_TEXT, offsetof(values, bundle.bundle),                                           \
      "DIR",    "the bundle: a directory with config.json (default: the current one)",     \
      NULL },                                                                              \
        { "config", 'f',                                                                   \
          CLI_TEXT, offsetof(values, bundle.config),                                       \
          "FILE",   "read this instead of config.json in the bundle",                      \
          NULL },                                                                          \
        { "console-socket",                                                                \
          0,                                                                               \
          CLI_TEXT,                                                                        \
          offsetof(values, bundle.console_socket),                                         \
          "SOCKET",                                                                        \
          "send the terminal's master to this socket",                                     \
          NULL },                                                                          \
        { "pid-file", 0,                                                                   \
          CLI_TEXT,   offsetof(values, bundle.pid_file),                                   \
          "FILE",     "write the container's process number there",                        \
          NULL },                                                                          \
        { "preserve-fds",                                                                  \
          0,                                                                               \
          CLI_NUMBER,                                                                      \
          offsetof(values, bundle.preserve_fds),                                           \
          "N",                                                                             \
          "pass N further file descriptors on, from 3",                                    \
          NULL },                                                                          \
        { "no-pivot", 0,                                                                   \
          CLI_FLAG,   offsetof(values, bundle.no_pivot),                                   \
          NULL,       "do without pivot_root, where the root is an initramfs",             \
          NULL },                                                                          \
        { "no-new-keyring",                                                                \
          0,                                                                               \
          CLI_FLAG,                                                                        \
          offsetof(values, bundle.no_new_keyring),                                         \
          NULL,                                                                            \
          "keep the session keyring of the caller",                                        \
          NULL },                                                                          \
    {                                                                                      \
        "no-subreaper", 0, CLI_IGNORED_FLAG, 0, NULL, "accepted, and without effect", NULL \
    }

/* Read the bundle of a new container. The spec is the caller's to free. */
int bundle_read(struct session *session, const char *name, const struct bundle_values *values,
                struct spec **ret, struct err *err);
/* What create and run tell the engine of the options; whatever is in it belongs to values. */
void bundle_container_options(const struct bundle_values *values, struct container_options *ret);

/*
 * A document in a file, relative to dir_fd: a regular file of at most OCI_DOCUMENT_MAX bytes. what: how the
 * sentence calls it.
 */
int document_read(int dir_fd, const char *path, const char *what, struct buf *ret, struct err *err);
/* The state document of a container being made, for its hooks. */
int bundle_write_state(const char *name, enum container_status status, pid_t pid,
                       const struct spec *spec, struct buf *ret);
enum oci_status status_of(enum container_status status);
