// SPDX-License-Identifier: Apache-2.0
// make_history.c - fills DIR with a search of N measured trials and a few that are
// open, as a coordinator would have left it: make_history STUDY.yaml DIR N.
#include "common/blob/store.h"
#include "common/conf/study.h"
#include "coordinator/store/study_row.h"
#include "coordinator/store/task.h"
#include "coordinator/store/trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PER_COMMIT 5000
#define N_OPEN     8

static struct errinfo why;

static void must(enum err e)
{
    if (e != ERR_OK) {
        fprintf(stderr, "make_history: %s\n", why.text);
        exit(1); // NOLINT(concurrency-mt-unsafe): one thread
    }
}

struct history {
    struct store *store;
    struct study_row study;
    struct arch arch;
};

static void add_study(struct history *h, const char *yaml, const char *dir)
{
    char path[FILE_PATH_MAX];
    struct blob_store *blobs = NULL;
    struct buf text = BUF_INIT;
    struct study_conf *conf = calloc(1, sizeof(*conf));
    BUG_ON(!conf);
    must(study_load(yaml, NULL, 0, conf, &why));
    h->arch = space_largest(&conf->space);
    must(file_path(path, sizeof(path), &why, "%s/blobs", dir));
    must(blob_store_open(path, NULL, &blobs, &why));
    study_print(conf, &text);
    h->study = (struct study_row){.state = STUDY_SEARCHING,
                                  .stage = (uint32_t)conf->train.n_stages - 1,
                                  .n_train_utts = 1000,
                                  .n_speakers = 10,
                                  .n_trials = 100};
    snprintf(h->study.name, sizeof(h->study.name), "%s", conf->name);
    must(blob_put_bytes(blobs, text.data, text.len, h->study.conf, &why));
    must(blob_put_bytes(blobs, "a pack", 6, h->study.pack, &why));
    must(blob_put_bytes(blobs, "weights", 7, h->study.checkpoint, &why));
    must(study_row_insert(h->store, &h->study, &why));
    blob_store_close(blobs);
    buf_fini(&text);
    free(conf);
}

// The protocol makes each a trial of its own: there are not so many networks.
static void add_trial(struct history *h, uint32_t i, bool is_open)
{
    struct trial_row trial = {.study_id = h->study.id,
                              .origin = TRIAL_SEARCH,
                              .stage = h->study.stage,
                              .proposal = i,
                              .arch = h->arch,
                              .protocol = i + 10};
    memcpy(trial.checkpoint, h->study.checkpoint, HASH_HEX_MAX);
    must(trial_insert(h->store, &trial, &why));
    struct task_row task = {.study_id = h->study.id, .trial_id = trial.id};
    task.spec.kind = TASK_EVALUATE;
    memcpy(task.spec.study, h->study.conf, HASH_HEX_MAX);
    memcpy(task.spec.pack, h->study.pack, HASH_HEX_MAX);
    memcpy(task.spec.checkpoint, h->study.checkpoint, HASH_HEX_MAX);
    task.spec.evaluate.protocol = PROTOCOL_FULL;
    arch_print(&h->arch, task.spec.evaluate.architecture);
    must(task_insert(h->store, &task, &why));
    if (is_open) {
        return;
    }
    uint64_t token = 0;
    struct task_result result = {.kind = TASK_EVALUATE};
    result.evaluate = (struct evaluate_result){
        .eer_percent = 5 + i % 100 * .1, .n_trials = 100, .seconds = 1};
    must(task_grant(h->store, task.id, 1, &token, &why));
    must(task_settle(h->store, task.id, token, &result, &why));
    must(trial_measured(h->store, trial.id, &result.evaluate, &why));
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fputs("usage: make_history STUDY.yaml DIR N\n", stderr);
        return 2;
    }
    struct history h = {.store = NULL};
    uint32_t n = (uint32_t)strtoul(argv[3], NULL, 10);
    must(store_open(argv[2], &h.store, &why));
    must(store_begin(h.store, &why));
    add_study(&h, argv[1], argv[2]);
    for (uint32_t i = 0; i < n + N_OPEN; i++) {
        must(store_begin(h.store, &why));
        add_trial(&h, i, i >= n);
        if (i % PER_COMMIT == 0) {
            must(store_commit(h.store, &why));
        }
    }
    must(store_commit(h.store, &why));
    store_close(h.store);
    return 0;
}
