// SPDX-License-Identifier: Apache-2.0
// maps.c - see maps.h. One table per message, in the order of voxarch.proto.
#include "proto/maps.h"

#include "proto/voxarch.pb-c.h"

#define LEN(a)        (sizeof(a) / sizeof((a)[0]))
#define SIZE_OF(s, m) sizeof(((s *)0)->m)
#define ANY           UINT64_MAX

// Field n of the schema is member m of plain struct s.
#define U32(n, s, m, lo, hi)                                                 \
    {                                                                        \
        .number = (n), .type = CODEC_U32, .at = offsetof(s, m), .min = (lo), \
        .max = (hi)                                                          \
    }
#define U64(n, s, m, lo, hi)                                                 \
    {                                                                        \
        .number = (n), .type = CODEC_U64, .at = offsetof(s, m), .min = (lo), \
        .max = (hi)                                                          \
    }
#define ENUM(n, s, m, lo, hi)                                                 \
    {                                                                         \
        .number = (n), .type = CODEC_ENUM, .at = offsetof(s, m), .min = (lo), \
        .max = (hi)                                                           \
    }
#define BOOL(n, s, m)                                           \
    {                                                           \
        .number = (n), .type = CODEC_BOOL, .at = offsetof(s, m) \
    }
#define F64(n, s, m, lo, hi)                                                 \
    {                                                                        \
        .number = (n), .type = CODEC_F64, .at = offsetof(s, m), .low = (lo), \
        .high = (hi)                                                         \
    }
#define TEXT(n, s, m, shortest)                                                     \
    {                                                                               \
        .number = (n), .type = CODEC_TEXT, .at = offsetof(s, m), .min = (shortest), \
        .cap = SIZE_OF(s, m)                                                        \
    }
#define HASH(n, s, m, needed)                                                    \
    {                                                                            \
        .number = (n), .type = CODEC_HASH, .at = offsetof(s, m), .min = (needed) \
    }
#define INNER(n, s, m, needed, map)                                                  \
    {                                                                                \
        .number = (n), .type = CODEC_MESSAGE, .at = offsetof(s, m), .min = (needed), \
        .inner = &(map)                                                              \
    }
#define CHOICE(n, s, m, kind_value, map)                                    \
    {                                                                       \
        .number = (n), .type = CODEC_CHOICE, .at = offsetof(s, m),          \
        .min = (kind_value), .count_at = offsetof(s, kind), .inner = &(map) \
    }
#define LIST(n, s, m, count, map)                                                \
    {                                                                            \
        .number = (n), .type = CODEC_LIST, .at = offsetof(s, m),                 \
        .cap = LEN(((s *)0)->m), .count_at = offsetof(s, count), .inner = &(map) \
    }
#define U64S(n, s, m, count)                                                           \
    {                                                                                  \
        .number = (n), .type = CODEC_U64S, .at = offsetof(s, m), .min = 1, .max = ANY, \
        .cap = LEN(((s *)0)->m), .count_at = offsetof(s, count)                        \
    }

#define MAP(generated_name, s, table, rule_fn)                                    \
    {                                                                             \
        .generated = &voxarch__##generated_name##__descriptor, .size = sizeof(s), \
        .fields = (table), .n_fields = LEN(table), .rule = (rule_fn)              \
    }

// Bounds that keep sums and products of these numbers far from overflow.
#define MAX_COUNT       (1ull << 48)
#define MAX_LOSS        1e30
#define MAX_MS          (24ull * 3600 * 1000)
#define MAX_STAGE       63
#define TASK_STATE_LAST 5
#define MAX_SHARDS      4096
#define MAX_STEPS       100000000

// ---- tasks

static const struct codec_field train_fields[] = {
    U32(1, struct train_task, stage, 0, MAX_STAGE),
    U32(2, struct train_task, round, 0, UINT32_MAX),
    U32(3, struct train_task, shard, 0, MAX_SHARDS - 1),
    U32(4, struct train_task, n_shards, 1, MAX_SHARDS),
    U64(5, struct train_task, position, 0, MAX_COUNT),
    U32(6, struct train_task, stride, 1, MAX_SHARDS),
    U64(7, struct train_task, batch_first, 0, MAX_COUNT),
    U32(8, struct train_task, n_steps, 1, MAX_STEPS),
    U64(9, struct train_task, n_batches, 1, MAX_COUNT),
};

