// SPDX-License-Identifier: Apache-2.0
// fuzz_wire.c - messages, specs and results as a peer or a damaged database would have
// them: the first byte says which.
#include "proto/wire.h"
#include "tests/fuzz/fuzz.h"

static struct msg message, again; // large

static void try_message(const uint8_t *data, size_t n)
{
    struct errinfo why;
    struct buf bytes = BUF_INIT;
    if (wire_decode(data, n, &message, &why) != ERR_OK) {
        return;
    }
    BUG_ON(message.kind <= MSG_NONE || message.kind >= MSG_KINDS);
    wire_encode(&message, &bytes);
    BUG_ON(wire_decode(bytes.data, bytes.len, &again, &why) != ERR_OK);
    BUG_ON(again.kind != message.kind);
    if (message.kind == MSG_BLOB_CHUNK) {
        enum err e = wire_attach_payload(&message, data, n, &why);
        BUG_ON((e == ERR_OK) != (message.blob_chunk.n_bytes == n));
    }
    buf_fini(&bytes);
}

static void try_spec(const uint8_t *data, size_t n)
{
    struct task_spec spec;
    struct errinfo why;
    struct buf bytes = BUF_INIT;
    if (wire_decode_spec(data, n, &spec, &why) == ERR_OK) {
        wire_encode_spec(&spec, &bytes);
        BUG_ON(wire_decode_spec(bytes.data, bytes.len, &spec, &why) != ERR_OK);
    }
    buf_fini(&bytes);
}

static void try_result(const uint8_t *data, size_t n)
{
    static struct task_result result;
    struct errinfo why;
    struct buf bytes = BUF_INIT;
    if (wire_decode_result(data, n, &result, &why) == ERR_OK) {
        wire_encode_result(&result, &bytes);
        BUG_ON(wire_decode_result(bytes.data, bytes.len, &result, &why) != ERR_OK);
    }
    buf_fini(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static void (*const tries[])(const uint8_t *, size_t) = {try_message, try_spec,
                                                             try_result};
    if (n > 0) {
        tries[data[0] % 3](data + 1, n - 1);
    }
    return 0;
}
