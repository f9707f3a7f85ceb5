/* --user and --group-add: strict numbers, or names against the texts of passwd(5) and group(5). */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "spec/check.h"
#include "spec/seal.h"

/* A number, or a name that no passwd file could mistake for one. Never a sign, a space, a hex. */
static bool user_word_valid(const char *text, size_t len)
{
    uint32_t id;

    if (len == 0 || len > 256)
        return false;
    if (text[0] >= '0' && text[0] <= '9')
        return parse_id(text, len, &id) == 0;
    if (text[0] == '-' || text[0] == '+')
        return false;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] <= 0x20 || text[i] == 0x7f || strchr(":,/", text[i]))
            return false;
    }
    return true;
}

CHECK(user)
{
    size_t n = strcspn(value, ":");

    (void)world;
    if (!user_word_valid(value, n) ||
        (value[n] && !user_word_valid(value + n + 1, strlen(value + n + 1))))
        return err_usage(err, "--%s takes USER[:GROUP], names or numbers up to 4294967294, not %s",
                         name, quote(value).text);
    return 0;
}

CHECK(group)
{
    (void)world;
    if (!user_word_valid(value, strlen(value)))
        return err_usage(err, "--%s takes a group, a name or a number up to 4294967294, not %s",
                         name, quote(value).text);
    return 0;
}

bool user_is_numeric(const char *user)
{
    return user[strspn(user, "0123456789:")] == '\0';
}

/* ---- passwd and group ---------------------------------------------------------------------------- */

#define FIELDS_MAX 7

struct field {
    const char *text;
    size_t len;
};

/* The colon-separated fields of a line; returns how many there are, at most FIELDS_MAX. */
static size_t line_fields(const char *line, size_t len, struct field ret[static FIELDS_MAX])
{
    size_t n = 0;

    while (n < FIELDS_MAX) {
        const char *colon = memchr(line, ':', len);
        size_t field = colon ? (size_t)(colon - line) : len;
        ret[n++] = (struct field){ line, field };
        if (!colon)
            break;
        line += field + 1;
        len -= field + 1;
    }
    return n;
}

static bool field_is(const struct field *field, const char *text, size_t len)
{
    return field->len == len && memcmp(field->text, text, len) == 0;
}

struct user_entry {
    bool found;
    struct field name, home;
    uint32_t uid, gid;
};

/* The first line of passwd with this name or, for a number, this user id. */
static struct user_entry passwd_find(const char *passwd, const char *word, size_t len)
{
    struct field field[FIELDS_MAX];
    const char *line;
    uint32_t id = 0;
    size_t n;
    bool number = parse_id(word, len, &id) == 0;

    while (passwd && line_next(&passwd, &line, &n)) {
        struct user_entry entry = { .found = true };
        if (line_fields(line, n, field) < 6 ||
            parse_id(field[2].text, field[2].len, &entry.uid) < 0 ||
            parse_id(field[3].text, field[3].len, &entry.gid) < 0)
            continue;
        if (number ? entry.uid != id : !field_is(&field[0], word, len))
            continue;
        entry.name = field[0];
        entry.home = field[5];
        return entry;
    }
    return (struct user_entry){ 0 };
}

int group_resolve(const char *group, const char *word, gid_t *ret_gid)
{
    struct field field[FIELDS_MAX];
    size_t len = strlen(word), n;
    const char *line;

    if (parse_id(word, len, ret_gid) == 0)
        return 0;
    while (group && line_next(&group, &line, &n)) {
        if (line_fields(line, n, field) >= 3 && field_is(&field[0], word, len) &&
            parse_id(field[2].text, field[2].len, ret_gid) == 0)
            return 0;
    }
    return -ENOENT;
}

/* Is the name among the comma-separated members? */
static bool members_have(const struct field *members, const struct field *name)
{
    const char *text = members->text, *end = members->text + members->len;

    while (text < end) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        size_t len = (size_t)((comma ? comma : end) - text);
        if (field_is(name, text, len))
            return true;
        text += len + 1;
    }
    return false;
}

