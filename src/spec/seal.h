/* The parts of sealing. Each fills its fields of the spec from the draft. Private to spec. */
#pragma once

#include "spec/check.h"
#include "spec/option.h"

struct seal {
    const struct draft *draft;
    const struct spec_world *world;
    struct spec *spec;
    struct err *err;
    char *home;                /* of --user, from the host's passwd; owned, or NULL */
    bool device_rules;         /* the usual device rules must be in force */
    struct texts device_allow; /* rules that --device asks for beside them */
};

/* The text of an option and the readers of what it means. */
static inline const char *seal_text(const struct seal *seal, enum option_id id)
{
    return draft_text(seal->draft, id);
}
bool seal_text_is(const struct seal *seal, enum option_id id, const char *word);
/* Is this among the texts of --security-opt? */
bool seal_security_is(const struct seal *seal, const char *word);

/* 0 or -ENOMEM with the error set; NULL clears. */
int seal_string(const struct seal *seal, char **field, const char *text);

int seal_namespaces(struct seal *seal);
int seal_network(struct seal *seal);
int seal_names(struct seal *seal);
int seal_id_maps(struct seal *seal);
int seal_identity(struct seal *seal);
int seal_capabilities(struct seal *seal);
int seal_environment(struct seal *seal);
/* Options' variables on top of what *env has, files first; TERM where nobody has said it. 0 or -ENOMEM. */
int env_override(const struct draft *draft, bool term, char ***env);
int seal_mounts(struct seal *seal);
int seal_devices(struct seal *seal);
int seal_masks(struct seal *seal);
int seal_limits(struct seal *seal);

/* users (user.c) */
bool user_is_numeric(const char *user);
int group_resolve(const char *group, const char *word, gid_t *ret_gid);
int gids_push(gid_t **gids, size_t *n, gid_t gid);
