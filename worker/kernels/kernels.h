// SPDX-License-Identifier: Apache-2.0
// kernels.h - the table of operations a compute backend offers, one per fused layer.
//
// A backend is one folder beside this file and one `struct kernels`. Its memory is
// opaque: callers name places in it (memory, offset) and move numbers with upload and
// download. A *stream* is where a backend keeps what operations share: the geometry of
// the batch, scratch, a GPU's queue. Operations of a stream take effect in order.
//
// Activations are planes, [row][channel] with a leading dimension, so that a range of
// channels (a Res2 group, a slot of the concatenation) is a plane too. The rows of a
// batch: `gap` rows, then each utterance's frames followed by `gap` rows. Gap rows are
// what convolutions read as padding: operations that make a convolution's input (load,
// the `y` of conv_norm, block_end and conv_relu) leave zeros there; everything else may
// leave anything finite. Sums over time and BN statistics count real frames only.
//
// Convolution weights are [tap][out][in], matrices [out][in]. Gradients of weights are
// written, not accumulated.
//
// Owns: nothing. Threads: one at a time per stream.
#ifndef WORKER_KERNELS_KERNELS_H
#define WORKER_KERNELS_KERNELS_H

#include "worker/kernels/adam_loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory; // a backend's block of floats
struct stream;

struct place {
    struct memory *memory; // NULL: none
    size_t at;             // floats from its start
};

struct plane {
    struct place place;
    int ld; // floats from one row to the next
};

static inline struct place place_at(struct place p, size_t offset)
{
    return (struct place){p.memory, p.at + offset};
}

// The plane of the channels from `first` on.
static inline struct plane plane_from(struct plane p, int first)
{
    return (struct plane){place_at(p.place, (size_t)first), p.ld};
}

static inline bool plane_exists(struct plane p)
{
    return p.place.memory != NULL;
}

// Rows of a batch of n_utts utterances with n_frames in sum.
static inline size_t rows_needed(int n_utts, size_t n_frames, int gap)
{
    return n_frames + (size_t)gap * ((size_t)n_utts + 1);
}

// y[r] = sum over taps k of W[k] x[r + (k - taps/2) dilation]; no bias.
struct conv {
    struct place weights; // [taps][out][in]
    int out, in, taps, dilation;
};

// y = gamma (x - mean) / sqrt(var + 1e-5) + beta, per channel.
struct norm {
    struct place gamma, beta;
    struct place running_mean, running_var; // read by evaluation
    struct place batch_mean, batch_var;     // written by training; biased variance
};

// Convolution, ReLU, BN: z = relu(conv(x)), y = BN(z).
struct conv_norm {
    struct conv conv;
    struct norm norm;
    struct plane x;    // [rows][in]
    struct plane z;    // [rows][out], kept for backward; may be y when there is none
    struct plane y;    // [rows][out]
    struct plane next; // if it exists: += y (Res2: the next group's input)
};

struct conv_norm_back {
    struct plane dy;      // gradient of y; becomes that of the convolution's output
    struct plane dy_more; // if it exists: a second part of the gradient of y
    struct plane dx;      // if it exists
    bool accumulate_dx;
    struct place d_weights, d_gamma, d_beta;
};

// Squeeze and excitation: gate = sigmoid(W2 relu(W1 mean + b1) + b2).
struct squeeze {
    struct place w1, b1; // [n][channels], [n]
    struct place w2, b2; // [channels][n], [channels]
    int n;
};

// The end of a block: last convolution, ReLU, BN, SE gate and the residual sum:
// y = gate BN(relu(conv(x))) + total_in; total_out = total_in + y.
struct block_end {
    struct conv conv;
    struct norm norm;
    struct squeeze squeeze;
    struct plane x;
    struct plane z;         // kept for backward; may be y when there is none
    struct plane total_in;  // sum of all earlier outputs
    struct plane y;         // [rows][out]
    struct plane total_out; // if it exists; may be total_in
    struct place mean;      // [n_utts][out], kept: SE's input
    struct place squeezed;  // [n_utts][squeeze.n], kept
    struct place gate;      // [n_utts][out], kept
};

struct block_end_back {
    struct plane dy;      // gradient of y but for later residual sums; completed here
    struct plane d_total; // sum of the later outputs' gradients; += the completed dy
    bool is_last;         // no later outputs: d_total is only written
    struct plane dz;      // becomes the gradient of the convolution's output
    struct plane dx;      // [rows][in], written
    struct place d_weights, d_gamma, d_beta;
    struct place d_w1, d_b1, d_w2, d_b2;
};

// Convolution and ReLU: y = relu(conv(x)).
struct conv_relu {
    struct conv conv;
    struct plane x, y;
};