/* Room grows by doubling: n is a power of two when it is used up. The first is the user's own group,
 * which often lists its user; other repetitions harm nobody. */
int gids_push(gid_t **gids, size_t *n, gid_t gid)
{
    if (*n > 0 && (*gids)[0] == gid)
        return 0;
    if (*n >= NGROUPS_MAX)
        return -E2BIG;
    if ((*n & (*n - 1)) == 0) {
        gid_t *grown = reallocarray(*gids, *n ? *n * 2 : 1, sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        *gids = grown;
    }
    (*gids)[(*n)++] = gid;
    return 0;
}

/* As gids_push() has it, where the room is given. */
static int account_push(struct spec_account *account, gid_t gid)
{
    if (account->n_groups > 0 && account->groups[0] == gid)
        return 0;
    if (account->n_groups >= account->room)
        return -E2BIG;
    account->groups[account->n_groups++] = gid;
    return 0;
}

/* The groups that list the user as a member, and its own. */
static int account_groups(struct spec_account *account, const char *group,
                          const struct user_entry *entry)
{
    struct field field[FIELDS_MAX];
    const char *line;
    size_t n;
    gid_t gid;

    int r = account_push(account, entry->gid);
    while (r == 0 && group && line_next(&group, &line, &n)) {
        if (line_fields(line, n, field) >= 4 && members_have(&field[3], &entry->name) &&
            parse_id(field[2].text, field[2].len, &gid) == 0)
            r = account_push(account, gid);
    }
    return r;
}

static int groups_error(int r, struct err *err)
{
    return r == -ENOMEM ? err_nomem(err) : err_usage(err, "--user is in more groups than allowed");
}

int spec_find_account(const char *user, const char *passwd, const char *group,
                      struct spec_account *account, struct err *err)
{
    size_t n = strcspn(user, ":");
    const char *group_word = user[n] ? user + n + 1 : NULL;
    struct user_entry entry = passwd_find(passwd, user, n);
    int r = check_user("user", NULL, user, err);

    account->uid = entry.uid;
    account->gid = entry.gid;
    account->n_groups = 0;
    account->home = entry.found ? entry.home.text : NULL;
    account->home_length = entry.home.len;
    if (r < 0)
        return r;
    if (!entry.found && parse_id(user, n, &account->uid) < 0)
        return err_usage(err, "--user: there is no user %s", quote(user).text);
    if (group_word && group_resolve(group, group_word, &account->gid) < 0)
        return err_usage(err, "--user: there is no group %s", quote(group_word).text);
    if (group_word)
        r = account_push(account, account->gid);
    else if (entry.found)
        r = account_groups(account, group, &entry);
    return r < 0 ? groups_error(r, err) : 0;
}

int spec_resolve_user(const char *user, const char *passwd, const char *group, uid_t *ret_uid,
                      gid_t *ret_gid, gid_t **ret_groups, size_t *ret_n_groups, char **ret_home,
                      struct err *err)
{
    _cleanup_free_ gid_t *room = malloc(NGROUPS_MAX * sizeof(*room)), *groups = NULL;
    struct spec_account account = { .groups = room, .room = NGROUPS_MAX };
    size_t n_groups = 0;

    if (!room)
        return err_nomem(err);
    int r = spec_find_account(user, passwd, group, &account, err);
    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < account.n_groups; i++)
        r = gids_push(&groups, &n_groups, account.groups[i]);
    if (r < 0)
        return groups_error(r, err);
    if (ret_home) {
        *ret_home = account.home ? strndup(account.home, account.home_length) : NULL;
        if (account.home && !*ret_home)
            return err_nomem(err);
    }
    *ret_uid = account.uid;
    *ret_gid = account.gid;
    *ret_groups = TAKE_PTR(groups);
    *ret_n_groups = n_groups;
    return 0;
}
