// SPDX-License-Identifier: Apache-2.0
// store_fixture.h - a store in a fresh folder, with one study in it.
#ifndef TESTS_UNIT_COORDINATOR_STORE_STORE_FIXTURE_H
#define TESTS_UNIT_COORDINATOR_STORE_STORE_FIXTURE_H

#include "coordinator/store/study_row.h"
#include "coordinator/store/task.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK(expression)                                                       \
    do {                                                                     \
        enum err e_ = (expression);                                          \
        ck_assert_msg(e_ == ERR_OK, "%s: %s: %s", #expression, err_name(e_), \
                      fixture.why.text);                                     \
    } while (0)

static struct {
    char dir[64];
    struct store *store;
    uint64_t study_id;
    struct errinfo why;
} fixture;

static inline void fixture_open(void)
{
    snprintf(fixture.dir, sizeof(fixture.dir), "/tmp/voxarch_store_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(fixture.dir));
    OK(store_open(fixture.dir, &fixture.store, &fixture.why));
    struct study_row study = {.name = "a", .state = STUDY_TRAINING};
    OK(store_begin(fixture.store, &fixture.why));
    OK(study_row_insert(fixture.store, &study, &fixture.why));
    OK(store_commit(fixture.store, &fixture.why));
    fixture.study_id = study.id;
}

static inline void fixture_close(void)
{
    store_close(fixture.store);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", fixture.dir);
    ck_assert_int_eq(system(command), 0); // NOLINT(cert-env33-c,concurrency-mt-unsafe)
}

static inline void fixture_hash(char out[static HASH_HEX_MAX], char digit)
{
    memset(out, digit, HASH_HEX_LEN);
    out[HASH_HEX_LEN] = '\0';
}

static inline struct task_row fixture_train_task(void)
{
    struct task_row row = {.study_id = fixture.study_id, .stage = 1, .round = 2};
    row.spec.kind = TASK_TRAIN;
    fixture_hash(row.spec.study, 'a');
    fixture_hash(row.spec.pack, 'b');
    row.spec.train = (struct train_task){.stage = 1,
                                         .round = 2,
                                         .n_shards = 1,
                                         .stride = 1,
                                         .n_steps = 10,
                                         .n_batches = 100};
    return row;
}

static inline struct task_result fixture_train_result(void)
{
    struct task_result r = {.kind = TASK_TRAIN};
    fixture_hash(r.train.checkpoint, 'c');
    r.train.loss = 1.5;
    r.train.n_utterances = 320;
    return r;
}

// Inserts a TRAIN task, in a transaction of its own unless one is open.
static inline uint64_t fixture_add_task(void)
{
    struct task_row row = fixture_train_task();
    bool is_inside = store_in_transaction(fixture.store);
    OK(store_begin(fixture.store, &fixture.why));
    OK(task_insert(fixture.store, &row, &fixture.why));
    if (!is_inside) {
        OK(store_commit(fixture.store, &fixture.why));
    }
    return row.id;
}

#endif
