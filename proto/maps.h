// SPDX-License-Identifier: Apache-2.0
// maps.h - the tables of all messages: where each field lies and what it may be.
//
// Private to proto/. Owns: nothing. Threads: any.
#ifndef PROTO_MAPS_H
#define PROTO_MAPS_H

#include "proto/codec.h"
#include "proto/msg.h"

struct kind_entry {
    unsigned number;  // in Message.body
    size_t max_bytes; // of the body
    const struct codec_map *map;
};

// By message kind; NULL map for none.
const struct kind_entry *maps_kind(enum msg_kind k);

const struct codec_map *maps_spec(void);
const struct codec_map *maps_result(void);

#endif
