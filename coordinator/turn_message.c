// SPDX-License-Identifier: Apache-2.0
// turn_message.c - the part of a turn about messages: one function per kind.
//
// A handler's error says whose fault it is: the peer's gets a REFUSED, ours gets no
// answer, and the peer will repeat itself. Either way its part of the turn is undone.
#include "common/base/log.h"
#include "coordinator/store/worker_row.h"
#include "coordinator/turn_inside.h"
#include "proto/wire.h"

#include <stdio.h>
#include <string.h>

#define GIVEN_BACK 0 // no outcome: no attempt to speak of

typedef unsigned long long llu;

void turn_refuse(struct turn *t, const struct route *to, enum refusal reason,
                 enum err code, const char *text)
{
    refusals_note(&t->refusals, reason, t->now.mono_ms, text);
    t->out.kind = MSG_REFUSED;
    t->out.refused.code = code;
    snprintf(t->out.refused.text, sizeof(t->out.refused.text), "%s", text);
    outbox_add(&t->any_case, to, &t->out);
}

static enum err find_session(struct turn *t, uint64_t number, const struct route *from,
                             struct session **out, struct errinfo *why)
{
    *out = session_find(t->sessions, number);
    if (!*out) {
        return err_set(why, ERR_STALE, "unknown session: say HELLO");
    }
    if (!curve_public_equal(&(*out)->route.key, &from->key)) {
        return err_set(why, ERR_AUTH, "that session is another key's");
    }
    session_heard(*out, from, t->now.mono_ms);
    return ERR_OK;
}

// Renews what the worker holds; the ids of what is not its own (any more) go to `lost`.
static uint32_t renew(struct turn *t, uint64_t worker_id, const struct held_task *held,
                      uint32_t n_held, uint64_t lost[static LIMIT_HELD_TASKS])
{
    uint32_t n_lost = 0;
    for (uint32_t i = 0; i < n_held; i++) {
        if (lease_renew(t->leases, held[i].task_id, held[i].token, worker_id,
                        held[i].has_started, t->now.mono_ms + LEASE_MS) != ERR_OK) {
            lost[n_lost++] = held[i].task_id;
        }
    }
    return n_lost;
}

// A worker's full name: the one its key is listed under, and behind it what it says.
// So no name of one key can be another's, now or after a restart.
static enum err full_name(const struct turn *t, const struct route *from,
                          const char *own, char out[static WORKER_NAME_MAX],
                          struct errinfo *why)
{
    if (!t->ports.listed_as) {
        snprintf(out, WORKER_NAME_MAX, "%s", own);
        return ERR_OK;
    }
    const char *listed = t->ports.listed_as(t->ports.arg, &from->key);
    if (!listed) {
        return err_set(why, ERR_AUTH, "the key is not listed");
    }
    bool is_same = strcmp(listed, own) == 0;
    int n = snprintf(out, WORKER_NAME_MAX, "%s%s%s", listed, is_same ? "" : "/",
                     is_same ? "" : own);
    return n < WORKER_NAME_MAX
               ? ERR_OK
               : err_set(why, ERR_LIMIT, "the name %s/%s has more than %d bytes",
                         listed, own, WORKER_NAME_MAX - 1);
}

static bool is_name_of(const char *name, const char *listed)
{
    size_t n = strlen(listed);
    return strncmp(name, listed, n) == 0 && (name[n] == '\0' || name[n] == '/');
}

