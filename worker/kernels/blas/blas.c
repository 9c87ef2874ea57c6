// SPDX-License-Identifier: Apache-2.0
// blas.c - the table of the OpenBLAS backend; see blas.h.
#include "worker/kernels/blas/blas.h"

const struct kernels blas_kernels = {
    .name = "blas",
    .stream_open = host_stream_open,
    .stream_close = host_stream_close,
    .stream_reserve = host_stream_reserve,
    .stream_batch = host_stream_batch,
    .memory_create = host_memory_create,
    .memory_destroy = host_memory_destroy,
    .upload = host_upload,
    .download = host_download,
    .load = host_load,
    .copy = host_copy,
    .conv_norm_train = blas_conv_norm_train,
    .conv_norm_eval = blas_conv_norm_eval,
    .conv_norm_back = blas_conv_norm_back,
    .block_end_train = blas_block_end_train,
    .block_end_eval = blas_block_end_eval,
    .block_end_back = blas_block_end_back,
    .conv_relu = blas_conv_relu,
    .conv_relu_back = blas_conv_relu_back,
    .pool = blas_pool,
    .pool_back = blas_pool_back,
    .vector_norm_train = blas_vector_norm_train,
    .vector_norm_eval = blas_vector_norm_eval,
    .vector_norm_back = blas_vector_norm_back,
    .linear = blas_linear,
    .linear_back = blas_linear_back,
    .margin_loss = blas_margin_loss,
    .adam = host_adam,
};
