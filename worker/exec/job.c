// SPDX-License-Identifier: Apache-2.0
// job.c - see job.h.
#include "worker/exec/job.h"

#include "proto/wire.h"

void job_add(const struct job *j, struct buf *out)
{
    struct buf spec = BUF_INIT;
    wire_encode_spec(&j->spec, &spec);
    size_t begun = frame_begin(out);
    frame_put_bytes(out, spec.data, spec.len);
    frame_put_text(out, j->blob_dir);
    frame_put_text(out, j->also_read);
    frame_put_text(out, j->backend);
    frame_put_u64(out, j->memory_bytes);
    frame_put_u32(out, j->n_threads);
    frame_put_u32(out, j->parent_pid);
    frame_put_u32(out, j->log_level);
    frame_end(out, begun);
    buf_fini(&spec);
}

enum err job_read(struct frame_reader *r, struct job *out, struct errinfo *why)
{
    size_t n = 0;
    const void *spec = frame_get_bytes(r, &n);
    frame_get_text(r, out->blob_dir, sizeof(out->blob_dir));
    frame_get_text(r, out->also_read, sizeof(out->also_read));
    frame_get_text(r, out->backend, sizeof(out->backend));
    out->memory_bytes = frame_get_u64(r);
    out->n_threads = frame_get_u32(r);
    out->parent_pid = frame_get_u32(r);
    uint32_t level = frame_get_u32(r);
    if (!frame_is_read(r) || level > LOG_ERROR) {
        return err_set(why, ERR_PROTO, "the job is malformed");
    }
    out->log_level = (enum log_level)level;
    return wire_decode_spec(spec, n, &out->spec, why);
}
