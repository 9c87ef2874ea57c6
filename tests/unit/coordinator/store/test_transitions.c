// SPDX-License-Identifier: Apache-2.0
// test_transitions.c - the table of a task's states in proto/PROTOCOL.md is the code's.
#include "common/base/file.h"
#include "coordinator/store/task.h"
#include "tests/lib/check_main.h"

#include <stdio.h>
#include <string.h>

static void add_upper(struct buf *out, const char *name)
{
    for (; *name; name++) {
        buf_addf(out, "%c", *name - 'a' + 'A'); // they are lower-case letters
    }
}

// One row a state, one column an event.
static void print_table(struct buf *out)
{
    buf_addf(out, "| state |");
    for (int e = 0; e < TASK_EVENTS; e++) {
        buf_addf(out, " %s |", task_event_name((enum task_event)e));
    }
    buf_addf(out, "\n|---|");
    for (int e = 0; e < TASK_EVENTS; e++) {
        buf_addf(out, "---|");
    }
    for (int s = TASK_READY; s < TASK_STATES; s++) {
        buf_addf(out, "\n| ");
        add_upper(out, task_state_name((enum task_state)s));
        buf_addf(out, " |");
        for (int e = 0; e < TASK_EVENTS; e++) {
            enum task_state to;
            buf_addf(out, " ");
            if (task_next((enum task_state)s, (enum task_event)e, &to)) {
                add_upper(out, task_state_name(to));
            }
            buf_addf(out, " |");
        }
    }
    buf_addf(out, "\n");
}

START_TEST(the_table_in_the_protocol_is_the_one_in_the_code)
{
    struct buf doc = BUF_INIT;
    struct buf table = BUF_INIT;
    struct errinfo why = {0};
    ck_assert_int_eq(file_read(PROTOCOL_MD, 1 << 20, &doc, &why), ERR_OK);
    buf_addf(&doc, "%s", ""); // ends the text
    print_table(&table);
    bool is_there = strstr(doc.data, table.data) != NULL;
    if (!is_there) {
        fprintf(stderr, "proto/PROTOCOL.md should have this:\n%s", table.data);
    }
    ck_assert(is_there);
    buf_fini(&doc);
    buf_fini(&table);
}
END_TEST

START_TEST(every_event_happens_in_some_state_and_every_state_is_left_or_final)
{
    for (int e = 0; e < TASK_EVENTS; e++) {
        unsigned n = 0;
        enum task_state to;
        for (int s = TASK_READY; s < TASK_STATES; s++) {
            n += task_next((enum task_state)s, (enum task_event)e, &to);
        }
        ck_assert_uint_gt(n, 0);
    }
    for (int e = 0; e < TASK_EVENTS; e++) { // what is accepted stays accepted
        enum task_state to;
        ck_assert(!task_next(TASK_DONE, (enum task_event)e, &to));
    }
}
END_TEST

TEST_SUITE(transitions, the_table_in_the_protocol_is_the_one_in_the_code,
           every_event_happens_in_some_state_and_every_state_is_left_or_final)
