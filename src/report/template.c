/*
 * Templates in the manner of Go's text/template, as far as users of --format know it:
 *
 *   {{.Field}} {{.Nested.Field}} {{index .Labels "a"}} {{json .}} {{.Names | upper}} {{(index .List 0).Field}}
 *   {{if X}}...{{else if Y}}...{{else}}...{{end}}   {{range .List}}...{{else}}...{{end}}   {{with .X}}...{{end}}
 *   {{range $key, $value := .Map}} {{$name := .X}} {{/ * a comment * /}} {{- trims -}}
 *
 * A template becomes a flat list of nodes, of which those that open or divide a block know where it goes on.
 * They are walked with a stack of the blocks that are open: however deep a template is nested, no function
 * calls itself.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "report/template.h"

enum node_kind {
    NODE_TEXT,
    NODE_PRINT,
    NODE_ASSIGN,
    NODE_IF,
    NODE_RANGE,
    NODE_WITH,
    NODE_ELSE, /* with an expression: else if */
    NODE_END,
};

struct node {
    enum node_kind kind;
    size_t at, len; /* of the text or the expression, in the template's own */
    char key[TEMPLATE_NAME], variable[TEMPLATE_NAME]; /* of range and :=, "" for none */
    size_t next; /* of what opens or divides a block: its next part; of END: itself */
    size_t end;  /* its END */
};

struct template
{
    char *text;
    struct node *nodes;
    size_t n_nodes;
};

void template_free(struct template *template)
{
    if (!template)
        return;
    free(template->text);
    free(template->nodes);
    free(template);
}

void template_freep(struct template **template)
{
    template_free(*template);
}

/* ---- reading: actions ---------------------------------------------------------------------------- */

struct reader {
    struct template *template;
    size_t open[TEMPLATE_DEPTH]; /* what opened the blocks that are open */
    size_t last[TEMPLATE_DEPTH]; /* their last part so far */
    size_t depth;
};

static struct node *node_add(struct template *template, enum node_kind kind, size_t at, size_t len)
{
    struct node *grown =
        reallocarray(template->nodes, template->n_nodes + 1, sizeof(*template->nodes));

    if (!grown)
        return NULL;
    template->nodes = grown;
    grown[template->n_nodes] = (struct node){ .kind = kind, .at = at, .len = len };
    return &grown[template->n_nodes++];
}

/* "$name" at text; its length with the dollar, 0 for none. */
static size_t variable_length(const char *text, size_t len)
{
    size_t n = 1;

    if (len == 0 || text[0] != '$')
        return 0;
    while (n < len && (isalnum((unsigned char)text[n]) || text[n] == '_'))
        n++;
    return n > 1 && n < TEMPLATE_NAME ? n : 0;
}

static size_t blanks(const char *text, size_t len)
{
    size_t n = 0;

    while (n < len && isspace((unsigned char)text[n]))
        n++;
    return n;
}

/* "$a :=" or "$a, $b :=" before the expression is taken from it. */
static void take_variables(const char *text, struct node *node)
{
    const char *at = text + node->at;
    size_t len = node->len, first, second = 0, used;

    first = variable_length(at, len);
    if (first == 0)
        return;
    used = first + blanks(at + first, len - first);
    const char *other = NULL;
    if (used < len && at[used] == ',') {
        used++;
        used += blanks(at + used, len - used);
        other = at + used;
        second = variable_length(other, len - used);
        if (second == 0)
            return;
        used += second;
        used += blanks(at + used, len - used);
    }
    if (used + 2 > len || at[used] != ':' || at[used + 1] != '=')
        return;
    memcpy(other ? node->key : node->variable, at, first);
    if (other)
        memcpy(node->variable, other, second);
    node->at += used + 2;
    node->len -= used + 2;
}

static int block_open(struct reader *reader, struct err *err)
{
    size_t index = reader->template->n_nodes - 1;

    if (reader->depth == TEMPLATE_DEPTH)
        return err_usage(err, "--format: the template has more than %d blocks in each other",
                         TEMPLATE_DEPTH);
    reader->open[reader->depth] = reader->last[reader->depth] = index;
    reader->depth++;
    return 0;
}

