// SPDX-License-Identifier: Apache-2.0
// lab.h - one operation under test: tensors on a backend, run, compared,
// differentiated.
//
// A bench is set up by a function that makes tensors in a fixed order and fills them
// from a seed, so that two backends can be given the same numbers. Tensors of frames
// have the batch's rows, gaps included; reading and writing them touches real rows only
// and writing zeroes the gaps.
//
// Owns: its stream and memory. Threads: one.
#ifndef TESTS_UNIT_WORKER_KERNELS_LAB_H
#define TESTS_UNIT_WORKER_KERNELS_LAB_H

#include "common/base/rng.h"
#include "worker/kernels/kernels.h"

#define LAB_TENSORS_MAX 40
#define LAB_GAP         10

enum lab_role {
    LAB_OTHER,  // workspace, or what a test looks at itself
    LAB_INPUT,  // has a gradient
    LAB_OUTPUT, // the loss is its sum weighted by its gradient
};

struct lab_tensor {
    enum lab_role role;
    bool is_frames;
    int n_rows, n; // real rows only
    struct plane plane;
    int gradient; // index of the tensor of its gradient, or -1
};

struct lab {
    const struct kernels *k;
    struct stream *s;
    struct memory *memory;
    size_t used;
    struct rng rng;
    int n_utts;
    const int *n_frames;
    int n_tensors;
    struct lab_tensor tensors[LAB_TENSORS_MAX];
    void *op; // the test's own
};

void lab_init(struct lab *l, const struct kernels *k, int n_utts, const int *n_frames);
void lab_fini(struct lab *l);

// Index of a new tensor, normal(0, scale) in every real value. Frames: a plane with
// `margin` more columns than n.
int lab_frames(struct lab *l, int n, int margin, double scale);
int lab_vectors(struct lab *l, int n_rows, int n, double scale);
// The same with its gradient: an input's is filled by backward, an output's is drawn.
int lab_input_frames(struct lab *l, int n, int margin, double scale);
int lab_input_vectors(struct lab *l, int n_rows, int n, double scale);
int lab_output_frames(struct lab *l, int n, int margin);
int lab_output_vectors(struct lab *l, int n_rows, int n);

struct plane lab_plane(const struct lab *l, int tensor);
struct place lab_place(const struct lab *l, int tensor);
struct plane lab_d_plane(const struct lab *l, int tensor); // its gradient's
struct place lab_d_place(const struct lab *l, int tensor);

size_t lab_size(const struct lab *l, int tensor);
void lab_read(const struct lab *l, int tensor, float *out);
void lab_write(const struct lab *l, int tensor, const float *values);

typedef void lab_setup_fn(struct lab *l, const void *arg);
typedef void lab_run_fn(struct lab *l);

struct lab_case {
    lab_setup_fn *setup;
    lab_run_fn *forward, *backward; // backward may be NULL
    const void *arg;
    int n_utts;
    const int *n_frames;
};

// Runs forward and backward on every backend; each tensor as on the first one, within
// `tolerance` of its norm.
void lab_compare(const struct lab_case *c, double tolerance);
// On every backend: gradients along random directions against central differences.
void lab_differentiate(const struct lab_case *c, double tolerance);

#endif
