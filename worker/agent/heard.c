// SPDX-License-Identifier: Apache-2.0
// heard.c - see heard.h.
#include "worker/agent/heard.h"

#include "common/base/log.h"
#include "proto/wire.h"

#include <inttypes.h>

static const char *const verdict_names[VERDICTS] = {
    [VERDICT_ACCEPTED] = "accepted",
    [VERDICT_REPEATED] = "repeated",
    [VERDICT_STALE] = "stale",
};

static const struct slot *find_reporting(const struct session *s,
                                         const struct msg_result_reply *r)
{
    for (uint32_t i = 0; i < session_n_slots(s); i++) {
        const struct slot *slot = session_slot(s, i);
        if (slot->state == SLOT_REPORTING && slot->task_id == r->task_id &&
            slot->token == r->token) {
            return slot;
        }
    }
    return NULL;
}

static void log_verdict(const struct session *s, const struct msg_result_reply *r)
{
    const struct slot *slot = find_reporting(s, r);
    uint32_t welcomes = 0;
    if (slot) {
        log_info("result.answered",
                 "task=%" PRIu64 " token=%" PRIu64 " worker=%" PRIu64
                 " outcome=%s verdict=%s",
                 r->task_id, r->token, session_welcome(s, &welcomes)->worker_id,
                 outcome_name(slot->result.outcome), verdict_names[r->verdict]);
    }
}

void heard_log(const struct session *s, const struct msg *m)
{
    if (m->kind == MSG_REFUSED) {
        log_warn("session.refused", "code=%s text=\"%s\"", err_name(m->refused.code),
                 m->refused.text);
    } else if (m->kind == MSG_RESULT_REPLY) {
        log_verdict(s, &m->result_reply);
    }
}