// A session is its key's, before a restart of ours and after it.
static enum err check_owner(struct turn *t, const struct route *from, uint64_t session,
                            struct errinfo *why)
{
    const struct session *s = session_find(t->sessions, session);
    if (s && !curve_public_equal(&s->route.key, &from->key)) {
        return err_set(why, ERR_AUTH, "that session is another key's");
    }
    if (s || !t->ports.listed_as) {
        return ERR_OK;
    }
    struct worker_row row;
    const char *listed = t->ports.listed_as(t->ports.arg, &from->key);
    enum err e = worker_row_of_session(t->store, session, &row, why);
    if (e == ERR_OK && (!listed || !is_name_of(row.name, listed))) {
        return err_set(why, ERR_AUTH, "that session was another key's");
    }
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

static enum err check_hello(struct turn *t, const struct route *from,
                            const struct msg_hello *hello, struct errinfo *why)
{
    enum err e = check_owner(t, from, hello->session, why);
    if (e != ERR_OK) {
        return e;
    }
    if (hello->version_min > PROTO_VERSION || hello->version_max < PROTO_VERSION_MIN) {
        return err_set(
            why, ERR_PROTO, "protocol %u..%u: this coordinator speaks %d..%d",
            hello->version_min, hello->version_max, PROTO_VERSION_MIN, PROTO_VERSION);
    }
    if (!session_has_room(t->sessions, hello->session)) {
        return err_set(why, ERR_LIMIT, "there are %d workers already", SESSION_MAX);
    }
    return ERR_OK;
}

static void fill_welcome(const struct turn *t, const struct msg_hello *hello,
                         uint64_t worker_id, struct msg_welcome *out)
{
    *out = (struct msg_welcome){.version = hello->version_max < PROTO_VERSION
                                               ? hello->version_max
                                               : PROTO_VERSION,
                                .worker_id = worker_id,
                                .lease_ms = LEASE_MS,
                                .beat_ms = BEAT_MS,
                                .bulk_port = t->bulk_port};
}

// What an attempt ends with that nobody works on any more. Over already: so much the
// better.
static enum err put_back(struct turn *t, const struct lease *lease,
                         enum outcome outcome, const char *reason, struct errinfo *why)
{
    const struct turn_failure how = {
        .outcome = outcome, .has_started = lease->has_started, .error = reason};
    enum err e = turn_attempt_failed(t, lease->task_id, lease->token, &how, why);
    return e == ERR_STALE || e == ERR_BUSY ? ERR_OK : e;
}

static enum err put_back_all_of(struct turn *t, uint64_t worker_id,
                                enum outcome outcome, const char *reason,
                                struct errinfo *why)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < lease_count(t->leases) && e == ERR_OK; i++) {
        const struct lease *lease = lease_at(t->leases, i);
        if (lease->worker_id == worker_id) {
            e = put_back(t, lease, outcome, reason, why);
        }
    }
    return e;
}

// What it asked for in this very turn it does not want any more.
static void grant_nothing_to(struct session *s)
{
    s->credit = 0;
    s->has_fetched = false;
}

struct replacing {
    struct turn *t;
    enum err e;
    struct errinfo *why;
};

static bool replace(void *arg, const struct worker_row *earlier)
{
    struct replacing *r = arg;
    struct session *s = session_find(r->t->sessions, earlier->session);
    if (s) {
        grant_nothing_to(s);
    }
    turn_add_effect(r->t, EFFECT_REPLACED)->session = earlier->session;
    r->e = put_back_all_of(r->t, earlier->id, OUTCOME_LOST,
                           "its worker began anew under the same name", r->why);
    return r->e == ERR_OK;
}

// Earlier processes of that name are taken for dead. Where they are not (two workers
// were given one name), their next BEAT tells them what is no longer theirs.
static enum err replace_earlier(struct turn *t, const struct worker_row *row,
                                struct errinfo *why)
{
    struct replacing r = {.t = t, .why = why};
    enum err e = worker_row_each_before(t->store, row, replace, &r, why);
    return e == ERR_OK ? r.e : e;
}

