// SPDX-License-Identifier: Apache-2.0
// tree.c - see tree.h. Built straight from libyaml's events, so that a hostile document
// is refused at its first excess and never loaded.
#include "common/conf/tree.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

_Static_assert(TREE_PATH_MAX >= TREE_DEPTH_MAX * (TREE_KEY_MAX + 8),
               "room for the longest path");

struct tree {
    char *name;
    int n_nodes;
    struct tree_node *root;
    struct tree_node *newest; // head of the list of all nodes
};

static char *copy_text(const char *text, size_t n)
{
    char *copy = malloc(n + 1);
    BUG_ON(!copy); // at most TREE_TEXT_MAX
    memcpy(copy, text, n);
    copy[n] = '\0';
    return copy;
}

// ---- text ----

// Reads one code point; 0 where the bytes are not UTF-8.
static uint32_t read_code_point(const unsigned char **at)
{
    static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *p = *at;
    int n_more = p[0] < 0x80             ? 0
                 : (p[0] & 0xe0) == 0xc0 ? 1
                 : (p[0] & 0xf0) == 0xe0 ? 2
                 : (p[0] & 0xf8) == 0xf0 ? 3
                                         : -1;
    if (n_more < 0) {
        return 0;
    }
    uint32_t code = n_more == 0 ? p[0] : p[0] & (0x3fu >> n_more);
    for (int i = 1; i <= n_more; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (p[i] & 0x3f);
    }
    *at += n_more + 1;
    return code >= smallest[n_more] ? code : 0;
}

static bool is_clean_code_point(uint32_t c)
{
    bool is_control = c < 0x20 || (c >= 0x7f && c < 0xa0);
    bool is_break = c == 0x2028 || c == 0x2029;
    bool is_direction = (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
    bool is_surrogate = c >= 0xd800 && c <= 0xdfff;
    bool is_special = c == 0xfeff || c == 0xfffe || c == 0xffff || c > 0x10ffff;
    return !(is_control || is_break || is_direction || is_surrogate || is_special);
}

bool tree_text_is_clean(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        if (!is_clean_code_point(read_code_point(&at))) {
            return false;
        }
    }
    return true;
}

// ---- errors ----

static void append_key(char out[static TREE_PATH_MAX], const char *key)
{
    size_t at = strlen(out);
    snprintf(out + at, TREE_PATH_MAX - at, "%s%s", at > 0 ? "." : "", key);
}

static void node_path(const struct tree_node *n, char out[static TREE_PATH_MAX])
{
    const struct tree_node *way[TREE_DEPTH_MAX + 1];
    int n_way = 0;
    for (; n && n->parent; n = n->parent) {
        BUG_ON(n_way > TREE_DEPTH_MAX);
        way[n_way++] = n;
    }
    out[0] = '\0';
    while (n_way-- > 0) {
        if (way[n_way]->key) {
            append_key(out, way[n_way]->key);
        } else {
            size_t at = strlen(out);
            snprintf(out + at, TREE_PATH_MAX - at, "[%d]", way[n_way]->index);
        }
    }
}

static enum err place(const struct tree *t, int line, const char *path, enum err e,
                      struct errinfo *why)
{
    const char *colon = path[0] ? ": " : "";
    if (line == 0) {
        return err_prefix(why, e, "command line%s%s", colon, path);
    }
    return err_prefix(why, e, "%.160s:%d%s%s", t->name, line, colon, path);
}

enum err tree_error(const struct tree *t, const struct tree_node *n, const char *key,
                    struct errinfo *why, const char *format, ...)
{
    char text[ERRINFO_MAX];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    enum err e = err_set(why, ERR_INPUT, "%s", text);
    char path[TREE_PATH_MAX];
    node_path(n, path);
    if (key) {
        append_key(path, key);
    }
    return place(t, n->line, path, e, why);
}

// ---- finding ----

const struct tree_node *tree_root(const struct tree *t)
{
    return t->root;
}

static struct tree_node *find_key(const struct tree_node *map, const char *key,
                                  size_t n)
{
    for (struct tree_node *c = map->first; c; c = c->next) {
        if (c->key && strncmp(c->key, key, n) == 0 && c->key[n] == '\0') {
            return c;
        }
    }
    return NULL;
}

const struct tree_node *tree_get(const struct tree_node *map, const char *key)
{
    return map ? find_key(map, key, strlen(key)) : NULL;
}

bool tree_is_empty(const struct tree_node *n)
{
    return n->kind == TREE_SCALAR && !n->is_quoted &&
           (n->text[0] == '\0' || strcmp(n->text, "~") == 0 ||
            strcmp(n->text, "null") == 0);
}

