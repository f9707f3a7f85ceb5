/* The draft: what was asked for, as text, each value refused or taken as it comes. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "spec/check.h"
#include "spec/option.h"

/* ---- vectors of text ----------------------------------------------------------------------------- */

void texts_done(struct texts *texts)
{
    strv_free(texts->v);
    *texts = (struct texts){ 0 };
}

int texts_push(struct texts *texts, const char *text)
{
    if (texts->n + 1 >= texts->cap) {
        size_t cap = texts->cap ? texts->cap * 2 : 4;
        char **grown = reallocarray(texts->v, cap, sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        texts->v = grown;
        texts->cap = cap;
    }
    texts->v[texts->n] = strdup(text);
    if (!texts->v[texts->n])
        return -ENOMEM;
    texts->v[++texts->n] = NULL;
    return 0;
}

void texts_remove(struct texts *texts, size_t index)
{
    free(texts->v[index]);
    memmove(&texts->v[index], &texts->v[index + 1], (texts->n - index) * sizeof(*texts->v));
    texts->n--;
}

int texts_copy(const struct texts *from, struct texts *ret)
{
    struct texts copy = { 0 };

    for (size_t i = 0; i < from->n; i++) {
        if (texts_push(&copy, from->v[i]) < 0) {
            texts_done(&copy);
            return -ENOMEM;
        }
    }
    *ret = copy;
    return 0;
}

/* ---- the draft itself ------------------------------------------------------------------------------ */

struct draft *draft_new(void)
{
    return calloc(1, sizeof(struct draft));
}

void draft_free(struct draft *draft)
{
    if (!draft)
        return;
    for (size_t i = 0; i < OPTION_ID_COUNT; i++)
        texts_done(&draft->value[i]);
    limit_set_done(&draft->limits);
    texts_done(&draft->limit_texts);
    strv_free(draft->argv);
    spec_image_free(draft->image);
    spec_overlay_free(draft->overlay);
    free(draft);
}

void draft_freep(struct draft **draft)
{
    draft_free(*draft);
}

int draft_copy(const struct draft *from, struct draft **ret)
{
    _cleanup_(draft_freep) struct draft *copy = draft_new();
    int r;

    if (!copy)
        return -ENOMEM;
    for (size_t i = 0; i < OPTION_ID_COUNT; i++) {
        r = texts_copy(&from->value[i], &copy->value[i]);
        if (r < 0)
            return r;
    }
    r = limit_set_copy(&from->limits, &copy->limits);
    if (r < 0)
        return r;
    r = texts_copy(&from->limit_texts, &copy->limit_texts);
    if (r < 0)
        return r;
    if (from->argv) {
        r = strv_copy(from->argv, &copy->argv);
        if (r < 0)
            return r;
    }
    if (from->image && spec_image_copy(from->image, &copy->image) < 0)
        return -ENOMEM;
    if (from->overlay && spec_overlay_copy(from->overlay, &copy->overlay) < 0)
        return -ENOMEM;
    copy->measure = from->measure;
    *ret = TAKE_PTR(copy);
    return 0;
}

const char *draft_text(const struct draft *draft, enum option_id id)
{
    const struct texts *texts = &draft->value[id];

    return texts->n ? texts->v[texts->n - 1] : NULL;
}

bool draft_flag(const struct draft *draft, enum option_id id, bool unset)
{
    const char *text = draft_text(draft, id);

    return text ? strcmp(text, "true") == 0 : unset;
}

int draft_store(struct draft *draft, enum option_id id, const char *text, struct err *err)
{
    struct texts *texts = &draft->value[id];
    int r;

    if (texts->n && option_table[id].kind != OPTION_MANY)
        r = text_replace(&texts->v[texts->n - 1], text);
    else
        r = texts_push(texts, text);
    return r < 0 ? err_nomem(err) : 0;
}

void spec_set_measure(struct draft *draft, enum spec_measure measure)
{
    draft->measure = measure;
}

int spec_set_command(struct draft *draft, const char *const *argv, struct err *err)
{
    char **copy;

    if (!argv || !argv[0])
        return err_usage(err, "a COMMAND is missing");
    if (argv[0][0] == '\0')
        return err_usage(err, "the COMMAND is an empty word");
    /* strv_copy() reads only; its parameter lacks the const that C cannot add by itself. */
    if (strv_copy((char *const *)argv, &copy) < 0)
        return err_nomem(err);
    strv_free(draft->argv);
    draft->argv = copy;
    return 0;
}

/* ---- setting ------------------------------------------------------------------------------------- */

/* "true", "false", "1", "0"; nothing is true. Fills the text that the draft keeps. */
static int flag_text(const char *name, const char *value, const char **ret, struct err *err)
{
    if (!value || strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0)
        *ret = "true";
    else if (strcasecmp(value, "false") == 0 || strcmp(value, "0") == 0)
        *ret = "false";
    else
        return err_usage(err, "--%s is a flag: true or false, not %s", name, quote(value).text);
    return 0;
}

/* A limit that was set to "unset" (docker's 0) is no longer asked for. */
static int limit_text_keep(struct draft *draft, enum limit_id limit, const char *text)
{
    struct texts *texts = &draft->limit_texts;
    _cleanup_free_ char *line = text_format("%s=%s", limit_info(limit)->name, text);
    bool asked = limit_is_set(&draft->limits, limit);

    if (!line)
        return -ENOMEM;
    size_t key = strlen(limit_info(limit)->name) + 1;
    for (size_t i = 0; i < texts->n; i++) {
        if (strncmp(texts->v[i], line, key) != 0)
            continue;
        if (!asked)
            texts_remove(texts, i--);
        else if (!limit_is_many(limit))
            return text_replace(&texts->v[i], line);
    }
    return asked ? texts_push(texts, line) : 0;
}

int draft_set_limit(struct draft *draft, const struct spec_world *world, enum limit_id limit,
                    const char *text, struct err *err)
{
    int r = limit_parse(limit, text, &world->limit_context, &draft->limits, err);

    if (r < 0)
        return r;
    return limit_text_keep(draft, limit, text) < 0 ? err_nomem(err) : 0;
}

static int set_limit(struct draft *draft, const struct spec_world *world, enum limit_id limit,
                     const char *value, struct err *err)
{
    const struct limit_info *info = limit_info(limit);

    if (info->kind == LIMIT_KIND_FLAG) {
        int r = flag_text(info->name, value, &value, err);
        if (r < 0)
            return r;
    } else if (!value) {
        return err_usage(err, "--%s needs a value (%s)", info->name, info->metavar);
    }
    return draft_set_limit(draft, world, limit, value, err);
}

static int set_row(struct draft *draft, const struct spec_world *world, enum option_id id,
                   const char *value, struct err *err)
{
    const struct option_row *row = &option_table[id];
    int r = 0;

    if (row->kind == OPTION_FLAG) {
        r = flag_text(row->name, value, &value, err);
        if (r < 0)
            return r;
        return draft_store(draft, id, value, err);
    }
    if (!value)
        return err_usage(err, "--%s needs a value (%s)", row->name, row->metavar);
    if (row->set)
        return row->set(draft, world, value, err);
    if (row->words && !words_have(row->words, value, strlen(value)))
        return err_usage(err, "--%s knows %s, not %s", row->name, row->metavar, quote(value).text);
    if (row->check)
        r = row->check(row->name, world, value, err);
    return r < 0 ? r : draft_store(draft, id, value, err);
}

static int unknown_option(const char *name, struct err *err)
{
    const char *names[OPTION_ID_COUNT + LIMIT_COUNT];
    struct option_info info;
    char option[128];

    for (size_t i = 0; i < ARRAY_SIZE(names) && option_at(i, &info); i++)
        names[i] = info.name;
    snprintf(option, sizeof(option), "--%s", name);
    const char *nearest = text_nearest(name, names, ARRAY_SIZE(names));
    if (nearest)
        return err_usage(err, "there is no option %s; did you mean --%s?", quote(option).text,
                         nearest);
    return err_usage(err, "there is no option %s", quote(option).text);
}

int spec_set(struct draft *draft, const struct spec_world *world, const char *name,
             const char *value, struct err *err)
{
    enum option_id row = option_row_find(name);

    if (row != OPTION_ID_COUNT)
        return set_row(draft, world, row, value, err);
    enum limit_id limit = limit_find(name);
    if (limit != LIMIT_NONE)
        return set_limit(draft, world, limit, value, err);
    return unknown_option(name, err);
}

const char *spec_get(const struct draft *draft, const char *name)
{
    enum option_id row = option_row_find(name);

    if (row != OPTION_ID_COUNT)
        return draft_text(draft, row);
    enum limit_id limit = limit_find(name);
    if (limit == LIMIT_NONE || !limit_is_set(&draft->limits, limit))
        return NULL;
    size_t key = strlen(limit_info(limit)->name);
    for (size_t i = draft->limit_texts.n; i > 0; i--) {
        const char *line = draft->limit_texts.v[i - 1];
        if (strncmp(line, limit_info(limit)->name, key) == 0 && line[key] == '=')
            return line + key + 1;
    }
    return NULL;
}
