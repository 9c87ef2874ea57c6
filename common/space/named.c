// SPDX-License-Identifier: Apache-2.0
// named.c - see named.h.
#include "common/space/named.h"

#include <string.h>

static struct value_list steps(int from, int to, int step)
{
    struct value_list list = {0};
    for (int v = from; v <= to; v += step) {
        list.values[list.n++] = v;
    }
    return list;
}

static void build(struct space *out, const struct value_list *widths,
                  const struct value_list *cats)
{
    const struct value_list depths = {3, {2, 3, 4}};
    const struct value_list kernels = {3, {1, 3, 5}};
    BUG_ON(space_build(out, &depths, widths, &kernels, cats, NULL) != ERR_OK);
}

static void coarse(struct space *out)
{
    const struct value_list widths = {5, {128, 176, 256, 384, 512}};
    const struct value_list cats = {5, {384, 536, 768, 1152, 1536}};
    build(out, &widths, &cats);
}

static void fine(struct space *out)
{
    const struct value_list widths = steps(128, 512, 8);
    const struct value_list cats = steps(384, 1536, 8);
    build(out, &widths, &cats);
}

static const struct {
    const char *name;
    void (*build)(struct space *out);
} spaces[] = {{"coarse", coarse}, {"fine", fine}};

bool named_space(const char *name, struct space *out)
{
    for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
        if (strcmp(spaces[i].name, name) == 0) {
            spaces[i].build(out);
            return true;
        }
    }
    return false;
}
