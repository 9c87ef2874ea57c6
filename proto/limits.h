// SPDX-License-Identifier: Apache-2.0
// limits.h - every limit of the protocol, with its reason.
#ifndef PROTO_LIMITS_H
#define PROTO_LIMITS_H

#define PROTO_VERSION_MIN 1
#define PROTO_VERSION     1

// Plain numbers of bytes, so that products of them are made in the type of the other
// side.
#define LIMIT_MESSAGE_BYTES      65536  // control; a HELLO of 64 held tasks is 3 KiB
#define LIMIT_CHUNK_BYTES        262144 // bulk payload; 2 ms of a gigabit link
#define LIMIT_BULK_MESSAGE_BYTES (LIMIT_CHUNK_BYTES + 1024)
#define LIMIT_DECODE_BYTES       262144 // what unpacking one control message may allocate

#define LIMIT_CREDIT_CHUNKS  8    // chunks in flight per transfer: 2 MiB
#define LIMIT_HELD_TASKS     64   // a worker holds one task per slot; 64 cores a host
#define LIMIT_TEXT           512  // names, error sentences
#define LIMIT_LOG_TAIL       4096 // last lines of a runner that failed
#define LIMIT_STATUS_STUDIES 16
#define LIMIT_STATUS_WORKERS 64
#define LIMIT_LISTED_TASKS   48   // a page of a list: 25 KiB at most
#define LIMIT_LOOKED_AT      4096 // tasks looked at for a page: 3 ms
#define LIMIT_KICKED_TASKS   64   // by one order: a commit of 64 rows
#define LIMIT_EXPLANATION    8192 // a log tail and a dozen sentences
#define LIMIT_STUDY_TEXT \
    32768 // a study file that travels; the longest of ours has 2 KiB
#define LIMIT_DEVICE_NAME    32           // with its end; file names and tables hold it
#define LIMIT_RUN_S          2592000      // of one task: 30 days
#define LIMIT_ARTIFACT_BYTES (1ull << 40) // a pack of all of VoxCeleb is 0.3 TiB

// Bounds that keep sums and products of what peers say far from overflow.
#define LIMIT_SECONDS 1e12
#define LIMIT_WEIGHT  1000 // of a study beside others; at least a thousandth
#define LIMIT_RATE    1e15 // a second

// Of one MEASURE task: what a study may ask for, and a worker answer.
#define LIMIT_MEASURE_UNITS   12       // 8 blocks and 4 others, the deepest network
#define LIMIT_MEASURE_BATCH   256      // utterances in a pass
#define LIMIT_MEASURE_FRAMES  100000   // of an utterance: 17 minutes
#define LIMIT_MEASURE_ROWS    262144   // batch x frames: activations stay below 10 GiB
#define LIMIT_MEASURE_THREADS 64       // as a worker's
#define LIMIT_MEASURE_MS      3600000  // an hour for one network
#define LIMIT_MEASURE_PASSES  10000000 // timed, more than an hour of any network
#define LIMIT_LATENCY_MS      1e7      // of one pass; a task's own budget is below that
#define LIMIT_PROVENANCE      768      // a dozen lines

#define LEASE_MS      30000 // a paused worker is given up after this
#define BEAT_MS       10000 // a third of a lease: two beats may be lost
#define FETCH_POLL_MS 1000  // a worker without work asks again at this pace
#define DRAIN_MS      60000 // how long a drain waits for leased tasks

#endif
