// SPDX-License-Identifier: Apache-2.0
// tokens_reused.c - a planted bug: attempts that ended are thrown away at a start, and
// with them the memory of the tokens that were given out.
#include "coordinator/store/db.h"
#include "tests/sim/sim_wrap.h"

enum err real_store_open(const char *dir, struct store **out, struct errinfo *why)
    SIM_REAL(store_open);
enum err planted_store_open(const char *dir, struct store **out, struct errinfo *why)
    SIM_WRAP(store_open);

enum err planted_store_open(const char *dir, struct store **out, struct errinfo *why)
{
    enum err e = real_store_open(dir, out, why);
    if (e != ERR_OK) {
        return e;
    }
    int code = sqlite3_exec((*out)->db,
                            "DELETE FROM attempt WHERE ended_ms IS NOT NULL;"
                            "DELETE FROM sqlite_sequence WHERE name = 'attempt';",
                            NULL, NULL, NULL);
    BUG_ON(code != SQLITE_OK);
    return ERR_OK;
}
