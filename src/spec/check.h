/*
 * What refuses bad option values, and what reads good ones. The readers are used twice: when an
 * option is set, for an early and exact refusal, and at sealing. Private to spec.
 */
#pragma once

#include "spec/option.h"

/* A value as it may stand in a sentence: in quotes, without control characters, not too long. */
struct quoted {
    char text[72];
};
struct quoted quote(const char *value);

/* readers: 0, -ENOMEM, or -errno with a sentence that begins with --name */
int parse_volume(const char *name, const char *value, struct spec_mount *ret, struct err *err);
int parse_mount(const char *name, const char *value, struct spec_mount *ret, struct err *err);
int parse_tmpfs(const char *name, const char *value, struct spec_mount *ret, struct err *err);
/* The mount of a volume that an image declares. */
int volume_of_image(const char *target, struct spec_mount *ret, struct err *err);
int parse_device(const char *name, const struct spec_world *world, const char *value,
                 struct spec_device *ret, char ret_access[static 4], struct err *err);
int parse_id_map(const char *name, const char *value, struct spec_id_map *ret, struct err *err);
int parse_time_offset(const char *name, const char *value, int64_t *ret_monotonic_s,
                      int64_t *ret_boottime_s, struct err *err);
int parse_publish(const char *name, const char *value, struct spec_publish *ret, struct err *err);
int parse_expose(const char *name, const char *value, struct spec_publish *ret, struct err *err);
int parse_octal(const char *value, unsigned max, unsigned *ret);
/* A user or group number: decimal, below 2^32-1 (which stands for "no change" in system calls). */
int parse_id(const char *text, size_t len, uint32_t *ret);

void spec_mount_done(struct spec_mount *mount);
void spec_device_done(struct spec_device *device);

/* An absolute path inside, cleaned, that something may be mounted at; what: "--volume: the target". */
int parse_target(const char *what, const char *text, char **ret, struct err *err);
/* "size=SIZE" of --storage-opt. */
int parse_storage_size(const char *text, uint64_t *ret_bytes);

/* A file of assignments, one a line (--env-file, --label-file): store is called for each. */
struct assignment_file {
    const char *name, *path; /* of the option */
    int (*store)(struct draft *draft, const struct spec_world *world, const char *text,
                 struct err *err);
};
int option_read_lines(struct draft *draft, const struct spec_world *world,
                      const struct assignment_file *file, struct err *err);

/* the checks that options.def names */
#define CHECK(what)                                                                       \
    int check_##what(const char *name, const struct spec_world *world, const char *value, \
                     struct err *err)
CHECK(name);
CHECK(path);
CHECK(filled);
CHECK(any);
CHECK(user);
CHECK(group);
CHECK(umask);
CHECK(signal);
CHECK(duration);
CHECK(retries);
CHECK(oom_score_adj);
CHECK(volume);
CHECK(mount);
CHECK(tmpfs);
CHECK(shm_size);
CHECK(device);
CHECK(id_map);
CHECK(time_offset);
CHECK(hostname);
CHECK(network);
CHECK(publish);
CHECK(expose);
CHECK(dns);
CHECK(dns_word);
CHECK(add_host);
CHECK(ip);
CHECK(mac);
CHECK(capability);
CHECK(security_opt);
CHECK(cgroup_parent);
CHECK(restart);
CHECK(log_opt);
CHECK(platform);
CHECK(storage_opt);

/* the setters that options.def names */
int option_set_env(struct draft *draft, const struct spec_world *world, const char *value,
                   struct err *err);
int option_set_env_file(struct draft *draft, const struct spec_world *world, const char *value,
                        struct err *err);
int option_set_label(struct draft *draft, const struct spec_world *world, const char *value,
                     struct err *err);
int option_set_label_file(struct draft *draft, const struct spec_world *world, const char *value,
                          struct err *err);
int option_set_ulimit(struct draft *draft, const struct spec_world *world, const char *value,
                      struct err *err);
