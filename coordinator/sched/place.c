// SPDX-License-Identifier: Apache-2.0
// place.c - see place.h.
#include "coordinator/sched/place.h"

static const int priorities[TASK_KINDS] = {
    [TASK_MEASURE] = 0,
    [TASK_TRAIN] = 1,
    [TASK_FINETUNE] = 2,
    [TASK_EVALUATE] = 3,
};

static bool is_kind(enum task_kind kind)
{
    return kind >= TASK_TRAIN && kind < TASK_KINDS;
}

uint32_t place_need(enum task_kind kind)
{
    BUG_ON(!is_kind(kind));
    return 1u << kind;
}

bool place_fits(const struct place_offer *offer, enum task_kind kind,
                uint64_t memory_bytes)
{
    return (offer->capabilities & place_need(kind)) &&
           memory_bytes <= offer->memory_bytes;
}

int place_priority(enum task_kind kind)
{
    BUG_ON(!is_kind(kind));
    return priorities[kind];
}