static const char *train_rule(const void *plain)
{
    const struct train_task *t = plain;
    return t->shard < t->n_shards ? NULL : "shard is not below n_shards";
}

static const struct codec_map train_map =
    MAP(train, struct train_task, train_fields, train_rule);

static const struct codec_field evaluate_fields[] = {
    TEXT(1, struct evaluate_task, architecture, 1),
    U32(2, struct evaluate_task, protocol, 0, 255),
    BOOL(3, struct evaluate_task, keep_network),
};
static const struct codec_map evaluate_map =
    MAP(evaluate, struct evaluate_task, evaluate_fields, NULL);

static const struct codec_field measure_fields[] = {
    TEXT(1, struct measure_task, architecture, 1),
    TEXT(2, struct measure_task, device, 1),
    U32(3, struct measure_task, batch, 1, LIMIT_MEASURE_BATCH),
    U32(4, struct measure_task, frames, 1, LIMIT_MEASURE_FRAMES),
    U32(5, struct measure_task, threads, 1, LIMIT_MEASURE_THREADS),
    U32(6, struct measure_task, budget_ms, 1, LIMIT_MEASURE_MS),
};

static const char *measure_rule(const void *plain)
{
    const struct measure_task *m = plain;
    return (uint64_t)m->batch * m->frames <= LIMIT_MEASURE_ROWS
               ? NULL
               : "batch x frames is too large";
}

static const struct codec_map measure_map =
    MAP(measure, struct measure_task, measure_fields, measure_rule);

static const struct codec_field finetune_fields[] = {
    TEXT(1, struct finetune_task, architecture, 1),
    U32(2, struct finetune_task, protocol, 0, 255),
};
static const struct codec_map finetune_map =
    MAP(finetune, struct finetune_task, finetune_fields, NULL);

static const struct codec_field spec_fields[] = {
    HASH(1, struct task_spec, study, 1),
    HASH(2, struct task_spec, pack, 0),
    HASH(3, struct task_spec, checkpoint, 0),
    U64(4, struct task_spec, memory_bytes, 0, ANY),
    U32(5, struct task_spec, run_s, 0, LIMIT_RUN_S),
    CHOICE(16, struct task_spec, train, TASK_TRAIN, train_map),
    CHOICE(17, struct task_spec, evaluate, TASK_EVALUATE, evaluate_map),
    CHOICE(18, struct task_spec, measure, TASK_MEASURE, measure_map),
    CHOICE(19, struct task_spec, finetune, TASK_FINETUNE, finetune_map),
};

static const char *spec_rule(const void *plain)
{
    const struct task_spec *s = plain;
    if (!s->kind) {
        return "says not what is to be done";
    }
    bool has_data = s->pack[0] != '\0' || s->kind == TASK_MEASURE;
    return has_data ? NULL : "names no packed data";
}

static const struct codec_map spec_map =
    MAP(task_spec, struct task_spec, spec_fields, spec_rule);

static const struct codec_field train_result_fields[] = {
    HASH(1, struct train_result, checkpoint, 1),
    F64(2, struct train_result, loss, -MAX_LOSS, MAX_LOSS),
    F64(3, struct train_result, accuracy, 0, 1),
    U64(4, struct train_result, n_utterances, 0, MAX_COUNT),
    F64(5, struct train_result, seconds, 0, LIMIT_SECONDS),
};
static const struct codec_map train_result_map =
    MAP(train_result, struct train_result, train_result_fields, NULL);

static const struct codec_field evaluate_result_fields[] = {
    F64(1, struct evaluate_result, eer_percent, 0, 100),
    F64(2, struct evaluate_result, mindcf_p01, 0, 1000),
    F64(3, struct evaluate_result, mindcf_p05, 0, 1000),
    U64(4, struct evaluate_result, n_trials, 0, MAX_COUNT),
    HASH(5, struct evaluate_result, network, 0),
    F64(6, struct evaluate_result, seconds, 0, LIMIT_SECONDS),
};
static const struct codec_map evaluate_result_map =
    MAP(evaluate_result, struct evaluate_result, evaluate_result_fields, NULL);