static int block_divide(struct reader *reader, struct err *err)
{
    struct template *template = reader->template;
    size_t index = template->n_nodes - 1;

    if (reader->depth == 0)
        return err_usage(err, "--format: {{else}} without {{if}}, {{range}} or {{with}}");
    struct node *before = &template->nodes[reader->last[reader->depth - 1]];
    if (before->kind == NODE_ELSE && before->len == 0)
        return err_usage(err, "--format: {{else}} after {{else}}");
    before->next = index;
    reader->last[reader->depth - 1] = index;
    return 0;
}

static int block_close(struct reader *reader, struct err *err)
{
    struct node *nodes = reader->template->nodes;
    size_t index = reader->template->n_nodes - 1;

    if (reader->depth == 0)
        return err_usage(err, "--format: {{end}} without {{if}}, {{range}} or {{with}}");
    reader->depth--;
    nodes[reader->last[reader->depth]].next = index;
    nodes[index].next = nodes[index].end = index;
    for (size_t i = reader->open[reader->depth]; i != index; i = nodes[i].next)
        nodes[i].end = index;
    return 0;
}

static const struct {
    const char *word;
    enum node_kind kind;
    bool expression;
    int (*block)(struct reader *reader, struct err *err);
} word_table[] = {
    { "if", NODE_IF, true, block_open },        { "range", NODE_RANGE, true, block_open },
    { "with", NODE_WITH, true, block_open },    { "else if", NODE_ELSE, true, block_divide },
    { "else", NODE_ELSE, false, block_divide }, { "end", NODE_END, false, block_close },
};

/* What is between the braces, without what trims. */
static int read_action(struct reader *reader, size_t at, size_t len, struct err *err)
{
    const char *text = reader->template->text;
    struct node *node;

    for (size_t i = 0; i < ARRAY_SIZE(word_table); i++) {
        size_t word = strlen(word_table[i].word);
        if (len < word || memcmp(text + at, word_table[i].word, word) != 0 ||
            (len > word && (isalnum((unsigned char)text[at + word]) || text[at + word] == '_')))
            continue;
        size_t skip = word + blanks(text + at + word, len - word);
        if (word_table[i].expression != (skip < len))
            return err_usage(err, "--format: {{%.*s}} %s", (int)(len < 60 ? len : 60), text + at,
                             skip < len ? "has a word too many" : "lacks what it is about");
        node = node_add(reader->template, word_table[i].kind, at + skip, len - skip);
        if (!node)
            return err_nomem(err);
        if (node->kind == NODE_RANGE || node->kind == NODE_WITH)
            take_variables(text, node);
        return word_table[i].block(reader, err);
    }
    node = node_add(reader->template, NODE_PRINT, at, len);
    if (!node)
        return err_nomem(err);
    take_variables(text, node);
    if (node->variable[0])
        node->kind = NODE_ASSIGN;
    return 0;
}

/* ---- reading: text and braces ------------------------------------------------------------------------ */

/* Where the braces close that open before at; SIZE_MAX: they do not. Strings may hold anything. */
static size_t action_end(const char *text, size_t at)
{
    char quote = 0;

    for (; text[at]; at++) {
        if (quote) {
            if (text[at] == '\\' && quote == '"' && text[at + 1])
                at++;
            else if (text[at] == quote)
                quote = 0;
        } else if (text[at] == '"' || text[at] == '`') {
            quote = text[at];
        } else if (text[at] == '}' && text[at + 1] == '}') {
            return at;
        }
    }
    return SIZE_MAX;
}

static size_t comment_end(const char *text, size_t at)
{
    const char *end = strstr(text + at, "*/");

    return end ? action_end(text, (size_t)(end - text) + 2) : SIZE_MAX;
}

struct action {
    size_t at, len, after;
    bool trims_before, trims_after, comment;
};

/* at: behind the opening braces. */
static int find_action(const char *text, size_t at, struct action *ret, struct err *err)
{
    ret->trims_before = text[at] == '-' && isspace((unsigned char)text[at + 1]);
    size_t begin = at + ret->trims_before;
    begin += blanks(text + begin, strlen(text + begin));
    ret->comment = text_starts(text + begin, "/*");
    size_t end = ret->comment ? comment_end(text, begin) : action_end(text, begin);
    if (end == SIZE_MAX)
        return err_usage(err, "--format: \"{{%.40s\" has no closing }}", text + at);
    ret->after = end + 2;
    ret->trims_after =
        end > begin + 1 && text[end - 1] == '-' && isspace((unsigned char)text[end - 2]);
    end -= ret->trims_after;
    while (end > begin && isspace((unsigned char)text[end - 1]))
        end--;
    ret->at = begin;
    ret->len = end - begin;
    if (ret->len == 0)
        return err_usage(err, "--format: there is nothing between {{ and }}");
    return 0;
}

