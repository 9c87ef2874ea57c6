// SPDX-License-Identifier: Apache-2.0
// cost.c - see cost.h.
#include "coordinator/cli/cost.h"

#include <inttypes.h>
#include <string.h>

const char *cost_grouped(uint64_t value, char out[static COST_GROUPED_MAX])
{
    char digits[24];
    size_t n = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, value);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) {
            out[at++] = ',';
        }
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

// Limits of architectures and frames keep every count below 2^63.
static json_int_t as_integer(uint64_t value)
{
    BUG_ON(value > INT64_MAX);
    return (json_int_t)value;
}

json_t *cost_json(const struct arch *a, const struct net_dims *d, int n_frames)
{
    char text[ARCH_STRING_MAX];
    struct complexity c = complexity_of(a, d, n_frames);
    json_t *root =
        json_pack("{s:s, s:I, s:I, s:I, s:i}", "architecture", arch_print(a, text),
                  "params", as_integer(c.params), "macs", as_integer(c.macs), "bytes",
                  as_integer(c.bytes), "frames", n_frames);
    BUG_ON(!root);
    return root;
}

void cost_print(const struct arch *a, const struct net_dims *d, int n_frames,
                const char *indent, FILE *to)
{
    char text[ARCH_STRING_MAX];
    char number[COST_GROUPED_MAX];
    struct complexity c = complexity_of(a, d, n_frames);
    fprintf(to, "%sarchitecture  %s\n", indent, arch_print(a, text));
    fprintf(to, "%sparams        %s\n", indent, cost_grouped(c.params, number));
    fprintf(to, "%smacs          %s\n", indent, cost_grouped(c.macs, number));
    fprintf(to, "%sbytes         %s\n", indent, cost_grouped(c.bytes, number));
    fprintf(to, "%sframes        %d\n", indent, n_frames);
}

int cost_dump(json_t *root)
{
    bool ok = json_dumpf(root, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
    json_decref(root);
    return ok ? 0 : 1;
}