static const struct codec_field timing_fields[] = {
    F64(1, struct timing, median_ms, 0, LIMIT_LATENCY_MS),
    F64(2, struct timing, p90_ms, 0, LIMIT_LATENCY_MS),
    F64(3, struct timing, spread_ms, 0, LIMIT_LATENCY_MS),
    U32(4, struct timing, n, 1, LIMIT_MEASURE_PASSES),
};

static const char *timing_rule(const void *plain)
{
    const struct timing *t = plain;
    return t->median_ms <= t->p90_ms ? NULL : "median_ms is above p90_ms";
}

static const struct codec_map timing_map =
    MAP(timing, struct timing, timing_fields, timing_rule);

static const struct codec_field measure_result_fields[] = {
    INNER(1, struct measure_result, whole, 1, timing_map),
    LIST(2, struct measure_result, units, n_units, timing_map),
    BOOL(3, struct measure_result, is_noisy),
    TEXT(4, struct measure_result, provenance, 0),
    F64(5, struct measure_result, seconds, 0, LIMIT_SECONDS),
};

static const char *measure_result_rule(const void *plain)
{
    const struct measure_result *m = plain;
    if (m->n_units == 0) {
        return "has no units";
    }
    return m->whole.median_ms > 0 ? NULL : "took no time";
}

static const struct codec_map measure_result_map = MAP(
    measure_result, struct measure_result, measure_result_fields, measure_result_rule);

static const struct codec_field finetune_result_fields[] = {
    INNER(1, struct finetune_result, evaluation, 1, evaluate_result_map),
    F64(2, struct finetune_result, loss_first, -MAX_LOSS, MAX_LOSS),
    F64(3, struct finetune_result, loss_last, -MAX_LOSS, MAX_LOSS),
    U64(4, struct finetune_result, n_utterances, 0, MAX_COUNT),
};

static const char *finetune_result_rule(const void *plain)
{
    const struct finetune_result *f = plain;
    return f->evaluation.network[0] ? NULL : "names no network";
}

static const struct codec_map finetune_result_map =
    MAP(finetune_result, struct finetune_result, finetune_result_fields,
        finetune_result_rule);

static const struct codec_field result_of_task_fields[] = {
    CHOICE(16, struct task_result, train, TASK_TRAIN, train_result_map),
    CHOICE(17, struct task_result, evaluate, TASK_EVALUATE, evaluate_result_map),
    CHOICE(18, struct task_result, measure, TASK_MEASURE, measure_result_map),
    CHOICE(19, struct task_result, finetune, TASK_FINETUNE, finetune_result_map),
};

static const char *result_of_task_rule(const void *plain)
{
    const struct task_result *r = plain;
    return r->kind ? NULL : "has no numbers";
}

static const struct codec_map result_of_task_map =
    MAP(task_result, struct task_result, result_of_task_fields, result_of_task_rule);

static const struct codec_field progress_fields[] = {
    F64(1, struct task_progress, fraction, 0, 1),
    F64(2, struct task_progress, loss, -MAX_LOSS, MAX_LOSS),
    F64(3, struct task_progress, utterances_per_s, 0, LIMIT_RATE),
};
static const struct codec_map progress_map =
    MAP(progress, struct task_progress, progress_fields, NULL);

static const struct codec_field held_fields[] = {
    U64(1, struct held_task, task_id, 1, ANY),
    U64(2, struct held_task, token, 1, ANY),
    BOOL(3, struct held_task, has_started),
    INNER(4, struct held_task, progress, 0, progress_map),
};
static const struct codec_map held_map =
    MAP(held_task, struct held_task, held_fields, NULL);

// ---- control: worker to coordinator

static const struct codec_field hello_fields[] = {
    U32(1, struct msg_hello, version_min, 1, 1000000),
    U32(2, struct msg_hello, version_max, 1, 1000000),
    TEXT(3, struct msg_hello, name, 1),
    U64(4, struct msg_hello, session, 1, ANY),
    U32(5, struct msg_hello, slots, 1, LIMIT_HELD_TASKS),
    U32(6, struct msg_hello, threads, 1, 65536),
    U32(7, struct msg_hello, capabilities, 0, UINT32_MAX),
    U64(8, struct msg_hello, memory_bytes, 0, ANY),
    LIST(9, struct msg_hello, held, n_held, held_map),
    TEXT(10, struct msg_hello, device, 0),
};