struct conv_relu_back {
    struct plane dy; // becomes the gradient of the convolution's output
    struct plane dx; // written
    struct place d_weights;
};

// Attentive statistics: a = softmax over time of W2 tanh(W1 h); mean = sum a h,
// deviation = sqrt(max(sum a h^2 - mean^2, 1e-9)).
struct pool {
    int n, neck;
    struct place w1, w2;    // [neck][n], [n][neck]
    struct plane h;         // [rows][n]
    struct plane hidden;    // [rows][neck], kept: tanh
    struct plane attention; // [rows][n], kept: a
    struct place stats;     // [n_utts][2 n]: means, then deviations
};

struct pool_back {
    struct place d_stats;
    struct plane d_hidden; // workspace [rows][neck]
    struct plane dh;       // written
    struct place d_w1, d_w2;
};

// BN without ReLU over plain rows, [n_rows][n].
struct vector_norm {
    int n_rows, n;
    struct norm norm;
    struct place x, y; // kept; not the same
};

struct vector_norm_back {
    struct place dy, dx; // may be the same
    struct place d_gamma, d_beta;
};

// y = x W^T + b over plain rows.
struct linear {
    int n_rows, out, in;
    struct place weights, bias; // [out][in], [out]
    struct place x, y;
};

struct linear_back {
    struct place dy, dx;
    struct place d_weights, d_bias;
};

// AAM-softmax, loss and gradients at once; see worker/nn/aam.h for the formula.
struct margin_loss {
    int n_rows, n_embed, n_classes;
    double margin, scale;
    struct place x;          // [n_rows][n_embed]
    struct place w;          // [n_embed][n_classes]
    const int32_t *labels;   // host
    struct place dx, dw;     // written
    struct place unit;       // workspace [n_rows][n_embed + 1]
    struct place cosine;     // workspace [n_rows][n_classes]
    struct place class_sums; // workspace [2 n_classes]
};

struct margin_result {
    double loss;
    int n_right; // rows whose largest cosine is their label's
};

struct kernels {
    const char *name;

    struct stream *(*stream_open)(void); // aborts on no memory
    void (*stream_close)(struct stream *s);
    // Scratch for batches of up to max_utts and layers of up to max_channels. Only
    // grows.
    void (*stream_reserve)(struct stream *s, int max_utts, int max_channels);
    // The geometry of what follows; n_frames is [n_utts], copied.
    void (*stream_batch)(struct stream *s, int n_utts, const int *n_frames, int gap);

    // Blocks of n floats, zeroed. Aborts on no memory.
    struct memory *(*memory_create)(struct stream *s, size_t n);
    void (*memory_destroy)(struct stream *s, struct memory *m); // NULL is fine
    void (*upload)(struct stream *s, struct place to, const float *from, size_t n);
    void (*download)(struct stream *s, struct place from, float *to, size_t n);
    // Frames of all utterances, [sum of n_frames][n] -> rows of the plane; zero gaps.
    void (*load)(struct stream *s, const float *frames, int n, struct plane to);
    // Copies n channels of every row.
    void (*copy)(struct stream *s, struct plane from, struct plane to, int n);

    void (*conv_norm_train)(struct stream *s, const struct conv_norm *c);
    void (*conv_norm_eval)(struct stream *s, const struct conv_norm *c);
    void (*conv_norm_back)(struct stream *s, const struct conv_norm *c,
                           const struct conv_norm_back *b);
    void (*block_end_train)(struct stream *s, const struct block_end *e);
    void (*block_end_eval)(struct stream *s, const struct block_end *e);
    void (*block_end_back)(struct stream *s, const struct block_end *e,
                           const struct block_end_back *b);
    void (*conv_relu)(struct stream *s, const struct conv_relu *c);
    void (*conv_relu_back)(struct stream *s, const struct conv_relu *c,
                           const struct conv_relu_back *b);
    void (*pool)(struct stream *s, const struct pool *p);
    void (*pool_back)(struct stream *s, const struct pool *p,
                      const struct pool_back *b);
    void (*vector_norm_train)(struct stream *s, const struct vector_norm *v);
    void (*vector_norm_eval)(struct stream *s, const struct vector_norm *v);
    void (*vector_norm_back)(struct stream *s, const struct vector_norm *v,
                             const struct vector_norm_back *b);
    void (*linear)(struct stream *s, const struct linear *l);
    void (*linear_back)(struct stream *s, const struct linear *l,
                        const struct linear_back *b);
    void (*margin_loss)(struct stream *s, const struct margin_loss *l,
                        struct margin_result *result);
    // One update of n consecutive values of w, by g, with moments m and v.
    void (*adam)(struct stream *s, const struct adam_factors *f, size_t n,
                 const struct place wgmv[4]);
};

#endif
