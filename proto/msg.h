// SPDX-License-Identifier: Apache-2.0
// msg.h - the messages as plain structs: what the rest of the program sees.
//
// wire.[ch] turns bytes into these and back; nothing else sees generated types. Strings
// are fixed arrays, always terminated; numbers are in the ranges the comments give,
// checked on decoding. PROTOCOL.md says who sends what when.
//
// Owns: nothing; values (struct msg is about 100 KiB because of status: allocate once).
// Threads: any.
#ifndef PROTO_MSG_H
#define PROTO_MSG_H

#include "common/blob/hash.h"
#include "common/space/arch.h"
#include "proto/limits.h"

#include <stdbool.h>
#include <stdint.h>

enum msg_kind {
    MSG_NONE,
    // worker -> coordinator, control socket
    MSG_HELLO,
    MSG_FETCH,
    MSG_BEAT,
    MSG_RESULT,
    MSG_RELEASE,
    MSG_BYE,
    // coordinator -> worker, control socket
    MSG_WELCOME,
    MSG_LEASE,
    MSG_NO_TASK,
    MSG_BEAT_REPLY,
    MSG_RESULT_REPLY,
    MSG_REFUSED,
    // bulk socket, both ways
    MSG_BLOB_GET,
    MSG_BLOB_CHUNK,
    MSG_BLOB_PUT,
    MSG_BLOB_CREDIT,
    MSG_BLOB_DONE,
    // admin socket
    MSG_STATUS,
    MSG_STATUS_REPLY,
    MSG_DRAIN,
    MSG_DRAIN_REPLY,
    MSG_TASK_LIST,
    MSG_TASK_LIST_REPLY,
    MSG_TASK_KICK,
    MSG_EXPLAIN,
    MSG_EXPLAIN_REPLY,
    MSG_WORKER_ORDER,
    MSG_STUDY_SUBMIT,
    MSG_STUDY_ORDER,
    MSG_ORDER_REPLY, // to the orders: TASK_KICK, WORKER_ORDER, STUDY_SUBMIT,
                     // STUDY_ORDER
    MSG_KINDS
};

enum task_kind {
    TASK_TRAIN = 1,
    TASK_EVALUATE = 2,
    TASK_MEASURE = 3,
    TASK_FINETUNE = 4,
    TASK_KINDS
};

// TRAIN: steps of one shard of one round. The path of step i is drawn from
// (seed, RNG_PATH, stage, position + i * stride), its learning rate from the same
// position, its batch from batch_first + i: with one shard (stride 1, batch_first ==
// position) rounds are one uninterrupted training, bit for bit.
struct train_task {
    uint32_t stage; // index into the study's stages
    uint32_t round;
    uint32_t shard;
    uint32_t n_shards;
    uint64_t position;    // batches of this stage consumed before the round
    uint32_t stride;      // batches consumed by all shards per step: n_shards
    uint64_t batch_first; // first batch of this shard
    uint32_t n_steps;
    uint64_t n_batches; // of the whole stage: the schedule's length
};

// EVALUATE: cut out, recalibrate, embed, score.
struct evaluate_task {
    char architecture[ARCH_STRING_MAX];
    uint32_t protocol; // enum protocol
    bool keep_network; // also export the dense network as an artifact
};

// MEASURE: how long one network takes on the device, and each of its units: medians
// over many passes of `batch` utterances with `frames` frames each.
struct measure_task {
    char architecture[ARCH_STRING_MAX];
    char device[LIMIT_DEVICE_NAME];
    uint32_t batch, frames;
    uint32_t threads;   // that compute it, on as many processors
    uint32_t budget_ms; // of measuring
};

// FINETUNE: train one architecture by itself from the supernet's weights, as the
// study's finetune settings say; then as EVALUATE, and keep the network.
struct finetune_task {
    char architecture[ARCH_STRING_MAX];
    uint32_t protocol; // enum protocol
};

// What a worker is asked to do; everything else is in the study artifact.
struct task_spec {
    enum task_kind kind;
    char study[HASH_HEX_MAX];      // resolved study file
    char pack[HASH_HEX_MAX];       // packed data set; "" for MEASURE
    char checkpoint[HASH_HEX_MAX]; // supernet to start from; "" = initial weights
    uint64_t memory_bytes; // it may allocate, and needs of a worker; 0 = not stated
    uint32_t run_s;        // it may run; 0 = what its kind is given
    union {
        struct train_task train;
        struct evaluate_task evaluate;
        struct measure_task measure;
        struct finetune_task finetune;
    };
};

// How an attempt ended.
enum outcome {
    OUTCOME_OK = 1,
    OUTCOME_ERROR,   // the runner said what is wrong
    OUTCOME_CRASH,   // killed by a signal or exited without a word
    OUTCOME_NUMERIC, // NaN or infinity in losses, weights, embeddings or scores
    OUTCOME_NOMEM,   // memory was refused, or the kernel killed for lack of it
    OUTCOME_TIMEOUT, // it ran for longer than its limit
    OUTCOME_HANG,    // alive, but without progress for too long
    OUTCOME_LOST,    // lease expired (never on the wire)
    OUTCOMES
};