static const char *hello_rule(const void *plain)
{
    const struct msg_hello *h = plain;
    if (h->version_min > h->version_max) {
        return "version_min is above version_max";
    }
    bool can_measure = h->capabilities & 1u << TASK_MEASURE;
    return !can_measure || h->device[0] ? NULL : "can MEASURE, but names no device";
}

// The one message that is said before a version is agreed upon.
static bool hello_is_ahead(const void *plain)
{
    const struct msg_hello *h = plain;
    return h->version_max > PROTO_VERSION;
}

static const struct codec_map hello_map = {.generated = &voxarch__hello__descriptor,
                                           .size = sizeof(struct msg_hello),
                                           .fields = hello_fields,
                                           .n_fields = LEN(hello_fields),
                                           .rule = hello_rule,
                                           .is_ahead = hello_is_ahead};

static const struct codec_field fetch_fields[] = {
    U64(1, struct msg_fetch, session, 1, ANY),
    U32(2, struct msg_fetch, slots, 0, LIMIT_HELD_TASKS),
};
static const struct codec_map fetch_map =
    MAP(fetch, struct msg_fetch, fetch_fields, NULL);

static const struct codec_field beat_fields[] = {
    U64(1, struct msg_beat, session, 1, ANY),
    LIST(2, struct msg_beat, held, n_held, held_map),
};
static const struct codec_map beat_map = MAP(beat, struct msg_beat, beat_fields, NULL);

static const struct codec_field result_fields[] = {
    U64(1, struct msg_result, session, 1, ANY),
    U64(2, struct msg_result, task_id, 1, ANY),
    U64(3, struct msg_result, token, 1, ANY),
    ENUM(4, struct msg_result, outcome, OUTCOME_OK, OUTCOME_LOST - 1),
    INNER(5, struct msg_result, result, 0, result_of_task_map),
    TEXT(6, struct msg_result, error, 0),
    TEXT(7, struct msg_result, log_tail, 0),
    BOOL(8, struct msg_result, wants_more),
};

static const char *result_rule(const void *plain)
{
    const struct msg_result *r = plain;
    bool is_ok = r->outcome == OUTCOME_OK;
    bool has_result = r->result.kind != 0;
    return is_ok == has_result ? NULL : "the numbers and the outcome contradict";
}

static const struct codec_map result_map =
    MAP(result, struct msg_result, result_fields, result_rule);

static const struct codec_field release_fields[] = {
    U64(1, struct msg_release, session, 1, ANY),
    U64(2, struct msg_release, task_id, 1, ANY),
    U64(3, struct msg_release, token, 1, ANY),
};
static const struct codec_map release_map =
    MAP(release, struct msg_release, release_fields, NULL);

// ---- control: coordinator to worker

static const struct codec_field welcome_fields[] = {
    U32(1, struct msg_welcome, version, 1, 1000000),
    U64(2, struct msg_welcome, worker_id, 1, ANY),
    U32(3, struct msg_welcome, lease_ms, 1, MAX_MS),
    U32(4, struct msg_welcome, beat_ms, 1, MAX_MS),
    TEXT(5, struct msg_welcome, bulk_endpoint, 0),
    U32(6, struct msg_welcome, bulk_port, 0, 65535),
    U64S(7, struct msg_welcome, stale, n_stale),
};

static const char *welcome_rule(const void *plain)
{
    const struct msg_welcome *w = plain;
    bool has_bulk = w->bulk_endpoint[0] != '\0' || w->bulk_port > 0;
    return has_bulk ? NULL : "says not where the bulk socket is";
}

static const struct codec_map welcome_map =
    MAP(welcome, struct msg_welcome, welcome_fields, welcome_rule);

static const struct codec_field lease_fields[] = {
    U64(1, struct msg_lease, task_id, 1, ANY),
    U64(2, struct msg_lease, token, 1, ANY),
    U32(3, struct msg_lease, lease_ms, 1, MAX_MS),
    INNER(4, struct msg_lease, spec, 1, spec_map),
};
static const struct codec_map lease_map =
    MAP(lease, struct msg_lease, lease_fields, NULL);

