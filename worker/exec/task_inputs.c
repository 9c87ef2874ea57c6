// SPDX-License-Identifier: Apache-2.0
// task_inputs.c - see task_inputs.h.
#include "worker/exec/task_inputs.h"

#include "worker/supernet/checkpoint.h"

#include <stdlib.h>

static enum err open_pack(struct task_inputs *in, struct runner *r, const char *hash,
                          struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    uint64_t size_bytes = 0;
    enum err e = blob_path(runner_blobs(r), hash, path, &size_bytes, why);
    if (e == ERR_OK) {
        e = pack_open(path, &in->pack, why);
    }
    if (e != ERR_OK) {
        return err_prefix(why, e, "packed data");
    }
    if (pack_n_speakers(in->pack) < 1 || pack_count(in->pack, PACK_TRAIN) < 1) {
        return err_set(why, ERR_INPUT, "packed data: no training utterances");
    }
    return ERR_OK;
}

static enum err load_supernet(struct task_inputs *in, struct runner *r,
                              const char *hash, struct errinfo *why)
{
    int n_classes = study_n_classes(in->conf, pack_n_speakers(in->pack));
    in->supernet = supernet_create(&in->conf->supernet, n_classes, in->conf->seed);
    if (hash[0] == '\0') {
        return ERR_OK;
    }
    char path[FILE_PATH_MAX];
    uint64_t size_bytes = 0;
    enum err e = blob_path(runner_blobs(r), hash, path, &size_bytes, why);
    if (e == ERR_OK) {
        e = checkpoint_load(in->supernet, path, why);
    }
    return e == ERR_OK ? ERR_OK : err_prefix(why, e, "checkpoint");
}

enum err task_inputs_open(struct task_inputs *in, struct runner *r,
                          const struct task_spec *spec, struct errinfo *why)
{
    *in = (struct task_inputs){.kernels = backend_find(runner_backend(r)),
                               .conf = calloc(1, sizeof(*in->conf))};
    BUG_ON(!in->conf);
    backend_set_threads(runner_threads(r));
    enum err e = in->kernels ? runner_load_study(r, spec->study, in->conf, why)
                             : err_set(why, ERR_INPUT, "no compute backend \"%s\"",
                                       runner_backend(r));
    if (e == ERR_OK) {
        e = open_pack(in, r, spec->pack, why);
    }
    if (e == ERR_OK) {
        e = load_supernet(in, r, spec->checkpoint, why);
    }
    if (e != ERR_OK) {
        task_inputs_close(in);
    }
    return e;
}

void task_inputs_close(struct task_inputs *in)
{
    supernet_destroy(in->supernet);
    pack_close(in->pack);
    free(in->conf);
    *in = (struct task_inputs){0};
}
