// SPDX-License-Identifier: Apache-2.0
// names.c - the short names of kinds and outcomes, for logs, rows and people.
#include "proto/wire.h"

static const char *const msg_kinds[MSG_KINDS] = {
    [MSG_NONE] = "NONE",
    [MSG_HELLO] = "HELLO",
    [MSG_FETCH] = "FETCH",
    [MSG_BEAT] = "BEAT",
    [MSG_RESULT] = "RESULT",
    [MSG_RELEASE] = "RELEASE",
    [MSG_BYE] = "BYE",
    [MSG_WELCOME] = "WELCOME",
    [MSG_LEASE] = "LEASE",
    [MSG_NO_TASK] = "NO_TASK",
    [MSG_BEAT_REPLY] = "BEAT_REPLY",
    [MSG_RESULT_REPLY] = "RESULT_REPLY",
    [MSG_REFUSED] = "REFUSED",
    [MSG_BLOB_GET] = "BLOB_GET",
    [MSG_BLOB_CHUNK] = "BLOB_CHUNK",
    [MSG_BLOB_PUT] = "BLOB_PUT",
    [MSG_BLOB_CREDIT] = "BLOB_CREDIT",
    [MSG_BLOB_DONE] = "BLOB_DONE",
    [MSG_STATUS] = "STATUS",
    [MSG_STATUS_REPLY] = "STATUS_REPLY",
    [MSG_DRAIN] = "DRAIN",
    [MSG_DRAIN_REPLY] = "DRAIN_REPLY",
    [MSG_TASK_LIST] = "TASK_LIST",
    [MSG_TASK_LIST_REPLY] = "TASK_LIST_REPLY",
    [MSG_TASK_KICK] = "TASK_KICK",
    [MSG_EXPLAIN] = "EXPLAIN",
    [MSG_EXPLAIN_REPLY] = "EXPLAIN_REPLY",
    [MSG_WORKER_ORDER] = "WORKER_ORDER",
    [MSG_STUDY_SUBMIT] = "STUDY_SUBMIT",
    [MSG_STUDY_ORDER] = "STUDY_ORDER",
    [MSG_ORDER_REPLY] = "ORDER_REPLY",
};

static const char *const outcomes[OUTCOMES] = {
    [OUTCOME_OK] = "ok",       [OUTCOME_ERROR] = "error",
    [OUTCOME_CRASH] = "crash", [OUTCOME_NUMERIC] = "numeric",
    [OUTCOME_NOMEM] = "nomem", [OUTCOME_TIMEOUT] = "timeout",
    [OUTCOME_HANG] = "hang",   [OUTCOME_LOST] = "lost",
};

static const char *const task_kinds[TASK_KINDS] = {
    [TASK_TRAIN] = "train",
    [TASK_EVALUATE] = "evaluate",
    [TASK_MEASURE] = "measure",
    [TASK_FINETUNE] = "finetune",
};

static const char *name_at(const char *const *names, size_t n, size_t i)
{
    return i < n && names[i] ? names[i] : "unknown";
}

const char *msg_kind_name(enum msg_kind k)
{
    return name_at(msg_kinds, MSG_KINDS, k);
}

const char *outcome_name(enum outcome o)
{
    return name_at(outcomes, OUTCOMES, o);
}

const char *task_kind_name(enum task_kind k)
{
    return name_at(task_kinds, TASK_KINDS, k);
}
