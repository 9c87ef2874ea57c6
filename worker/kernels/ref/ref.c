// SPDX-License-Identifier: Apache-2.0
// ref.c - the table of the reference backend; see ref.h.
#include "worker/kernels/ref/ref.h"

const struct kernels ref_kernels = {
    .name = "ref",
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
    .conv_norm_train = ref_conv_norm_train,
    .conv_norm_eval = ref_conv_norm_eval,
    .conv_norm_back = ref_conv_norm_back,
    .block_end_train = ref_block_end_train,
    .block_end_eval = ref_block_end_eval,
    .block_end_back = ref_block_end_back,
    .conv_relu = ref_conv_relu,
    .conv_relu_back = ref_conv_relu_back,
    .pool = ref_pool,
    .pool_back = ref_pool_back,
    .vector_norm_train = ref_vector_norm_train,
    .vector_norm_eval = ref_vector_norm_eval,
    .vector_norm_back = ref_vector_norm_back,
    .linear = ref_linear,
    .linear_back = ref_linear_back,
    .margin_loss = ref_margin_loss,
    .adam = host_adam,
};