static enum err on_hello(struct turn *t, const struct route *from, const struct msg *in,
                         struct errinfo *why)
{
    const struct msg_hello *hello = &in->hello;
    enum err e = check_hello(t, from, hello, why);
    if (e != ERR_OK) {
        return e;
    }
    struct worker_row row = {.session = hello->session,
                             .capabilities = hello->capabilities,
                             .slots = hello->slots,
                             .threads = hello->threads,
                             .memory_bytes = hello->memory_bytes};
    memcpy(row.device, hello->device, sizeof(row.device));
    e = full_name(t, from, hello->name, row.name, why);
    if (e != ERR_OK) {
        return e;
    }
    e = worker_row_put(t->store, &row, why);
    if (e == ERR_OK) {
        e = replace_earlier(t, &row, why);
    }
    if (e != ERR_OK) {
        return e;
    }
    struct effect *f = turn_add_effect(t, EFFECT_JOINED);
    f->session = hello->session;
    f->route = *from;
    worker_init(&f->worker, row.id, row.name, hello);
    t->out.kind = MSG_WELCOME;
    fill_welcome(t, hello, row.id, &t->out.welcome);
    t->out.welcome.n_stale =
        renew(t, row.id, hello->held, hello->n_held, t->out.welcome.stale);
    outbox_add(&t->after_commit, from, &t->out);
    return ERR_OK;
}

static enum err on_fetch(struct turn *t, const struct route *from, const struct msg *in,
                         struct errinfo *why)
{
    struct session *s = NULL;
    enum err e = find_session(t, in->fetch.session, from, &s, why);
    if (e == ERR_OK) {
        s->credit =
            in->fetch.slots < s->worker.slots ? in->fetch.slots : s->worker.slots;
        s->has_fetched = true;
    }
    return e;
}

static enum err on_beat(struct turn *t, const struct route *from, const struct msg *in,
                        struct errinfo *why)
{
    const struct msg_beat *beat = &in->beat;
    struct session *s = NULL;
    enum err e = find_session(t, beat->session, from, &s, why);
    if (e != ERR_OK) {
        return e;
    }
    worker_reported(&s->worker, beat->held, beat->n_held);
    t->out.kind = MSG_BEAT_REPLY;
    t->out.beat_reply.n_cancelled =
        renew(t, s->worker.id, beat->held, beat->n_held, t->out.beat_reply.cancelled);
    outbox_add(&t->any_case, from, &t->out);
    return ERR_OK;
}

static enum err check_artifact(const struct turn *t, const char *hash, const char *what,
                               struct errinfo *why)
{
    if (!blob_has(t->blobs, hash)) {
        return err_set(why, ERR_NOTFOUND, "its %s %s was not stored first", what,
                       hash[0] ? hash : "(none)");
    }
    return ERR_OK;
}

static enum err check_units(const struct task_spec *spec, const struct task_result *r,
                            struct errinfo *why)
{
    struct arch a;
    enum err e = arch_parse(spec->measure.architecture, &a, why);
    if (e != ERR_OK || r->measure.n_units == (uint32_t)a.depth + 4) {
        return e;
    }
    return err_set(why, ERR_PROTO, "it measured %u units of %s", r->measure.n_units,
                   spec->measure.architecture);
}

// What a result says must be an answer to what was asked, and its files must be here.
// ERR_PROTO and ERR_NOTFOUND: it is no use.
static enum err check_result(struct turn *t, const struct msg_result *r,
                             struct errinfo *why)
{
    struct task_row row;
    enum err e = task_get(t->store, r->task_id, &row);
    if (e == ERR_NOTFOUND) {
        return ERR_OK; // STALE, as task_settle will find
    }
    if (e != ERR_OK) {
        return err_set(why, ERR_IO, "cannot read task %llu", (llu)r->task_id);
    }
    if (row.state != TASK_LEASED || row.token != r->token) {
        return ERR_OK; // repeated or stale: its files do not matter
    }
    if (r->result.kind != row.spec.kind) {
        return err_set(why, ERR_PROTO, "its result is of another kind of task");
    }
    switch (row.spec.kind) {
    case TASK_TRAIN:
        return check_artifact(t, r->result.train.checkpoint, "checkpoint", why);
    case TASK_EVALUATE:
        return row.spec.evaluate.keep_network
                   ? check_artifact(t, r->result.evaluate.network, "network", why)
                   : ERR_OK;
    case TASK_FINETUNE:
        return check_artifact(t, r->result.finetune.evaluation.network, "network", why);
    case TASK_MEASURE: return check_units(&row.spec, &r->result, why);
    default: BUG_ON(true); // the store decodes no others
    }
    return ERR_OK;
}