struct train_result {
    char checkpoint[HASH_HEX_MAX];
    double loss;     // mean over the shard's steps
    double accuracy; // share of training utterances classified right
    uint64_t n_utterances;
    double seconds;
};

struct evaluate_result {
    double eer_percent;
    double mindcf_p01;
    double mindcf_p05;
    uint64_t n_trials;
    char network[HASH_HEX_MAX]; // "" unless keep_network
    double seconds;
};

struct timing { // of n passes
    double median_ms;
    double p90_ms;
    double spread_ms; // interquartile range
    uint32_t n;
};

struct measure_result {
    struct timing whole;
    uint32_t n_units; // depth + 4: layer1, each block, catconv, pool, embed
    struct timing units[LIMIT_MEASURE_UNITS];
    bool is_noisy; // also after it was repeated: other work, a throttled processor
    char provenance[LIMIT_PROVENANCE]; // `key: value` lines: processor, libraries, load
    double seconds;
};

struct finetune_result {
    struct evaluate_result evaluation; // of the fine-tuned network, which is kept
    double loss_first;                 // mean over the first tenth of its batches
    double loss_last;                  // over the last
    uint64_t n_utterances;             // heard while training
};

struct task_result {
    enum task_kind kind;
    union {
        struct train_result train;
        struct evaluate_result evaluate;
        struct measure_result measure;
        struct finetune_result finetune;
    };
};

struct task_progress {
    double fraction; // 0..1
    double loss;     // TRAIN, FINETUNE: recent mean; 0 before the first step
    double utterances_per_s;
};

struct held_task {
    uint64_t task_id;
    uint64_t token;
    bool has_started; // a runner was spawned for it
    struct task_progress progress;
};

struct msg_hello {
    uint32_t version_min, version_max;
    char name[64];                  // host and process, for people
    uint64_t session;               // random per process start
    uint32_t slots;                 // tasks it can hold at once
    uint32_t threads;               // per task
    uint32_t capabilities;          // bit per task kind: 1 << TASK_TRAIN | ...
    uint64_t memory_bytes;          // that each task may allocate; 0 = not said
    char device[LIMIT_DEVICE_NAME]; // "" unless it can MEASURE
    uint32_t n_held;
    struct held_task held[LIMIT_HELD_TASKS];
};

struct msg_welcome {
    uint32_t version;
    uint64_t worker_id;
    uint32_t lease_ms;
    uint32_t beat_ms;
    char
        bulk_endpoint[128]; // "" = same host as the control endpoint, port in bulk_port
    uint32_t bulk_port;
    uint32_t n_stale; // held tasks of the HELLO that are no longer theirs
    uint64_t stale[LIMIT_HELD_TASKS];
};

struct msg_fetch {
    uint64_t session;
    uint32_t slots; // free now
};

struct msg_lease {
    uint64_t task_id;
    uint64_t token;
    uint32_t lease_ms;
    struct task_spec spec;
};

struct msg_no_task {
    uint32_t retry_ms;
    bool is_draining; // nothing more will come: finish and leave
};

struct msg_beat {
    uint64_t session;
    uint32_t n_held;
    struct held_task held[LIMIT_HELD_TASKS];
};

struct msg_beat_reply {
    uint32_t n_cancelled; // stop these: stale, cancelled or unknown
    uint64_t cancelled[LIMIT_HELD_TASKS];
};

struct msg_result {
    uint64_t session;
    uint64_t task_id;
    uint64_t token;
    bool wants_more; // its slot may be filled again
    enum outcome outcome;
    struct task_result result;     // when OUTCOME_OK
    char error[LIMIT_TEXT];        // otherwise
    char log_tail[LIMIT_LOG_TAIL]; // otherwise
};

enum verdict { VERDICT_ACCEPTED = 1, VERDICT_REPEATED, VERDICT_STALE, VERDICTS };

struct msg_result_reply {
    uint64_t task_id;
    uint64_t token;
    enum verdict verdict;
};

struct msg_release { // give a task back untouched or unfinished
    uint64_t session;
    uint64_t task_id;
    uint64_t token;
};

struct msg_refused { // what was wrong with the peer's message
    enum err code;   // ERR_STALE = unknown session, say HELLO again
    char text[LIMIT_TEXT];
};

struct msg_blob_get { // asks for up to `credit` chunks from `offset`
    char hash[HASH_HEX_MAX];
    uint64_t offset;
    uint32_t credit;
};

struct msg_blob_chunk {
    char hash[HASH_HEX_MAX];
    uint64_t offset;
    uint64_t total_bytes;
    uint32_t n_bytes;
    const void *bytes; // borrowed from the message it came in
};

struct msg_blob_put { // announces an upload; answered by CREDIT or DONE (already there)
    char hash[HASH_HEX_MAX];
    uint64_t total_bytes;
};