static struct tree_node *find_index(const struct tree_node *list, long index)
{
    for (struct tree_node *c = list->first; c; c = c->next) {
        if (!c->key && c->index == index) {
            return c;
        }
    }
    return NULL;
}

const struct tree_node *tree_item(const struct tree_node *list, int index)
{
    return list ? find_index(list, index) : NULL;
}

// One step of a dotted path: a key, or [index].
struct step {
    const char *key; // NULL for an index
    size_t n;
    long index;
};

// Takes the first step off `path`; false when it is malformed.
static bool next_step(const char **path, struct step *s)
{
    const char *p = *path;
    *s = (struct step){0};
    if (*p == '[') {
        char *end;
        s->index = strtol(p + 1, &end, 10);
        if (p[1] < '0' || p[1] > '9' || *end != ']') {
            return false;
        }
        p = end + 1;
    } else {
        s->key = p;
        s->n = strcspn(p, ".[");
        if (s->n == 0 || s->n > TREE_KEY_MAX) {
            return false;
        }
        p += s->n;
    }
    if (*p == '.' && p[1] != '\0' && p[1] != '[') {
        p++;
    } else if (*p != '\0' && *p != '[') {
        return false;
    }
    *path = p;
    return true;
}

static struct tree_node *take_step(const struct tree_node *n, const struct step *s)
{
    return s->key ? find_key(n, s->key, s->n) : find_index(n, s->index);
}

enum err tree_error_at(const struct tree *t, const char *path, struct errinfo *why,
                       const char *format, ...)
{
    char text[ERRINFO_MAX];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    enum err e = err_set(why, ERR_INPUT, "%s", text);
    BUG_ON(!t->root);
    const struct tree_node *deepest = t->root;
    const struct tree_node *n = deepest;
    struct step s;
    for (const char *at = path; n && *at && next_step(&at, &s);) {
        n = take_step(n, &s);
        deepest = n ? n : deepest;
    }
    return place(t, deepest->line, path, e, why);
}

// ---- building ----

struct builder {
    struct tree *tree;
    yaml_parser_t parser;
    bool is_command_line;
    int line; // of the event at hand
    int n_documents;
    bool is_done;
    struct tree_node *top;              // finished or being built
    struct tree_node *open;             // innermost list or map, NULL outside
    int depth;                          // how many are open
    int depth_max;                      // left below where the result will be put
    char pending_key[TREE_KEY_MAX + 1]; // read, its value not yet; "" = none
    int pending_line;
    struct errinfo *why;
};

static enum err build_error(const struct builder *b, enum err e, const char *what)
{
    char path[TREE_PATH_MAX] = "";
    node_path(b->open, path);
    if (b->pending_key[0]) {
        append_key(path, b->pending_key);
    }
    err_set(b->why, e, "%s", what);
    return place(b->tree, b->line, path, e, b->why);
}

static struct tree_node *new_node(struct tree *t, enum tree_kind kind, int line)
{
    struct tree_node *n = calloc(1, sizeof(*n));
    BUG_ON(!n); // at most TREE_NODES_MAX
    n->kind = kind;
    n->line = line;
    n->created = t->newest;
    t->newest = n;
    t->n_nodes++;
    return n;
}

static void add_child(struct tree_node *parent, struct tree_node *n)
{
    n->parent = parent;
    n->index = parent->n_children++;
    if (parent->last) {
        parent->last->next = n;
    } else {
        parent->first = n;
    }
    parent->last = n;
}

// Whether a value may come here.
static enum err check_place(const struct builder *b)
{
    if (b->tree->n_nodes >= TREE_NODES_MAX) {
        return build_error(b, ERR_LIMIT, "the document holds too many values");
    }
    if (b->open && b->open->kind == TREE_MAP && !b->pending_key[0]) {
        return build_error(b, ERR_INPUT, "a key must be plain text");
    }
    return ERR_OK;
}

static struct tree_node *add_node(struct builder *b, enum tree_kind kind)
{
    int line = b->pending_key[0] ? b->pending_line : b->line;
    struct tree_node *n = new_node(b->tree, kind, line);
    if (b->pending_key[0]) {
        n->key = copy_text(b->pending_key, strlen(b->pending_key));
        b->pending_key[0] = '\0';
    }
    if (b->open) {
        add_child(b->open, n);
    } else {
        b->top = n;
    }
    return n;
}

static enum err on_container(struct builder *b, enum tree_kind kind)
{
    if (b->depth >= b->depth_max) {
        return build_error(b, ERR_LIMIT, "is nested too deeply");
    }
    enum err e = check_place(b);
    if (e != ERR_OK) {
        return e;
    }
    b->open = add_node(b, kind);
    b->depth++;
    return ERR_OK;
}