static bool is_anothers(const struct turn *t, const struct session *s,
                        const struct msg_result *r)
{
    const struct lease *lease = lease_find(t->leases, r->task_id);
    return lease && lease->token == r->token && lease->worker_id != s->worker.id;
}

static enum err settle_failure(struct turn *t, const struct session *s,
                               const struct msg_result *r, enum outcome outcome,
                               const char *error, struct errinfo *why)
{
    const struct turn_failure how = {.outcome = outcome,
                                     .has_started = true,
                                     .error = error,
                                     .log_tail = r->log_tail};
    enum err e = turn_attempt_failed(t, r->task_id, r->token, &how, why);
    if (e == ERR_OK) {
        turn_note_report(t, s, r->task_id, r->token, false);
    }
    return e;
}

// A result that is no use is a failed attempt: were it refused, its worker would hold
// the task for ever.
static enum err settle(struct turn *t, const struct session *s,
                       const struct msg_result *r, struct errinfo *why)
{
    if (is_anothers(t, s, r)) {
        return ERR_STALE;
    }
    if (r->outcome != OUTCOME_OK) {
        return settle_failure(t, s, r, r->outcome, r->error, why);
    }
    struct errinfo flaw = {0};
    enum err e = check_result(t, r, &flaw);
    if (e == ERR_PROTO || e == ERR_NOTFOUND) {
        return settle_failure(t, s, r, OUTCOME_ERROR, flaw.text, why);
    }
    if (e != ERR_OK) {
        return err_set(why, e, "%s", flaw.text);
    }
    e = turn_attempt_succeeded(t, r->task_id, r->token, &r->result, why);
    if (e == ERR_OK) {
        turn_note_report(t, s, r->task_id, r->token, true);
    }
    return e;
}

// The last lines of a runner that failed, one event each.
static void log_tail(const struct session *s, const struct msg_result *r)
{
    const char *line = r->log_tail;
    while (*line) {
        int n = (int)strcspn(line, "\n");
        if (n > 0) {
            log_warn("runner.said", "task=%llu token=%llu worker=%llu line=\"%.*s\"",
                     (llu)r->task_id, (llu)r->token, (llu)s->worker.id, n, line);
        }
        line += n + (line[n] == '\n');
    }
}

static enum verdict verdict_on(enum err e)
{
    return e == ERR_OK      ? VERDICT_ACCEPTED
           : e == ERR_STALE ? VERDICT_STALE
                            : VERDICT_REPEATED;
}

// Its slot is free once it hears the verdict: the next task may travel with that. After
// a measurement all of them are. Should the turn be undone, it is one too many, and a
// LEASE without a slot comes back.
static void credit_for_result(struct session *s, enum task_kind kind)
{
    s->credit = kind == TASK_MEASURE ? s->worker.slots : s->credit + 1;
    s->credit = s->credit < s->worker.slots ? s->credit : s->worker.slots;
    s->has_fetched = true;
}