static const struct codec_field no_task_fields[] = {
    U32(1, struct msg_no_task, retry_ms, 0, MAX_MS),
    BOOL(2, struct msg_no_task, is_draining),
};
static const struct codec_map no_task_map =
    MAP(no_task, struct msg_no_task, no_task_fields, NULL);

static const struct codec_field beat_reply_fields[] = {
    U64S(1, struct msg_beat_reply, cancelled, n_cancelled),
};
static const struct codec_map beat_reply_map =
    MAP(beat_reply, struct msg_beat_reply, beat_reply_fields, NULL);

static const struct codec_field result_reply_fields[] = {
    U64(1, struct msg_result_reply, task_id, 1, ANY),
    U64(2, struct msg_result_reply, token, 1, ANY),
    ENUM(3, struct msg_result_reply, verdict, VERDICT_ACCEPTED, VERDICTS - 1),
};
static const struct codec_map result_reply_map =
    MAP(result_reply, struct msg_result_reply, result_reply_fields, NULL);

static const struct codec_field refused_fields[] = {
    ENUM(1, struct msg_refused, code, ERR_OK + 1, ERR_FULL),
    TEXT(2, struct msg_refused, text, 0),
};
static const struct codec_map refused_map =
    MAP(refused, struct msg_refused, refused_fields, NULL);

// ---- bulk

static const struct codec_field blob_get_fields[] = {
    HASH(1, struct msg_blob_get, hash, 1),
    U64(2, struct msg_blob_get, offset, 0, LIMIT_ARTIFACT_BYTES),
    U32(3, struct msg_blob_get, credit, 1, LIMIT_CREDIT_CHUNKS),
};

static const char *blob_get_rule(const void *plain)
{
    const struct msg_blob_get *g = plain;
    return g->offset % LIMIT_CHUNK_BYTES == 0 ? NULL : "offset is inside a chunk";
}

static const struct codec_map blob_get_map =
    MAP(blob_get, struct msg_blob_get, blob_get_fields, blob_get_rule);

static const struct codec_field blob_chunk_fields[] = {
    HASH(1, struct msg_blob_chunk, hash, 1),
    U64(2, struct msg_blob_chunk, offset, 0, LIMIT_ARTIFACT_BYTES),
    U64(3, struct msg_blob_chunk, total_bytes, 0, LIMIT_ARTIFACT_BYTES),
    U32(4, struct msg_blob_chunk, n_bytes, 0, LIMIT_CHUNK_BYTES),
};

static const char *blob_chunk_rule(const void *plain)
{
    const struct msg_blob_chunk *c = plain;
    return c->offset + c->n_bytes <= c->total_bytes ? NULL : "goes past the end";
}

static const struct codec_map blob_chunk_map =
    MAP(blob_chunk, struct msg_blob_chunk, blob_chunk_fields, blob_chunk_rule);

static const struct codec_field blob_put_fields[] = {
    HASH(1, struct msg_blob_put, hash, 1),
    U64(2, struct msg_blob_put, total_bytes, 0, LIMIT_ARTIFACT_BYTES),
};
static const struct codec_map blob_put_map =
    MAP(blob_put, struct msg_blob_put, blob_put_fields, NULL);

static const struct codec_field blob_credit_fields[] = {
    HASH(1, struct msg_blob_credit, hash, 1),
    U64(2, struct msg_blob_credit, offset, 0, LIMIT_ARTIFACT_BYTES),
    U32(3, struct msg_blob_credit, credit, 1, LIMIT_CREDIT_CHUNKS),
};
static const struct codec_map blob_credit_map =
    MAP(blob_credit, struct msg_blob_credit, blob_credit_fields, NULL);

static const struct codec_field blob_done_fields[] = {
    HASH(1, struct msg_blob_done, hash, 1),
    ENUM(2, struct msg_blob_done, code, ERR_OK, ERR_FULL),
    TEXT(3, struct msg_blob_done, text, 0),
};
static const struct codec_map blob_done_map =
    MAP(blob_done, struct msg_blob_done, blob_done_fields, NULL);

// ---- admin

