/*
 * oci: the documents of the OCI runtime specification (1.2) to and from the engine's own data. Pure: text
 * in, struct spec or limits out, and the other way round. No file is opened here.
 *
 *   config.json ──► struct spec      process.json ──► struct spec      resources ──► struct limit_set
 *   state, features, spec, events ──► JSON text
 *
 * Reading is strict where the specification is silent: one JSON value and nothing after it, no duplicate
 * keys, no NUL in strings, valid UTF-8, at most 16 MiB and 64 levels deep. Numbers are numbers: "64" in
 * quotes is refused, and so is what its field cannot hold. Fields that the specification does not know are
 * ignored, as it demands; a demand that cannot be met is an error, never a warning. Every sentence names the
 * field by its path ("linux.resources.memory.limit").
 */
#pragma once

#include "base/base.h"
#include "limit/limit.h"
#include "metric/metric.h"
#include "spec/spec.h"

#define OCI_VERSION      "1.2.1"
#define OCI_VERSION_MIN  "1.0.0"
#define OCI_DOCUMENT_MAX (16u << 20)
#define OCI_DEPTH_MAX    64

/* What reading a document may ask of the world, and what the command line adds to it. */
struct oci_context {
    const char *name;   /* the container's id */
    const char *bundle; /* absolute path; relative paths of the document are beneath it */
    bool rootless;      /* we lack the privileges of root on the host */
    bool no_groups;     /* none are wanted: the usual device rules, which take one, are not added */
    bool no_pivot, no_new_keyring;
    const struct spec_world *world; /* cap_last, limit_context */
    /*
     * Takes one sentence. The specification lets a runtime do no more than warn of capabilities that this
     * kernel does not have ("MUST be logged as a warning"); NULL: they are refused.
     */
    void (*warn)(void *data, const char *sentence);
    void *warn_data;
};

/*
 * A whole config.json. The spec is complete and checked: what spec_seal() is to options, this is to a
 * document. It keeps the document itself in spec->text, on one line, for oci_read_record().
 * Errors are ERR_USAGE (the document is wrong) or ERR_REFUSED (it asks for what cannot be given).
 */
int oci_read_config(const char *text, size_t len, const struct oci_context *context,
                    struct spec **ret, struct err *err);

/*
 * A process to execute in a container: its own document (the "process" object of the specification), on
 * top of what the container's document gives (base: from oci_read_config(); seccomp, labels, rlimits
 * and no_new_privs are the container's where process says nothing).
 */
int oci_read_process(const char *text, size_t len, const struct spec *base,
                     const struct oci_context *context, struct spec **ret, struct err *err);

/* The "resources" object alone, for update; only what it says is set. 0 is unset, as clients send it. */
int oci_read_resources(const char *text, size_t len, const struct limit_context *context,
                       struct limit_set *ret, struct err *err);

/* ---- documents made here; each appends one JSON value without a final newline ------------------------ */

enum oci_status { OCI_CREATING, OCI_CREATED, OCI_RUNNING, OCI_PAUSED, OCI_STOPPED };
const char *oci_status_name(enum oci_status status);

/* The state of a container, as `state`, `list` and hooks tell it. */
struct oci_state {
    const char *id, *bundle, *rootfs;
    enum oci_status status;
    pid_t pid;           /* 0: none */
    uint64_t created_us; /* CLOCK_REALTIME */
    const char *owner;   /* user name or number; NULL: left out */
    char *const *annotations;
};
void oci_write_state(const struct oci_state *state, struct buf *ret);
/* RFC 3339 with nanoseconds, UTC: "2026-01-02T03:04:05.123456000Z". */
void oci_write_time(uint64_t realtime_us, struct buf *ret);

/* What `features` tells: the kernel's part is passed in. */
struct oci_features {
    const char *version; /* ours */
    int cap_last;
    bool has_v1, has_v2, has_systemd, has_rdt, has_apparmor, has_selinux, has_idmap, has_userns,
        has_criu;
    const char *seccomp_actions; /* /proc/sys/kernel/seccomp/actions_avail; NULL: no seccomp */
};
void oci_write_features(const struct oci_features *features, struct buf *ret);

/* The example document of `spec`: a shell in the rootfs beside it, which runs at once. */
void oci_write_example(bool rootless, uid_t uid, gid_t gid, struct buf *ret);

/* One line of `events`: {"type":"stats","id":...,"data":{...}} in runc's form. */
void oci_write_stats(const char *id, const struct sample *sample, struct buf *ret);
void oci_write_oom(const char *id, struct buf *ret);

/*
 * The text of a member of an object, with the blanks that may follow it; text is a whole JSON document. NULL: it has no
 * such member, or one whose name is written with escapes. Pure.
 */
const char *oci_member_find(const char *text, const char *key, size_t *ret_len);

/*
 * For a program of one thread: between the two the JSON library takes its memory from a pool that goes as a whole. Every
 * value that is made in between has to be done with by then.
 */
void oci_pool_begin(void);
void oci_pool_end(void);
