// SPDX-License-Identifier: Apache-2.0
// merge_job.c - see merge_job.h.
#include "coordinator/study/merge_job.h"

#include "common/blob/retire.h"
#include "coordinator/study/merge.h"
#include "coordinator/study/train_round.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Damage would be averaged into everything that follows.
static enum err check_shards(const struct merge_job *m, struct blob_store *blobs,
                             struct errinfo *why)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < m->n_shards && e == ERR_OK; i++) {
        const char *hash = strrchr(m->paths[i], '/') + 1;
        e = blob_verify(blobs, hash, why);
        if (e == ERR_CORRUPT) {
            enum err moved = blob_quarantine(blobs, hash, why);
            e = moved == ERR_OK || moved == ERR_NOTFOUND ? ERR_CORRUPT : ERR_IO;
        }
    }
    return e;
}

static enum err merge_into(struct merge_job *m, struct blob_store *blobs,
                           const char *scratch, struct errinfo *why)
{
    char position[24];
    snprintf(position, sizeof(position), "%llu", (unsigned long long)m->position);
    const struct merge_note notes[] = {{"position", position}};
    const char **paths = calloc(m->n_shards, sizeof(*paths));
    BUG_ON(!paths);
    for (size_t i = 0; i < m->n_shards; i++) {
        paths[i] = m->paths[i];
    }
    enum err e = check_shards(m, blobs, why);
    if (e == ERR_OK) {
        e = merge_checkpoints(paths, m->n_shards, notes, 1, scratch, why);
    }
    free(paths);
    if (e == ERR_OK) {
        e = blob_take_file(blobs, scratch, m->checkpoint, NULL, why);
    }
    return e;
}

static enum err merge_job_run(struct job *j, struct errinfo *why)
{
    struct merge_job *m = (struct merge_job *)j;
    struct blob_store *blobs = NULL;
    char scratch[FILE_PATH_MAX];
    enum err e = blob_store_open(m->blob_dir, NULL, &blobs, why);
    if (e == ERR_OK) {
        e = blob_scratch_path(blobs, scratch, why);
    }
    if (e == ERR_OK) {
        e = merge_into(m, blobs, scratch, why);
    }
    blob_store_close(blobs); // removes the scratch file where one is left
    return e;
}

enum err merge_job_create(const struct blob_store *blobs, const struct task_row *shards,
                          size_t n_shards, struct merge_job **out, struct errinfo *why)
{
    struct merge_job *m = calloc(1, sizeof(*m));
    BUG_ON(!m || n_shards == 0);
    m->job.run = merge_job_run;
    m->n_shards = n_shards;
    m->position = train_round_end(&shards[0].spec.train);
    m->paths = calloc(n_shards, sizeof(*m->paths));
    BUG_ON(!m->paths);
    enum err e =
        file_path(m->blob_dir, sizeof(m->blob_dir), why, "%s", blob_store_dir(blobs));
    for (size_t i = 0; i < n_shards && e == ERR_OK; i++) {
        e = blob_path(blobs, shards[i].result.train.checkpoint, m->paths[i], NULL, why);
    }
    if (e != ERR_OK) {
        merge_job_destroy(m);
        return e;
    }
    *out = m;
    return ERR_OK;
}

void merge_job_destroy(struct merge_job *m)
{
    if (!m) {
        return;
    }
    free(m->paths);
    free(m);
}