struct msg_blob_credit { // the receiver has everything below offset, send on
    char hash[HASH_HEX_MAX];
    uint64_t offset;
    uint32_t credit;
};

struct msg_blob_done { // upload stored and synced, or why the transfer ended
    char hash[HASH_HEX_MAX];
    enum err code;
    char text[LIMIT_TEXT];
};

struct status_study {
    uint64_t id;
    char name[64];
    char state[16];          // study_state_name: "packing", "training" ...
    char detail[LIMIT_TEXT]; // error sentence, or what it is doing
    uint32_t stage, n_stages;
    char stage_name[16];
    uint64_t batches_done, batches_total; // of the whole training
    double loss;
    double utterances_per_s; // all workers together
    double last_eer_percent; // 0 before the first
    uint32_t trials_done, trials_total;
    uint32_t tasks_ready, tasks_leased, tasks_done, tasks_buried;
    bool is_paused;
    double weight;       // its share of the workers, beside other studies
    double seconds_left; // estimate; negative = unknown
};

struct status_worker {
    uint64_t id;
    char name[64];
    char state[16]; // "idle", "busy", "lost", "draining", "drained", "quarantined"
    uint64_t task_id;
    struct task_progress progress;
    char reason[160]; // why it is given nothing; "" = it is
};

enum refusal {         // why something of a peer's was refused
    REFUSAL_MALFORMED, // not the protocol, over a limit, out of place
    REFUSAL_RIGHTS,    // its role may not say that, or its key is no longer listed
    REFUSAL_OWNER,     // a session or an artifact that is not its own
    REFUSAL_KEY,       // a connection under a key that is not listed (for that socket)
    REFUSAL_HANDSHAKE, // a connection that is not encrypted for us
    REFUSAL_REASONS
};

struct msg_status_reply {
    bool is_draining;
    bool is_disk_full; // nothing new is begun
    uint64_t results_accepted, results_repeated, results_stale, messages_refused;
    uint64_t refusals[REFUSAL_REASONS];
    uint32_t n_studies;
    struct status_study studies[LIMIT_STATUS_STUDIES];
    uint32_t n_workers;
    struct status_worker workers[LIMIT_STATUS_WORKERS];
};

// ---- what people ask, and order

struct msg_task_list { // those after an id, of a study and in a state
    char study[64];    // "" = of all
    uint32_t state;    // enum task_state; 0 = in any
    uint64_t after;
};

struct listed_task {
    uint64_t id;
    uint32_t kind, state; // enum task_kind, enum task_state
    uint32_t n_charged;
    char study[64];
    char what[ARCH_STRING_MAX]; // its architecture, or which part of the training
    char worker[64];            // that holds it, did it, or failed it last; "" = none
    char error[160];            // of its last failure, the beginning; "" = none
};

struct msg_task_list_reply {
    uint64_t next; // ask again after this one; 0 = that was all
    uint32_t n_tasks;
    struct listed_task tasks[LIMIT_LISTED_TASKS];
};

struct msg_task_kick {
    uint32_t n_ids;
    uint64_t ids[LIMIT_KICKED_TASKS];
};

struct msg_explain {
    uint64_t task_id;
};

struct msg_explain_reply {
    char text[LIMIT_EXPLANATION]; // sentences, one a line
};

enum worker_order { WORKER_DRAIN = 1, WORKER_RELEASE, WORKER_ORDERS };

struct msg_worker_order {
    enum worker_order order;
    char name[64];
};

struct msg_study_submit {
    char file[128]; // its name, for errors
    char dir[512];  // where relative paths start, on the coordinator's machine
    char text[LIMIT_STUDY_TEXT];
};

enum study_order { STUDY_PAUSE = 1, STUDY_RESUME, STUDY_CANCEL, STUDY_ORDERS };

struct msg_study_order {
    enum study_order order;
    char name[64];
};

struct msg_order_reply { // it is done, and durable
    uint32_t n;          // how many it was done to
    char text[LIMIT_TEXT];
};

struct msg {
    enum msg_kind kind;
    union {
        struct msg_hello hello;
        struct msg_fetch fetch;
        struct msg_beat beat;
        struct msg_result result;
        struct msg_release release;
        struct msg_welcome welcome;
        struct msg_lease lease;
        struct msg_no_task no_task;
        struct msg_beat_reply beat_reply;
        struct msg_result_reply result_reply;
        struct msg_refused refused;
        struct msg_blob_get blob_get;
        struct msg_blob_chunk blob_chunk;
        struct msg_blob_put blob_put;
        struct msg_blob_credit blob_credit;
        struct msg_blob_done blob_done;
        struct msg_status_reply status_reply;
        struct msg_task_list task_list;
        struct msg_task_list_reply task_list_reply;
        struct msg_task_kick task_kick;
        struct msg_explain explain;
        struct msg_explain_reply explain_reply;
        struct msg_worker_order worker_order;
        struct msg_study_submit study_submit;
        struct msg_study_order study_order;
        struct msg_order_reply order_reply;
    };
};

#endif