static const struct codec_field study_fields[] = {
    U64(1, struct status_study, id, 1, ANY),
    TEXT(2, struct status_study, name, 0),
    TEXT(3, struct status_study, state, 0),
    TEXT(4, struct status_study, detail, 0),
    U32(5, struct status_study, stage, 0, UINT32_MAX),
    U32(6, struct status_study, n_stages, 0, UINT32_MAX),
    TEXT(7, struct status_study, stage_name, 0),
    U64(8, struct status_study, batches_done, 0, ANY),
    U64(9, struct status_study, batches_total, 0, ANY),
    F64(10, struct status_study, loss, -MAX_LOSS, MAX_LOSS),
    F64(11, struct status_study, utterances_per_s, 0, LIMIT_RATE),
    F64(12, struct status_study, last_eer_percent, 0, 100),
    U32(13, struct status_study, trials_done, 0, UINT32_MAX),
    U32(14, struct status_study, trials_total, 0, UINT32_MAX),
    U32(15, struct status_study, tasks_ready, 0, UINT32_MAX),
    U32(16, struct status_study, tasks_leased, 0, UINT32_MAX),
    U32(17, struct status_study, tasks_done, 0, UINT32_MAX),
    U32(18, struct status_study, tasks_buried, 0, UINT32_MAX),
    F64(19, struct status_study, seconds_left, -LIMIT_SECONDS, LIMIT_SECONDS),
    BOOL(20, struct status_study, is_paused),
    F64(21, struct status_study, weight, 0, LIMIT_WEIGHT),
};
static const struct codec_map study_map =
    MAP(status_study, struct status_study, study_fields, NULL);

static const struct codec_field worker_fields[] = {
    U64(1, struct status_worker, id, 1, ANY),
    TEXT(2, struct status_worker, name, 0),
    TEXT(3, struct status_worker, state, 0),
    U64(4, struct status_worker, task_id, 0, ANY),
    INNER(5, struct status_worker, progress, 0, progress_map),
    TEXT(6, struct status_worker, reason, 0),
};
static const struct codec_map worker_map =
    MAP(status_worker, struct status_worker, worker_fields, NULL);

static const struct codec_field status_reply_fields[] = {
    BOOL(1, struct msg_status_reply, is_draining),
    U64(2, struct msg_status_reply, results_accepted, 0, ANY),
    U64(3, struct msg_status_reply, results_repeated, 0, ANY),
    U64(4, struct msg_status_reply, results_stale, 0, ANY),
    U64(5, struct msg_status_reply, messages_refused, 0, ANY),
    LIST(6, struct msg_status_reply, studies, n_studies, study_map),
    LIST(7, struct msg_status_reply, workers, n_workers, worker_map),
    U64(8, struct msg_status_reply, refusals[REFUSAL_MALFORMED], 0, ANY),
    U64(9, struct msg_status_reply, refusals[REFUSAL_RIGHTS], 0, ANY),
    U64(10, struct msg_status_reply, refusals[REFUSAL_OWNER], 0, ANY),
    U64(11, struct msg_status_reply, refusals[REFUSAL_KEY], 0, ANY),
    U64(12, struct msg_status_reply, refusals[REFUSAL_HANDSHAKE], 0, ANY),
    BOOL(13, struct msg_status_reply, is_disk_full),
};
static const struct codec_map status_reply_map =
    MAP(status_reply, struct msg_status_reply, status_reply_fields, NULL);

static const struct codec_field task_list_fields[] = {
    TEXT(1, struct msg_task_list, study, 0),
    U32(2, struct msg_task_list, state, 0, TASK_STATE_LAST),
    U64(3, struct msg_task_list, after, 0, ANY),
};
static const struct codec_map task_list_map =
    MAP(task_list, struct msg_task_list, task_list_fields, NULL);

static const struct codec_field listed_fields[] = {
    U64(1, struct listed_task, id, 1, ANY),
    U32(2, struct listed_task, kind, 1, TASK_KINDS - 1),
    U32(3, struct listed_task, state, 1, TASK_STATE_LAST),
    U32(4, struct listed_task, n_charged, 0, UINT32_MAX),
    TEXT(5, struct listed_task, study, 0),
    TEXT(6, struct listed_task, what, 0),
    TEXT(7, struct listed_task, worker, 0),
    TEXT(8, struct listed_task, error, 0),
};
static const struct codec_map listed_map =
    MAP(listed_task, struct listed_task, listed_fields, NULL);