static int read_text(struct reader *reader, size_t at, size_t len, bool trims_begin, bool trims_end,
                     struct err *err)
{
    const char *text = reader->template->text;
    size_t skip = trims_begin ? blanks(text + at, len) : 0;

    at += skip;
    len -= skip;
    while (trims_end && len > 0 && isspace((unsigned char)text[at + len - 1]))
        len--;
    return len == 0 || node_add(reader->template, NODE_TEXT, at, len) ? 0 : err_nomem(err);
}

static int read_nodes(struct reader *reader, struct err *err)
{
    const char *text = reader->template->text;
    struct action action = { 0 };
    size_t at = 0;
    int r = 0;

    for (;;) {
        bool trims = action.trims_after;
        const char *open = strstr(text + at, "{{");
        size_t len = open ? (size_t)(open - text) - at : strlen(text + at);
        action = (struct action){ 0 };
        if (open)
            r = find_action(text, at + len + 2, &action, err);
        if (r == 0)
            r = read_text(reader, at, len, trims, action.trims_before, err);
        if (r < 0 || !open)
            break;
        if (!action.comment)
            r = read_action(reader, action.at, action.len, err);
        if (r < 0)
            break;
        at = action.after;
    }
    if (r == 0 && reader->depth > 0)
        return err_usage(err, "--format: an {{end}} is missing");
    return r;
}

int template_parse(const char *text, struct template **ret, struct err *err)
{
    _cleanup_(template_freep) struct template *template = calloc(1, sizeof(*template));
    struct reader reader = { .template = template };

    if (!template || text_replace(&template->text, text) < 0)
        return err_nomem(err);
    int r = read_nodes(&reader, err);
    if (r == 0)
        *ret = TAKE_PTR(template);
    return r;
}

/* ---- walking ------------------------------------------------------------------------------------------ */

struct frame {
    const struct node *node; /* that opened it */
    json_t *dot;             /* before it; not owned */
    json_t *value;           /* range and with: what it is about; owned */
    void *key;               /* range over an object: where it is */
    size_t index;
    size_t n_variables; /* before it */
    bool ranging;
};

struct walk {
    const struct template *template;
    struct template_scope scope;
    struct frame frames[TEMPLATE_DEPTH];
    size_t depth;
    size_t at; /* the next node */
    struct buf *ret;
};

static void drop_variables(struct template_scope *scope, size_t n)
{
    while (scope->n_variables > n)
        json_decref(scope->variables[--scope->n_variables].value);
}

/* Takes value. */
static int set_variable(struct walk *walk, const char *name, json_t *value, struct err *err)
{
    struct template_scope *scope = &walk->scope;

    if (!name[0] || !value) {
        json_decref(value);
        return 0;
    }
    if (scope->n_variables == ARRAY_SIZE(scope->variables)) {
        json_decref(value);
        return err_usage(err, "--format: the template has too many variables");
    }
    struct template_variable *variable = &scope->variables[scope->n_variables++];
    memcpy(variable->name, name, sizeof(variable->name));
    variable->value = value;
    return 0;
}

static int walk_eval(struct walk *walk, const struct node *node, bool condition, json_t **ret,
                     struct err *err)
{
    walk->scope.condition = condition;
    return template_eval(&walk->scope, walk->template->text + node->at, node->len, ret, err);
}

/* The element that the frame is at becomes the dot, and the variables'. */
static int range_element(struct walk *walk, struct frame *frame, struct err *err)
{
    const struct node *node = frame->node;
    json_t *key, *value;

    drop_variables(&walk->scope, frame->n_variables);
    if (json_is_array(frame->value)) {
        value = json_array_get(frame->value, frame->index);
        key = json_integer((json_int_t)frame->index);
    } else {
        value = json_object_iter_value(frame->key);
        key = json_string(json_object_iter_key(frame->key));
    }
    walk->scope.dot = value;
    int r = set_variable(walk, node->key, key, err);
    if (r == 0)
        r = set_variable(walk, node->variable, json_incref(value), err);
    return r;
}

