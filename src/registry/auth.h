/* Passwords: where they are kept, and how docker's configuration file and its helpers tell them. */
#pragma once

#include "base/base.h"

/* What a registry is given of us. Members are owned; all NULL: nothing is known, we are nobody. */
struct credentials {
    char *user, *password;
    char *identity_token; /* for the token server, instead of a password */
    char *registry_token; /* for the registry itself, as it is */
    char *where;          /* the file or helper that it comes from, for messages */
};
void credentials_done(struct credentials *c);
static inline bool credentials_are(const struct credentials *c)
{
    return c->user || c->identity_token || c->registry_token;
}

/* What a configuration file says of a registry. */
struct auth_entry {
    struct credentials found;
    char *helper; /* docker-credential-HELPER is to be asked, as helper_key; owned */
    char *helper_key;
};
void auth_entry_done(struct auth_entry *entry);

/*
 * Look for the password of host's repository in the text of a configuration file (config.json of docker, auth.json of the
 * containers tools, which may have "HOST/PATH" as a key). Keys may be written as addresses ("https://HOST/v1/").
 * Pure. 0 with nothing filled when it says nothing of it; -EINVAL when it is no such file, without
 * a word of its content in err.
 */
int auth_entry_parse(const char *text, size_t len, const char *host, const char *repository,
                     struct auth_entry *ret, struct err *err);

/* The key of docker.io in those files is not its name. Pure. */
const char *auth_key(const char *host);
/* Is name one that a helper can have: letters, digits, '-', '_' and '.'? Pure. */
bool auth_helper_is(const char *name);
/* "USER:PASSWORD" in base64; NULL: no memory. Pure. */
char *auth_basic_format(const char *user, const char *password);
/* The answer of docker-credential-X get: {"ServerURL", "Username", "Secret"}. Pure. -EINVAL. */
int auth_helper_parse(const char *text, size_t len, struct credentials *ret, struct err *err);

/*
 * What is known for host and repository: file when that is not NULL (one that is missing is an error), else the first of
 * $REGISTRY_AUTH_FILE, $DOCKER_CONFIG/config.json or ~/.docker/config.json, $XDG_RUNTIME_DIR/containers/auth.json (root:
 * /run/containers/0/auth.json), ~/.config/containers/auth.json that knows something. Runs helpers.
 */
int credentials_find(const char *file, const char *host, const char *repository,
                     struct credentials *ret, struct err *err);

/* The file that login and logout write; the caller frees *ret. */
int auth_file_path(const char *asked, char **ret, struct err *err);

/*
 * Run docker-credential-NAME VERB with input on its stdin; at most 64 KiB of what it says in *ret, and 60 seconds.
 * Positive: it says that it has none.
 */
int auth_helper_run(const char *name, const char *verb, const char *input, struct buf *ret,
                    struct err *err);

/*
 * Put user and password of host into the file at path, or have the helper keep them that it names for it; and take
 * them out again (0: there were none, 1). Everything else in it stays. ret_where may be NULL; the caller's to free.
 */
int auth_write(const char *path, const char *host, const char *user, const char *password,
               char **ret_where, struct err *err);
int auth_erase(const char *path, const char *host, char **ret_where, struct err *err);
