// SPDX-License-Identifier: Apache-2.0
// mlp.h - the paper's accuracy predictor: batch norm -> 400 -> 400 -> 400 -> 1, ReLU,
// on one-hot genes, for standardised targets.
//
// value = (y - y_bias) / (y_weight + 1e-5) * sqrt(y_var + 1e-5) + y_mean, where y is
// the network's output: the inverse of a normalisation of the targets. Tensors have the
// names and shapes of the published predictor's file.
// Source: arXiv 2103.13581, section on TDNN-NAS, and its authors' released predictor.
//
// Owns: its values. Threads: predicting from any, at once.
#ifndef COORDINATOR_PREDICT_MLP_H
#define COORDINATOR_PREDICT_MLP_H

#include "coordinator/predict/predictor_type.h"

#define MLP_LAYERS     4
#define MLP_HIDDEN     400
#define MLP_HIDDEN_MAX 4096
#define MLP_EPS        1e-5

struct mlp_layer {
    size_t in, out;
    float *weight; // [out][in]
    float *bias;   // [out]
};

struct mlp {
    size_t n_in;
    float *bn_weight, *bn_bias, *bn_mean, *bn_var; // [n_in]
    struct mlp_layer layers[MLP_LAYERS];
    float y_weight, y_bias, y_mean, y_var;

    // For predicting, made of the above: the batch norm folded into the first layer,
    // whose output for one-hot genes is a sum of rows.
    float *rows;      // [n_in][layers[0].out]
    float *rows_bias; // [layers[0].out]
};

// All values zero.
struct mlp *mlp_create(size_t n_in, const size_t hidden[static MLP_LAYERS - 1]);
void mlp_destroy(void *mlp); // NULL is fine

// After the values were set, before predicting.
void mlp_fold(struct mlp *m);

void mlp_predict(const void *mlp, const struct space *s, const struct arch *archs,
                 size_t n, double *values, double *spreads);

void mlp_save(const void *mlp, struct tensor_writer *w);
enum err mlp_load(const struct tensor_reader *r, const struct space *s, void **state,
                  struct errinfo *why);

enum err mlp_fit(const struct space *s, const struct labels *l, uint64_t seed,
                 void **state, struct errinfo *why);

#endif