static void on_container_end(struct builder *b)
{
    b->open = b->depth > 1 ? b->open->parent : NULL;
    b->depth--;
}

static enum err on_key(struct builder *b, const char *text, size_t n)
{
    if (n == 0 || n > TREE_KEY_MAX || strlen(text) != n || !tree_text_is_clean(text)) {
        return build_error(b, ERR_INPUT,
                           "holds a key that is empty, longer than 64 "
                           "bytes or not printable");
    }
    memcpy(b->pending_key, text, n + 1);
    b->pending_line = b->line;
    if (find_key(b->open, text, n)) {
        return build_error(b, ERR_INPUT, "is there twice; allowed: each key once");
    }
    return ERR_OK;
}

static enum err on_scalar(struct builder *b, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t n = event->data.scalar.length;
    if (b->open && b->open->kind == TREE_MAP && !b->pending_key[0]) {
        return on_key(b, text, n);
    }
    if (n > TREE_TEXT_MAX) {
        return build_error(b, ERR_LIMIT, "is longer than 1024 bytes");
    }
    if (strlen(text) != n || !tree_text_is_clean(text)) {
        return build_error(b, ERR_INPUT, "holds characters that cannot be printed");
    }
    enum err e = check_place(b);
    if (e != ERR_OK) {
        return e;
    }
    struct tree_node *node = add_node(b, TREE_SCALAR);
    node->text = copy_text(text, n);
    node->is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return ERR_OK;
}

static enum err refuse_marks(struct builder *b, const void *anchor, const void *tag)
{
    if (anchor) {
        return build_error(b, ERR_INPUT, "anchors (&name) are not supported");
    }
    return tag ? build_error(b, ERR_INPUT, "tags (!name) are not supported") : ERR_OK;
}

static enum err on_value(struct builder *b, const yaml_event_t *event)
{
    enum err e;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        e = refuse_marks(b, event->data.scalar.anchor, event->data.scalar.tag);
        return e == ERR_OK ? on_scalar(b, event) : e;
    case YAML_SEQUENCE_START_EVENT:
        e = refuse_marks(b, event->data.sequence_start.anchor,
                         event->data.sequence_start.tag);
        return e == ERR_OK ? on_container(b, TREE_LIST) : e;
    default:
        e = refuse_marks(b, event->data.mapping_start.anchor,
                         event->data.mapping_start.tag);
        return e == ERR_OK ? on_container(b, TREE_MAP) : e;
    }
}

