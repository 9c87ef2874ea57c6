// SPDX-License-Identifier: Apache-2.0
// space.h - a search space: named genes, each with the values it may take.
//
// A gene is active in an architecture when its layer exists at that depth; an
// architecture is one choice per active gene, so |space| is the sum over depths of the
// product over active genes. New kinds of gene are added to the table in arch.c and to
// space_build, nowhere else in common/.
//
// Owns: nothing; struct space is a value (about 24 KiB: pass by pointer). Threads: any.
#ifndef COMMON_SPACE_SPACE_H
#define COMMON_SPACE_SPACE_H

#include "common/base/rng.h"
#include "common/space/arch.h"

#define SPACE_VALUES_MAX 256
#define SPACE_GENES_MAX  (2 * (ARCH_DEPTH_MAX + 1) + 2)

struct gene {
    char name[16]; // "depth", "width0", "kernel3", "cat"
    enum gene_kind kind;
    int layer; // 0 = layer1, i = block i; 0 for depth and cat
    int n_values;
    int values[SPACE_VALUES_MAX]; // strictly increasing
};

struct space {
    int n_genes;
    struct gene genes[SPACE_GENES_MAX];
};

// A list of values as people write it: increasing, each at most once.
struct value_list {
    int n;
    int values[SPACE_VALUES_MAX];
};

// Builds the space whose layers all share the same width and kernel lists (the paper's
// coarse and fine spaces). Genes: depth, width0..D, kernel0..D, cat, D the largest
// depth. ERR_INPUT when a list is empty, unsorted or holds a value outside arch_parse's
// limits.
MUST_CHECK enum err space_build(struct space *s, const struct value_list *depths,
                                const struct value_list *widths,
                                const struct value_list *kernels,
                                const struct value_list *cats, struct errinfo *why);

// Exact number of architectures. ERR_LIMIT when it does not fit 64 bits.
MUST_CHECK enum err space_count(const struct space *s, uint64_t *count);

// The index-th architecture, index < space_count, in a fixed order: every one once.
struct arch space_at(const struct space *s, uint64_t index);

// One uniformly drawn *path*: each active gene uniform in its list, the depth first
// (the paper's sampling; inactive genes are not drawn).
struct arch space_draw(const struct space *s, struct rng *r);

struct arch space_largest(const struct space *s);
struct arch space_smallest(const struct space *s);
bool space_contains(const struct space *s, const struct arch *a);

// ERR_INPUT unless every architecture of the space can be cut out of the supernet.
MUST_CHECK enum err space_fits(const struct space *s, const struct net_dims *d,
                               struct errinfo *why);

// Finds the gene of that kind and layer; NULL when the space has none.
const struct gene *space_gene(const struct space *s, enum gene_kind kind, int layer);

#endif