static const struct codec_field task_list_reply_fields[] = {
    U64(1, struct msg_task_list_reply, next, 0, ANY),
    LIST(2, struct msg_task_list_reply, tasks, n_tasks, listed_map),
};
static const struct codec_map task_list_reply_map =
    MAP(task_list_reply, struct msg_task_list_reply, task_list_reply_fields, NULL);

static const struct codec_field task_kick_fields[] = {
    U64S(1, struct msg_task_kick, ids, n_ids),
};
static const struct codec_map task_kick_map =
    MAP(task_kick, struct msg_task_kick, task_kick_fields, NULL);

static const struct codec_field explain_fields[] = {
    U64(1, struct msg_explain, task_id, 1, ANY),
};
static const struct codec_map explain_map =
    MAP(explain, struct msg_explain, explain_fields, NULL);

static const struct codec_field explain_reply_fields[] = {
    TEXT(1, struct msg_explain_reply, text, 0),
};
static const struct codec_map explain_reply_map =
    MAP(explain_reply, struct msg_explain_reply, explain_reply_fields, NULL);

static const struct codec_field worker_order_fields[] = {
    U32(1, struct msg_worker_order, order, 1, WORKER_ORDERS - 1),
    TEXT(2, struct msg_worker_order, name, 1),
};
static const struct codec_map worker_order_map =
    MAP(worker_order, struct msg_worker_order, worker_order_fields, NULL);

static const struct codec_field study_submit_fields[] = {
    TEXT(1, struct msg_study_submit, file, 1),
    TEXT(2, struct msg_study_submit, dir, 1),
    TEXT(3, struct msg_study_submit, text, 1),
};
static const struct codec_map study_submit_map =
    MAP(study_submit, struct msg_study_submit, study_submit_fields, NULL);

static const struct codec_field study_order_fields[] = {
    U32(1, struct msg_study_order, order, 1, STUDY_ORDERS - 1),
    TEXT(2, struct msg_study_order, name, 1),
};
static const struct codec_map study_order_map =
    MAP(study_order, struct msg_study_order, study_order_fields, NULL);

static const struct codec_field order_reply_fields[] = {
    U32(1, struct msg_order_reply, n, 0, UINT32_MAX),
    TEXT(2, struct msg_order_reply, text, 0),
};
static const struct codec_map order_reply_map =
    MAP(order_reply, struct msg_order_reply, order_reply_fields, NULL);

// ---- messages without fields

#define EMPTY(generated_name)                                 \
    {                                                         \
        .generated = &voxarch__##generated_name##__descriptor \
    }

static const struct codec_map bye_map = EMPTY(bye);
static const struct codec_map status_map = EMPTY(status);
static const struct codec_map drain_map = EMPTY(drain);
static const struct codec_map drain_reply_map = EMPTY(drain_reply);

#define HELD_BYTES    ((size_t)64 * LIMIT_HELD_TASKS) // a held task takes at most 54
#define HELD_ID_BYTES ((size_t)16 * LIMIT_HELD_TASKS)