static enum err on_result(struct turn *t, const struct route *from,
                          const struct msg *in, struct errinfo *why)
{
    const struct msg_result *r = &in->result;
    struct session *s = NULL;
    enum err e = find_session(t, r->session, from, &s, why);
    if (e != ERR_OK) {
        return e;
    }
    const struct lease *lease = lease_find(t->leases, r->task_id);
    e = settle(t, s, r, why);
    if (e != ERR_OK && e != ERR_STALE && e != ERR_BUSY) {
        return e;
    }
    enum verdict verdict = verdict_on(e);
    t->counters.stale += verdict == VERDICT_STALE;
    t->counters.repeated += verdict == VERDICT_REPEATED;
    if (verdict == VERDICT_STALE && !is_anothers(t, s, r)) {
        turn_attempt_over(t, r->task_id, r->token); // if we thought otherwise
    }
    if (verdict == VERDICT_ACCEPTED && r->outcome != OUTCOME_OK) {
        log_tail(s, r);
    }
    if (verdict == VERDICT_ACCEPTED && r->wants_more && lease) {
        credit_for_result(s, lease->kind);
    }
    if (s->worker.task_id == r->task_id) {
        worker_reported(&s->worker, NULL, 0); // idle, as far as its next beat
    }
    t->out.kind = MSG_RESULT_REPLY;
    t->out.result_reply = (struct msg_result_reply){
        .task_id = r->task_id, .token = r->token, .verdict = verdict};
    outbox_add(&t->after_commit, from, &t->out);
    return ERR_OK;
}

static enum err on_release(struct turn *t, const struct route *from,
                           const struct msg *in, struct errinfo *why)
{
    struct session *s = NULL;
    enum err e = find_session(t, in->release.session, from, &s, why);
    if (e != ERR_OK) {
        return e;
    }
    const struct lease *lease = lease_find(t->leases, in->release.task_id);
    if (!lease || lease->token != in->release.token ||
        lease->worker_id != s->worker.id) {
        return ERR_OK; // it is not theirs any more
    }
    return put_back(t, lease, GIVEN_BACK, "released", why);
}

static enum err on_bye(struct turn *t, const struct route *from, const struct msg *in,
                       struct errinfo *why)
{
    (void)in;
    struct session *s = session_at_route(t->sessions, from);
    if (!s || !curve_public_equal(&s->route.key, &from->key)) {
        return ERR_OK; // repeated
    }
    grant_nothing_to(s);
    enum err e =
        put_back_all_of(t, s->worker.id, GIVEN_BACK, "its worker said BYE", why);
    if (e == ERR_OK) {
        turn_add_effect(t, EFFECT_LEFT)->session = s->number;
    }
    return e;
}

typedef enum err handle_fn(struct turn *t, const struct route *from,
                           const struct msg *in, struct errinfo *why);

static const struct handler {
    handle_fn *fn;
    bool writes; // to the store: its part of the transaction can be undone
} handlers[MSG_KINDS] = {
    [MSG_HELLO] = {on_hello, true},     [MSG_FETCH] = {on_fetch, false},
    [MSG_BEAT] = {on_beat, false},      [MSG_RESULT] = {on_result, true},
    [MSG_RELEASE] = {on_release, true}, [MSG_BYE] = {on_bye, true},
};

static enum err handle_writing(struct turn *t, const struct handler *h,
                               const struct route *from, struct errinfo *why)
{
    struct part part;
    enum err e = turn_part_begin(t, &part, why);
    if (e != ERR_OK) {
        return e;
    }
    return turn_part_end(t, &part, h->fn(t, from, &t->in, why), why);
}

static bool is_peers_fault(enum err e)
{
    return e == ERR_PROTO || e == ERR_STALE || e == ERR_LIMIT || e == ERR_NOTFOUND ||
           e == ERR_INPUT || e == ERR_AUTH;
}

void turn_decide(struct turn *t, const struct route *from)
{
    const struct handler *h = &handlers[t->in.kind];
    if (!h->fn) {
        turn_refuse(t, from, REFUSAL_MALFORMED, ERR_PROTO,
                    "this kind of message is not for this socket");
        return;
    }
    struct errinfo why = {0};
    enum err e =
        h->writes ? handle_writing(t, h, from, &why) : h->fn(t, from, &t->in, &why);
    if (is_peers_fault(e)) {
        turn_refuse(t, from, e == ERR_AUTH ? REFUSAL_OWNER : REFUSAL_MALFORMED, e,
                    why.text);
    }
}
