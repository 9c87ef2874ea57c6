// SPDX-License-Identifier: Apache-2.0
// arch.h - one architecture: a canonical genotype, and its string form.
//
// `3-512-512-512-512-5-3-3-3-1536` is depth, depth+1 widths, depth+1 kernels, cat.
// Genes of layers beyond the depth do not exist: their fields are zero, so that two
// architectures are equal exactly when their bytes are.
//
// Owns: nothing; struct arch is a value. Threads: any.
#ifndef COMMON_SPACE_ARCH_H
#define COMMON_SPACE_ARCH_H

#include "common/base/err.h"
#include "common/space/dims.h"

#include <stdbool.h>
#include <stdint.h>

#define ARCH_DEPTH_MAX  8
#define ARCH_STRING_MAX 160

struct arch {
    int depth;                      // number of blocks, 1..ARCH_DEPTH_MAX
    int width[ARCH_DEPTH_MAX + 1];  // [0] layer1 and block outputs, [i] inside block i
    int kernel[ARCH_DEPTH_MAX + 1]; // [0] layer1, [i] block i's Res2 convolutions
    int cat;                        // channels after the concatenation
};

// The kinds of number an architecture is made of; what each may be is known here only.
enum gene_kind { GENE_DEPTH, GENE_WIDTH, GENE_KERNEL, GENE_CAT };
#define GENE_KINDS 4

const char *gene_kind_name(enum gene_kind k);    // "depth", "width", "kernel", "cat"
const char *gene_kind_allowed(enum gene_kind k); // "a multiple of 8 from 8 to 8192"
bool gene_kind_allows(enum gene_kind k, int value);
bool gene_kind_is_per_layer(enum gene_kind k);

// The field of that kind and layer (layer 0 for depth and cat).
int *arch_field(struct arch *a, enum gene_kind k, int layer);
int arch_value(const struct arch *a, enum gene_kind k, int layer);

// Parses the string form. ERR_INPUT says which number is wrong and what is allowed:
// depth 1..8, widths and cat multiples of 8 (1..8192), kernels 1, 3 or 5.
MUST_CHECK enum err arch_parse(const char *text, struct arch *out, struct errinfo *why);

// Writes the string form, zero-terminated; returns `out`.
char *arch_print(const struct arch *a, char out[static ARCH_STRING_MAX]);

uint64_t arch_hash(const struct arch *a); // stable across machines and versions
bool arch_equal(const struct arch *a, const struct arch *b);

// ERR_INPUT unless the architecture can be cut out of a supernet of these sizes.
MUST_CHECK enum err arch_fits(const struct arch *a, const struct net_dims *d,
                              struct errinfo *why);

// The supernet's largest path.
struct arch arch_largest(const struct net_dims *d);

#endif