static const struct kind_entry kinds[MSG_KINDS] = {
    [MSG_HELLO] = {1, 512 + HELD_BYTES, &hello_map},
    [MSG_FETCH] = {2, 64, &fetch_map},
    [MSG_BEAT] = {3, 64 + HELD_BYTES, &beat_map},
    [MSG_RESULT] = {4, LIMIT_LOG_TAIL + LIMIT_TEXT + 2560, &result_map},
    [MSG_RELEASE] = {5, 64, &release_map},
    [MSG_BYE] = {6, 0, &bye_map},
    [MSG_WELCOME] = {16, 256 + HELD_ID_BYTES, &welcome_map},
    [MSG_LEASE] = {17, 1024, &lease_map},
    [MSG_NO_TASK] = {18, 64, &no_task_map},
    [MSG_BEAT_REPLY] = {19, 64 + HELD_ID_BYTES, &beat_reply_map},
    [MSG_RESULT_REPLY] = {20, 64, &result_reply_map},
    [MSG_REFUSED] = {21, 64 + LIMIT_TEXT, &refused_map},
    [MSG_BLOB_GET] = {32, 128, &blob_get_map},
    [MSG_BLOB_CHUNK] = {33, 128, &blob_chunk_map},
    [MSG_BLOB_PUT] = {34, 128, &blob_put_map},
    [MSG_BLOB_CREDIT] = {35, 128, &blob_credit_map},
    [MSG_BLOB_DONE] = {36, 128 + LIMIT_TEXT, &blob_done_map},
    [MSG_STATUS] = {48, 0, &status_map},
    [MSG_STATUS_REPLY] = {49, LIMIT_MESSAGE_BYTES - 64, &status_reply_map},
    [MSG_DRAIN] = {50, 0, &drain_map},
    [MSG_DRAIN_REPLY] = {51, 0, &drain_reply_map},
    [MSG_TASK_LIST] = {52, 128, &task_list_map},
    [MSG_TASK_LIST_REPLY] = {53, (size_t)512 * LIMIT_LISTED_TASKS,
                             &task_list_reply_map},
    [MSG_TASK_KICK] = {54, 64 + (size_t)16 * LIMIT_KICKED_TASKS, &task_kick_map},
    [MSG_EXPLAIN] = {55, 64, &explain_map},
    [MSG_EXPLAIN_REPLY] = {56, 64 + LIMIT_EXPLANATION, &explain_reply_map},
    [MSG_WORKER_ORDER] = {57, 128, &worker_order_map},
    [MSG_STUDY_SUBMIT] = {58, 1024 + (size_t)LIMIT_STUDY_TEXT, &study_submit_map},
    [MSG_STUDY_ORDER] = {59, 128, &study_order_map},
    [MSG_ORDER_REPLY] = {60, 64 + LIMIT_TEXT, &order_reply_map},
};

// The plain enums cross the wire as they are.
_Static_assert((int)OUTCOME_OK == VOXARCH__OUTCOME__OK &&
                   (int)OUTCOME_ERROR == VOXARCH__OUTCOME__ERROR &&
                   (int)OUTCOME_CRASH == VOXARCH__OUTCOME__CRASH &&
                   (int)OUTCOME_NUMERIC == VOXARCH__OUTCOME__NUMERIC &&
                   (int)OUTCOME_NOMEM == VOXARCH__OUTCOME__NOMEM &&
                   (int)OUTCOME_TIMEOUT == VOXARCH__OUTCOME__TIMEOUT &&
                   (int)OUTCOME_HANG == VOXARCH__OUTCOME__HANG,
               "enum outcome follows voxarch.proto");
_Static_assert((int)VERDICT_ACCEPTED == VOXARCH__VERDICT__ACCEPTED &&
                   (int)VERDICT_REPEATED == VOXARCH__VERDICT__REPEATED &&
                   (int)VERDICT_STALE == VOXARCH__VERDICT__STALE,
               "enum verdict follows voxarch.proto");
_Static_assert((int)ERR_INPUT == VOXARCH__CODE__CODE_INPUT &&
                   (int)ERR_LIMIT == VOXARCH__CODE__CODE_LIMIT &&
                   (int)ERR_PROTO == VOXARCH__CODE__CODE_PROTO &&
                   (int)ERR_AUTH == VOXARCH__CODE__CODE_AUTH &&
                   (int)ERR_STALE == VOXARCH__CODE__CODE_STALE &&
                   (int)ERR_NOTFOUND == VOXARCH__CODE__CODE_NOTFOUND &&
                   (int)ERR_BUSY == VOXARCH__CODE__CODE_BUSY &&
                   (int)ERR_IO == VOXARCH__CODE__CODE_IO &&
                   (int)ERR_CORRUPT == VOXARCH__CODE__CODE_CORRUPT &&
                   (int)ERR_NUMERIC == VOXARCH__CODE__CODE_NUMERIC &&
                   (int)ERR_NOMEM == VOXARCH__CODE__CODE_NOMEM &&
                   (int)ERR_CANCELLED == VOXARCH__CODE__CODE_CANCELLED &&
                   (int)ERR_FULL == VOXARCH__CODE__CODE_FULL,
               "enum err follows voxarch.proto");

const struct kind_entry *maps_kind(enum msg_kind k)
{
    BUG_ON(k >= MSG_KINDS);
    return &kinds[k];
}

const struct codec_map *maps_spec(void)
{
    return &spec_map;
}

const struct codec_map *maps_result(void)
{
    return &result_of_task_map;
}
