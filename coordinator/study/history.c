// SPDX-License-Identifier: Apache-2.0
// history.c - see history.h.
#include "coordinator/study/history.h"

#include <stdlib.h>

// Room for one more of `size` bytes in an array of n that doubles at powers of two.
static void *grow(void *rows, size_t n, size_t size)
{
    bool is_full = (n & (n - 1)) == 0; // 0, 1, 2, 4, ...
    if (!is_full) {
        return rows;
    }
    void *more = realloc(rows, (n > 0 ? 2 * n : 1) * size);
    BUG_ON(!more);
    return more;
}

static bool add_trial(void *arg, const struct trial_row *row)
{
    struct history *h = arg;
    h->trials = grow(h->trials, h->n_trials, sizeof(*h->trials));
    h->trials[h->n_trials++] = *row;
    return true;
}

static bool add_loss(void *arg, const struct loss_row *row)
{
    struct history *h = arg;
    h->losses = grow(h->losses, h->n_losses, sizeof(*h->losses));
    h->losses[h->n_losses++] = *row;
    return true;
}

enum err history_load_trials(struct history *h, struct store *s, uint64_t study_id,
                             struct errinfo *why)
{
    return trial_each(s, study_id, 0, add_trial, h, why);
}

enum err history_load_losses(struct history *h, struct store *s, uint64_t study_id,
                             struct errinfo *why)
{
    return loss_each(s, study_id, add_loss, h, why);
}

void history_fini(struct history *h)
{
    free(h->trials);
    free(h->losses);
    *h = (struct history){0};
}
