// SPDX-License-Identifier: Apache-2.0
// decode.c - see decode.h.
#include "worker/data/decode.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS_MAX      64
#define SLOTS_PER_THREAD 4

struct slot {
    bool is_done;
    enum err e;
    struct errinfo why;
    struct audio audio;
};

struct decoder_pool {
    const struct corpus *corpus;
    size_t n_items;
    int n_threads;
    pthread_t threads[THREADS_MAX];
    pthread_mutex_t lock; // guards the rest
    pthread_cond_t moved; // a slot was filled or emptied, or it is time to stop
    size_t n_taken;       // recordings handed to threads
    size_t n_given;       // recordings handed to the caller
    bool is_stopping;
    size_t n_slots;
    struct slot slots[THREADS_MAX * SLOTS_PER_THREAD]; // recording i in i % n_slots
};

static enum err load(const struct corpus_item *item, struct audio *out,
                     struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    enum err e = recordings_path(item->root, item->file, path, why);
    return e == ERR_OK ? audio_load(path, out, why) : e;
}

// Waits for a recording to decode; false when there is none left.
static bool take_item(struct decoder_pool *p, size_t *index)
{
    pthread_mutex_lock(&p->lock);
    while (!p->is_stopping && p->n_taken < p->n_items &&
           p->n_taken - p->n_given >= p->n_slots) {
        pthread_cond_wait(&p->moved, &p->lock);
    }
    bool is_there = !p->is_stopping && p->n_taken < p->n_items;
    if (is_there) {
        *index = p->n_taken++;
    }
    pthread_mutex_unlock(&p->lock);
    return is_there;
}

static void *run(void *arg)
{
    struct decoder_pool *p = arg;
    for (size_t i; take_item(p, &i);) {
        struct slot done = {.is_done = true};
        done.e = load(&p->corpus->items[i], &done.audio, &done.why);
        pthread_mutex_lock(&p->lock);
        p->slots[i % p->n_slots] = done;
        pthread_cond_broadcast(&p->moved);
        pthread_mutex_unlock(&p->lock);
    }
    return NULL;
}

static int default_threads(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (int)n;
}

enum err decoder_pool_start(const struct corpus *c, int n_threads,
                            struct decoder_pool **out, struct errinfo *why)
{
    struct decoder_pool *p = calloc(1, sizeof(*p));
    BUG_ON(!p);
    *out = NULL;
    p->corpus = c;
    p->n_items = corpus_n_items(c);
    n_threads = n_threads > 0 ? n_threads : default_threads();
    n_threads = n_threads < THREADS_MAX ? n_threads : THREADS_MAX;
    p->n_slots = (size_t)n_threads * SLOTS_PER_THREAD;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->moved, NULL);
    for (int i = 0; i < n_threads; i++) {
        if (pthread_create(&p->threads[p->n_threads], NULL, run, p) == 0) {
            p->n_threads++;
        }
    }
    if (p->n_threads == 0) {
        decoder_pool_stop(p);
        return err_set(why, ERR_IO, "cannot start a thread");
    }
    *out = p;
    return ERR_OK;
}

void decoder_pool_stop(struct decoder_pool *p)
{
    if (!p) {
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->is_stopping = true;
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->n_threads; i++) {
        pthread_join(p->threads[i], NULL);
    }
    for (size_t i = 0; i < p->n_slots; i++) {
        audio_fini(&p->slots[i].audio);
    }
    pthread_cond_destroy(&p->moved);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

enum err decoder_pool_next(struct decoder_pool *p, struct audio *out,
                           struct errinfo *why)
{
    pthread_mutex_lock(&p->lock);
    BUG_ON(p->n_given >= p->n_items);
    struct slot *s = &p->slots[p->n_given % p->n_slots];
    while (!s->is_done) {
        pthread_cond_wait(&p->moved, &p->lock);
    }
    enum err e = s->e;
    *out = s->audio;
    if (e != ERR_OK && why) {
        *why = s->why;
    }
    *s = (struct slot){0};
    p->n_given++;
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
    return e;
}
