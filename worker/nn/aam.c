// SPDX-License-Identifier: Apache-2.0
// aam.c - see aam.h: the kernel's memory and the checks around it.
#include "worker/nn/aam.h"

#include "worker/kernels/kernels.h"

#include <math.h>
#include <stdlib.h>

struct aam {
    const struct kernels *k;
    struct stream *stream;
    struct memory *memory;
    int max_utts;
    struct margin_loss op;
};

// Cuts n floats off the front of what is left.
static struct place cut(struct place *left, size_t n)
{
    struct place p = *left;
    left->at += n;
    return p;
}

struct aam *aam_create(const struct kernels *k, int n_embed, int n_classes,
                       int max_utts, double margin, double scale)
{
    struct aam *a = calloc(1, sizeof(*a));
    if (!a) {
        abort();
    }
    size_t rows = (size_t)max_utts;
    size_t embed = (size_t)n_embed;
    size_t classes = (size_t)n_classes;
    a->k = k;
    a->max_utts = max_utts;
    a->stream = k->stream_open();
    a->memory = k->memory_create(a->stream, rows * (3 * embed + 1 + classes) +
                                                classes * (2 * embed + 2));
    struct place left = {a->memory, 0};
    a->op = (struct margin_loss){.n_embed = n_embed,
                                 .n_classes = n_classes,
                                 .margin = margin,
                                 .scale = scale,
                                 .w = cut(&left, embed * classes),
                                 .dw = cut(&left, embed * classes),
                                 .class_sums = cut(&left, 2 * classes),
                                 .cosine = cut(&left, rows * classes),
                                 .x = cut(&left, rows * embed),
                                 .dx = cut(&left, rows * embed),
                                 .unit = cut(&left, rows * (embed + 1))};
    return a;
}

void aam_destroy(struct aam *a)
{
    if (a) {
        a->k->memory_destroy(a->stream, a->memory);
        a->k->stream_close(a->stream);
        free(a);
    }
}

void aam_set_margin(struct aam *a, double margin)
{
    a->op.margin = margin;
}

enum err aam_loss(struct aam *a, const struct aam_batch *b, const float *w, float *dx,
                  float *dw, struct aam_report *report)
{
    BUG_ON(b->n_utts < 1 || b->n_utts > a->max_utts);
    struct margin_loss *op = &a->op;
    size_t n_x = (size_t)b->n_utts * (size_t)op->n_embed;
    size_t n_w = (size_t)op->n_embed * (size_t)op->n_classes;
    for (int u = 0; u < b->n_utts; u++) {
        BUG_ON(b->labels[u] < 0 || b->labels[u] >= op->n_classes);
    }
    op->n_rows = b->n_utts;
    op->labels = b->labels;
    a->k->upload(a->stream, op->x, b->x, n_x);
    a->k->upload(a->stream, op->w, w, n_w);
    struct margin_result result;
    a->k->margin_loss(a->stream, op, &result);
    *report = (struct aam_report){result.loss, result.n_right};
    if (!isfinite(result.loss)) {
        return ERR_NUMERIC;
    }
    a->k->download(a->stream, op->dx, dx, n_x);
    a->k->download(a->stream, op->dw, dw, n_w);
    return ERR_OK;
}