static bool range_next(struct frame *frame)
{
    if (json_is_array(frame->value))
        return ++frame->index < json_array_size(frame->value);
    frame->key = json_object_iter_next(frame->value, frame->key);
    return frame->key != NULL;
}

/* Is the part of a block that this node begins to be walked? Its value is kept by the frame. */
static int part_taken(struct walk *walk, const struct node *node, struct frame *frame,
                      struct err *err)
{
    json_t *value;
    int r = walk_eval(walk, node, node->kind != NODE_RANGE, &value, err);

    if (r < 0)
        return r;
    bool taken = template_truth(value);
    if (node->kind == NODE_RANGE && taken && !json_is_array(value) && !json_is_object(value))
        r = err_usage(err, "--format: {{range}} is over a list or a map, not over \"%.*s\"",
                      (int)(node->len < 60 ? node->len : 60), walk->template->text + node->at);
    if (r < 0 || !taken || node->kind == NODE_IF || node->kind == NODE_ELSE) {
        json_decref(value);
        return r < 0 ? r : taken;
    }
    frame->value = value;
    if (node->kind == NODE_WITH) {
        walk->scope.dot = value;
        r = set_variable(walk, node->variable, json_incref(value), err);
    } else {
        frame->ranging = true;
        frame->key = json_is_object(value) ? json_object_iter(value) : NULL;
        r = range_element(walk, frame, err);
    }
    return r < 0 ? r : 1;
}

/* From what opens a block to the first part of it that is to be walked, or its end. */
static int block_enter(struct walk *walk, size_t index, struct err *err)
{
    const struct node *nodes = walk->template->nodes;
    struct frame *frame = &walk->frames[walk->depth++];

    *frame = (struct frame){ .node = &nodes[index],
                             .dot = walk->scope.dot,
                             .n_variables = walk->scope.n_variables };
    for (;;) {
        const struct node *node = &nodes[index];
        if (node->kind == NODE_END) {
            walk->at = index;
            return 0;
        }
        int r = node->kind == NODE_ELSE && node->len == 0 ? 1 : part_taken(walk, node, frame, err);
        if (r != 0) {
            walk->at = index + 1;
            return r < 0 ? r : 0;
        }
        index = node->next;
    }
}

static int block_end(struct walk *walk, struct err *err)
{
    struct frame *frame = &walk->frames[walk->depth - 1];

    if (frame->ranging && range_next(frame)) {
        walk->at = (size_t)(frame->node - walk->template->nodes) + 1;
        return range_element(walk, frame, err);
    }
    drop_variables(&walk->scope, frame->n_variables);
    walk->scope.dot = frame->dot;
    json_decref(frame->value);
    walk->depth--;
    walk->at++;
    return 0;
}

static int walk_value(struct walk *walk, const struct node *node, struct err *err)
{
    json_t *value;
    int r = walk_eval(walk, node, false, &value, err);

    if (r < 0)
        return r;
    walk->at++;
    if (node->kind == NODE_ASSIGN)
        return set_variable(walk, node->variable, value, err);
    template_print_value(value, walk->ret);
    json_decref(value);
    return 0;
}

static int walk_node(struct walk *walk, struct err *err)
{
    const struct node *node = &walk->template->nodes[walk->at];

    switch (node->kind) {
    case NODE_TEXT:
        buf_add(walk->ret, walk->template->text + node->at, node->len);
        walk->at++;
        return 0;
    case NODE_PRINT:
    case NODE_ASSIGN:
        return walk_value(walk, node, err);
    case NODE_IF:
    case NODE_RANGE:
    case NODE_WITH:
        return block_enter(walk, walk->at, err);
    case NODE_ELSE: /* the part before it has been walked */
        walk->at = node->end;
        return 0;
    case NODE_END:
        return block_end(walk, err);
    }
    return 0;
}

int template_print(const struct template *template, json_t *value, struct buf *ret, struct err *err)
{
    struct walk walk = { .template = template,
                         .scope = { .root = value, .dot = value },
                         .ret = ret };
    int r = 0;

    while (r == 0 && walk.at < template->n_nodes)
        r = walk_node(&walk, err);
    drop_variables(&walk.scope, 0);
    while (walk.depth > 0)
        json_decref(walk.frames[--walk.depth].value);
    return r < 0 ? r : print_end(ret, err);
}
