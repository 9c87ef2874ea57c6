// SPDX-License-Identifier: Apache-2.0
// gate.c - see gate.h.
#include "coordinator/serve/gate.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/zap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Looking at the file by its path finds it again however an editor replaces it.
#define LOOK_MS 1000

struct gate {
    struct gate_conf conf;
    struct allow_entry self; // the health check's
    struct allow *list;
    struct zap *zap;
    uv_fs_poll_t poll;
    bool is_watching;
    struct refusals refusals;
};

static const struct allow_entry *find(const struct gate *g,
                                      const struct curve_public *key)
{
    const struct allow_entry *e = allow_find(g->list, key);
    return !e && curve_public_equal(&g->self.key, key) ? &g->self : e;
}

bool gate_admits(const struct gate *g, const struct curve_public *key,
                 enum rights_socket s)
{
    if (!g) {
        return true;
    }
    const struct allow_entry *e = find(g, key);
    return e && rights_may_connect(e->role, s);
}

bool gate_allows(const struct gate *g, const struct curve_public *key, enum msg_kind k)
{
    if (!g) {
        return true;
    }
    const struct allow_entry *e = find(g, key);
    return e && rights_may_say(e->role, k);
}

unsigned gate_role(const struct gate *g, const struct curve_public *key)
{
    const struct allow_entry *e = g ? find(g, key) : NULL;
    return e ? e->role : 0;
}

const char *gate_name(const struct gate *g, const struct curve_public *key)
{
    const struct allow_entry *e = g ? find(g, key) : NULL;
    return e ? e->name : NULL;
}

// ---- handshakes

static bool socket_of(const char *domain, enum rights_socket *out)
{
    for (int s = 0; s < RIGHTS_SOCKETS; s++) {
        if (strcmp(rights_domain((enum rights_socket)s), domain) == 0) {
            *out = (enum rights_socket)s;
            return true;
        }
    }
    return false;
}

static bool decide(void *arg, const char *domain, const char *address,
                   const struct curve_public *key)
{
    struct gate *g = arg;
    enum rights_socket s = SOCKET_CONTROL;
    if (socket_of(domain, &s) && gate_admits(g, key, s)) {
        log_debug("peer.admitted", "socket=%s name=%s address=%s", domain,
                  gate_name(g, key), address);
        return true;
    }
    char hex[CURVE_HEX_MAX];
    char text[LIMIT_TEXT];
    snprintf(text, sizeof(text), "key %s from %s may not use the %s socket",
             curve_public_print(key, hex), address, domain);
    refusals_note(&g->refusals, REFUSAL_KEY, clock_mono_ms(), text);
    return false;
}

void gate_note_handshake(struct gate *g)
{
    refusals_note(&g->refusals, REFUSAL_HANDSHAKE, clock_mono_ms(),
                  "a connection that is not encrypted, or for another coordinator");
}

const struct refusals *gate_refusals(const struct gate *g)
{
    return &g->refusals;
}

enum err gate_guard(const struct gate *g, void *zsock, enum rights_socket s,
                    struct errinfo *why)
{
    return g ? curve_serve(zsock, g->conf.key, rights_domain(s), why) : ERR_OK;
}

// ---- the list

void gate_reload(struct gate *g)
{
    struct allow *list = NULL;
    struct errinfo why = {0};
    if (allow_load(g->conf.allow_path, &list, &why) != ERR_OK) {
        log_error("allow.refused", "in_force=%zu why=\"%s\"", allow_count(g->list),
                  why.text);
        return;
    }
    log_info("allow.loaded", "keys=%zu before=%zu", allow_count(list),
             allow_count(g->list));
    allow_destroy(g->list);
    g->list = list;
}

static void on_change(uv_fs_poll_t *poll, int status, const uv_stat_t *before,
                      const uv_stat_t *after)
{
    (void)status; // a file that is gone is a flaw of the list like another
    (void)before;
    (void)after;
    gate_reload(poll->data);
}

// ---- life

enum err gate_open(void *zctx, const struct gate_conf *conf, struct gate **out,
                   struct errinfo *why)
{
    struct gate *g = calloc(1, sizeof(*g));
    BUG_ON(!g);
    g->conf = *conf;
    g->self = (struct allow_entry){.key = *curve_key_public(conf->key),
                                   .role = ROLE_VIEWER,
                                   .name = "coordinator"};
    enum err e = allow_load(conf->allow_path, &g->list, why);
    if (e == ERR_OK) {
        e = zap_open(zctx, decide, g, &g->zap, why);
    }
    if (e != ERR_OK) {
        gate_close(g);
        return e;
    }
    *out = g;
    return ERR_OK;
}

enum err gate_start(struct gate *g, uv_loop_t *loop, struct errinfo *why)
{
    BUG_ON(uv_fs_poll_init(loop, &g->poll) != 0);
    g->poll.data = g;
    g->is_watching = true;
    if (uv_fs_poll_start(&g->poll, on_change, g->conf.allow_path, LOOK_MS) != 0) {
        return err_set(why, ERR_IO, "cannot watch %s", g->conf.allow_path);
    }
    log_info("allow.loaded", "keys=%zu", allow_count(g->list));
    return zap_start(g->zap, loop, why);
}

void gate_stop(struct gate *g)
{
    if (!g) {
        return;
    }
    zap_stop(g->zap);
    if (g->is_watching) {
        uv_close((uv_handle_t *)&g->poll, NULL);
        g->is_watching = false;
    }
}

void gate_close(struct gate *g)
{
    if (g) {
        zap_close(g->zap);
        allow_destroy(g->list);
        free(g);
    }
}
