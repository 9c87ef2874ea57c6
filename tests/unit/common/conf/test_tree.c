// SPDX-License-Identifier: Apache-2.0
// test_tree.c - YAML as a tree: what is accepted, refused, and set from outside.
#include "common/conf/tree.h"
#include "tests/lib/check_main.h"

#include <string.h>

static struct tree *parse(const char *yaml)
{
    struct tree *t = NULL;
    struct errinfo why = {0};
    ck_assert_msg(tree_parse(yaml, strlen(yaml), "t.yaml", &t, &why) == ERR_OK, "%s",
                  why.text);
    return t;
}

static const char *text_of(const struct tree_node *n)
{
    ck_assert_ptr_nonnull(n);
    ck_assert_int_eq(n->kind, TREE_SCALAR);
    return n->text;
}

START_TEST(nodes_know_their_text_and_line)
{
    struct tree *t = parse("a: 1\nb:\n  - x\n  - {c: 'y z'}\n");
    const struct tree_node *b = tree_get(tree_root(t), "b");
    ck_assert_str_eq(text_of(tree_get(tree_root(t), "a")), "1");
    ck_assert_int_eq(b->kind, TREE_LIST);
    ck_assert_int_eq(b->line, 2);
    ck_assert_int_eq(b->n_children, 2);
    ck_assert_int_eq(tree_item(b, 0)->line, 3);
    const struct tree_node *c = tree_get(tree_item(b, 1), "c");
    ck_assert_str_eq(text_of(c), "y z");
    ck_assert(c->is_quoted);
    ck_assert_int_eq(c->line, 4);
    ck_assert_ptr_null(tree_get(tree_root(t), "z"));
    ck_assert_ptr_null(tree_item(b, 2));
    tree_destroy(t);
}
END_TEST

START_TEST(errors_name_file_line_and_dotted_path)
{
    struct tree *t = parse("a:\n  b:\n    - 1\n    - c: 2\n");
    struct errinfo why = {0};
    const struct tree_node *b = tree_get(tree_get(tree_root(t), "a"), "b");
    tree_error(t, tree_get(tree_item(b, 1), "c"), NULL, &why, "is %d", 2);
    ck_assert_str_eq(why.text, "t.yaml:4: a.b[1].c: is 2");
    tree_error(t, b, "d", &why, "is missing");
    ck_assert_str_eq(why.text, "t.yaml:2: a.b.d: is missing");
    tree_error_at(t, "a.b[1].nowhere", &why, "is missing");
    ck_assert_str_eq(why.text, "t.yaml:4: a.b[1].nowhere: is missing");
    tree_error_at(t, "x", &why, "is missing");
    ck_assert_str_eq(why.text, "t.yaml:1: x: is missing");
    tree_destroy(t);
}
END_TEST

static const struct {
    const char *yaml;
    const char *error;
} refused[] = {
    {"", "t.yaml:1: is empty"},
    {"# nothing\n", "is empty"},
    {"- a\n- b\n", "t.yaml:1: must be a map"},
    {"text", "t.yaml:1: must be a map"},
    {"a: 1\nb: 2\na: 3\n", "t.yaml:3: a: is there twice"},
    {"a: {b: 1, b: 2}\n", "t.yaml:1: a.b: is there twice"},
    {"a: &x 1\nb: *x\n", "t.yaml:1: a: anchors (&name) are not supported"},
    {"a: *x\n", "t.yaml:1: a: aliases (*name) are not supported"},
    {"a: !!int 1\n", "t.yaml:1: a: tags (!name) are not supported"},
    {"a: !x [1]\n", "tags (!name) are not supported"},
    {"? [a, b]\n: 1\n", "a key must be plain text"},
    {"a: 1\n---\nb: 2\n", "t.yaml:2: holds more than one document"},
    {"a: [1, 2\nb: 3\n", "t.yaml:2: not valid YAML"},
    {"a: 1\n\tb: 2\n", "not valid YAML"},
    {"a: \"x\\0y\"\n", "t.yaml:1: a: holds characters that cannot be printed"},
    {"a: \"x\\ey\"\n", "holds characters that cannot be printed"},
    {"a: \"x\\u202ey\"\n", "holds characters that cannot be printed"},
    {"\"\\e[2J\": 1\n", "not printable"},
    {"\"\": 1\n", "holds a key that is empty"},
    {"a: 1\nb: \xff\xfe\n", "t.yaml:2: not valid YAML"},
    {"a: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\n", "is nested too deeply"},
};

START_TEST(what_is_not_plain_yaml_is_refused)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct tree *t = NULL;
        struct errinfo why = {0};
        const char *yaml = refused[i].yaml;
        ck_assert_int_ne(tree_parse(yaml, strlen(yaml), "t.yaml", &t, &why), ERR_OK);
        ck_assert_msg(strstr(why.text, refused[i].error) != NULL, "%zu: \"%s\"", i,
                      why.text);
        ck_assert_ptr_null(t);
    }
}
END_TEST

static void start_map(char *yaml)
{
    yaml[0] = 'a';
    yaml[1] = ':';
    yaml[2] = ' ';
}