static enum err on_event(struct builder *b, const yaml_event_t *event)
{
    if (!b->is_command_line) {
        b->line = (int)event->start_mark.line + 1;
    }
    switch (event->type) {
    case YAML_SCALAR_EVENT:
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT: return on_value(b, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: on_container_end(b); return ERR_OK;
    case YAML_ALIAS_EVENT:
        return build_error(b, ERR_INPUT, "aliases (*name) are not supported");
    case YAML_DOCUMENT_START_EVENT:
        return ++b->n_documents == 1
                   ? ERR_OK
                   : build_error(b, ERR_INPUT, "holds more than one document");
    case YAML_STREAM_END_EVENT: b->is_done = true; return ERR_OK;
    default: return ERR_OK;
    }
}

// The reader's errors carry a byte offset instead of a line.
static int problem_line(const struct builder *b, const char *yaml, size_t n)
{
    if (b->parser.error != YAML_READER_ERROR) {
        return (int)b->parser.problem_mark.line + 1;
    }
    int line = 1;
    for (size_t i = 0; i < n && i < b->parser.problem_offset; i++) {
        line += yaml[i] == '\n';
    }
    return line;
}

static enum err syntax_error(struct builder *b, const char *yaml, size_t n)
{
    err_set(b->why, ERR_INPUT, "not valid YAML: %s",
            b->parser.problem ? b->parser.problem : "out of memory");
    int line = b->is_command_line ? 0 : problem_line(b, yaml, n);
    return place(b->tree, line, "", ERR_INPUT, b->why);
}

static enum err run(struct builder *b, const char *yaml, size_t n)
{
    yaml_parser_set_input_string(&b->parser, (const unsigned char *)yaml, n);
    enum err e = ERR_OK;
    while (e == ERR_OK && !b->is_done) {
        yaml_event_t event;
        if (!yaml_parser_parse(&b->parser, &event)) {
            return syntax_error(b, yaml, n);
        }
        e = on_event(b, &event);
        yaml_event_delete(&event);
    }
    return e;
}

// Parses into nodes owned by the tree; depth_max bounds the nesting.
static enum err build(struct builder *b, const char *yaml, size_t n)
{
    if (!yaml_parser_initialize(&b->parser)) {
        return err_set(b->why, ERR_NOMEM, "no memory for a YAML parser");
    }
    enum err e = run(b, yaml, n);
    yaml_parser_delete(&b->parser);
    if (e != ERR_OK) {
        return e;
    }
    return b->top ? ERR_OK : build_error(b, ERR_INPUT, "is empty");
}

enum err tree_parse(const char *yaml, size_t n, const char *name, struct tree **out,
                    struct errinfo *why)
{
    struct tree *t = calloc(1, sizeof(*t));
    BUG_ON(!t);
    t->name = copy_text(name, strlen(name));
    struct builder b = {.tree = t, .line = 1, .depth_max = TREE_DEPTH_MAX, .why = why};
    enum err e = build(&b, yaml, n);
    if (e == ERR_OK && b.top->kind != TREE_MAP) {
        e = tree_error(t, b.top, NULL, why, "must be a map of keys and values");
    }
    if (e != ERR_OK) {
        tree_destroy(t);
        return e;
    }
    t->root = b.top;
    *out = t;
    return ERR_OK;
}

void tree_destroy(struct tree *t)
{
    if (!t) {
        return;
    }
    for (struct tree_node *n = t->newest; n;) {
        struct tree_node *before = n->created;
        free(n->key);
        free(n->text);
        free(n);
        n = before;
    }
    free(t->name);
    free(t);
}

// ---- command line ----

static enum err set_error(struct errinfo *why, const char *assignment, const char *what)
{
    return err_set(why, ERR_INPUT,
                   "command line: \"%.100s\": %s; allowed: key.sub=value", assignment,
                   what);
}

static struct tree_node *make_map(struct tree *t, struct tree_node *parent,
                                  const struct step *s)
{
    struct tree_node *n = new_node(t, TREE_MAP, 0);
    n->key = copy_text(s->key, s->n);
    add_child(parent, n);
    return n;
}

// The node that `path` names, made where a key is missing; NULL when it leads nowhere.
static struct tree_node *reach(struct tree *t, const char *path)
{
    struct tree_node *n = t->root;
    for (int depth = 0; *path; depth++) {
        struct step s;
        if (!next_step(&path, &s) || depth == TREE_DEPTH_MAX) {
            return NULL;
        }
        struct tree_node *child = take_step(n, &s);
        if (!child && s.key && n->kind == TREE_SCALAR && tree_is_empty(n)) {
            n->kind = TREE_MAP;
        }
        if (!child && s.key && n->kind == TREE_MAP) {
            child = make_map(t, n, &s);
        }
        if (!child) {
            return NULL;
        }
        n = child;
    }
    return n;
}

// `n` keeps its place and key, and takes everything else from `value`.
static void replace(struct tree_node *n, struct tree_node *value)
{
    free(n->text);
    n->kind = value->kind;
    n->line = 0;
    n->text = value->text;
    value->text = NULL;
    n->is_quoted = value->is_quoted;
    n->n_children = value->n_children;
    n->first = value->first;
    n->last = value->last;
    for (struct tree_node *c = n->first; c; c = c->next) {
        c->parent = n;
    }
}

static int depth_of(const struct tree_node *n)
{
    int depth = 0;
    for (; n->parent; n = n->parent) {
        depth++;
    }
    return depth;
}

enum err tree_set(struct tree *t, const char *assignment, struct errinfo *why)
{
    const char *equals = strchr(assignment, '=');
    char path[TREE_PATH_MAX];
    if (!equals || equals == assignment ||
        (size_t)(equals - assignment) >= sizeof(path)) {
        return set_error(why, assignment, "is not an assignment");
    }
    snprintf(path, sizeof(path), "%.*s", (int)(equals - assignment), assignment);
    if (!tree_text_is_clean(path) || t->n_nodes + TREE_DEPTH_MAX >= TREE_NODES_MAX) {
        return set_error(why, "", "cannot be applied");
    }
    struct tree_node *n = reach(t, path);
    if (!n) {
        return set_error(why, assignment, "names no value");
    }
    struct builder b = {.tree = t,
                        .is_command_line = true,
                        .depth_max = TREE_DEPTH_MAX - depth_of(n),
                        .why = why};
    enum err e = build(&b, equals + 1, strlen(equals + 1));
    if (e != ERR_OK) {
        return e;
    }
    replace(n, b.top);
    return ERR_OK;
}