START_TEST(huge_documents_are_refused_before_they_are_loaded)
{
    size_t n = 1 << 20;
    char *yaml = malloc(n);
    struct tree *t;
    struct errinfo why = {0};
    ck_assert_ptr_nonnull(yaml);
    memset(yaml, 'x', n);
    start_map(yaml);
    ck_assert_int_eq(tree_parse(yaml, n, "t.yaml", &t, &why), ERR_LIMIT);
    memset(yaml, '[', n);
    start_map(yaml);
    ck_assert_int_eq(tree_parse(yaml, n, "t.yaml", &t, &why), ERR_LIMIT);
    for (size_t i = 4; i < n; i++) {
        yaml[i] = i % 2 ? ',' : '1';
    }
    ck_assert_int_eq(tree_parse(yaml, n, "t.yaml", &t, &why), ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(why.text, "too many values"));
    free(yaml);
}
END_TEST

START_TEST(every_cut_and_every_flipped_byte_of_a_document_is_survived)
{
    const char yaml[] =
        "name: x\nlist: [1, {a: 2}, \"q\\u00e4\"]\nmap:\n  - b: |\n      c\n"
        "  - &a *b !c ? d : %e\n";
    char copy[sizeof(yaml)];
    struct tree *t;
    for (size_t i = 0; i < sizeof(yaml); i++) {
        if (tree_parse(yaml, i, "t.yaml", &t, NULL) == ERR_OK) {
            tree_destroy(t);
        }
        for (int bit = 0; bit < 8; bit++) {
            memcpy(copy, yaml, sizeof(yaml));
            copy[i] = (char)(copy[i] ^ (1 << bit));
            if (tree_parse(copy, sizeof(yaml) - 1, "t.yaml", &t, NULL) == ERR_OK) {
                tree_destroy(t);
            }
        }
    }
}
END_TEST

START_TEST(a_value_from_the_command_line_replaces_or_adds)
{
    struct tree *t = parse("a: 1\nb: {c: [1, {d: 2}]}\nempty:\n");
    struct errinfo why = {0};
    ck_assert_int_eq(tree_set(t, "a=[7, 8]", &why), ERR_OK);
    ck_assert_int_eq(tree_set(t, "b.c[1].d=x=y", &why), ERR_OK);
    ck_assert_int_eq(tree_set(t, "new.deep.key=5", &why), ERR_OK);
    ck_assert_int_eq(tree_set(t, "empty.k=6", &why), ERR_OK);
    const struct tree_node *root = tree_root(t);
    ck_assert_str_eq(text_of(tree_item(tree_get(root, "a"), 1)), "8");
    ck_assert_str_eq(
        text_of(tree_get(tree_item(tree_get(tree_get(root, "b"), "c"), 1), "d")),
        "x=y");
    ck_assert_str_eq(text_of(tree_get(tree_get(tree_get(root, "new"), "deep"), "key")),
                     "5");
    ck_assert_str_eq(text_of(tree_get(tree_get(root, "empty"), "k")), "6");
    tree_error(t, tree_item(tree_get(root, "a"), 1), NULL, &why, "is 8");
    ck_assert_str_eq(why.text, "command line: a[1]: is 8");
    tree_destroy(t);
}
END_TEST

START_TEST(assignments_that_lead_nowhere_are_refused)
{
    const char *const bad[] = {
        "a",      "=1",     "a.=1",   ".a=1",           "a..b=1",  "b[9]=1",
        "b[x]=1", "a.b=1",  "b[0=1",  "b[-1]=1",        "b[0]c=1", "a=",
        "a=[1",   "a=*x",   "a=&x 1", "a={c: 1, c: 2}", "a\x1b=1", "b.c=1",
        "[0]=1",  "a[0]=1",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tree *t = parse("a: 1\nb: [1, 2]\n");
        struct errinfo why = {0};
        ck_assert_msg(tree_set(t, bad[i], &why) == ERR_INPUT, "%s", bad[i]);
        ck_assert_msg(strncmp(why.text, "command line: ", 14) == 0, "%s: %s", bad[i],
                      why.text);
        tree_destroy(t);
    }
}
END_TEST

START_TEST(only_clean_utf8_is_clean_text)
{
    ck_assert(tree_text_is_clean("plain"));
    ck_assert(tree_text_is_clean("\xc3\xa4 \xe6\xbc\xa2 \xf0\x9f\x98\x80"));
    ck_assert(!tree_text_is_clean("tab\t"));
    ck_assert(!tree_text_is_clean("\x7f"));
    ck_assert(!tree_text_is_clean("\xc2\x85"));         // next line
    ck_assert(!tree_text_is_clean("\xc3"));             // cut
    ck_assert(!tree_text_is_clean("\xc0\xaf"));         // overlong
    ck_assert(!tree_text_is_clean("\xed\xa0\x80"));     // surrogate
    ck_assert(!tree_text_is_clean("\xf4\x90\x80\x80")); // beyond Unicode
    ck_assert(!tree_text_is_clean("\xe2\x80\xae"));     // right-to-left override
    ck_assert(!tree_text_is_clean("\x80"));
}
END_TEST

TEST_SUITE(tree, nodes_know_their_text_and_line, errors_name_file_line_and_dotted_path,
           what_is_not_plain_yaml_is_refused,
           huge_documents_are_refused_before_they_are_loaded,
           every_cut_and_every_flipped_byte_of_a_document_is_survived,
           a_value_from_the_command_line_replaces_or_adds,
           assignments_that_lead_nowhere_are_refused, only_clean_utf8_is_clean_text)
