// SPDX-License-Identifier: Apache-2.0
// test_heap.c - the heap gives its items back in order.
#include "common/base/heap.h"
#include "common/base/rng.h"
#include "tests/lib/check_main.h"

START_TEST(items_come_out_by_key_and_among_equals_by_id)
{
    struct heap h = HEAP_INIT;
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    for (int i = 0; i < 5000; i++) {
        heap_push(&h, (struct heap_item){(int64_t)rng_below(&r, 50) - 25,
                                         rng_below(&r, 1000)});
    }
    struct heap_item last = {INT64_MIN, 0};
    struct heap_item item;
    int n = 0;
    while (heap_pop(&h, &item)) {
        ck_assert(!heap_item_before(item, last));
        last = item;
        n++;
    }
    ck_assert_int_eq(n, 5000);
    heap_fini(&h);
}
END_TEST

START_TEST(an_empty_heap_has_nothing_to_give)
{
    struct heap h = HEAP_INIT;
    struct heap_item item;
    ck_assert_ptr_null(heap_peek(&h));
    ck_assert(!heap_pop(&h, &item));
    heap_push(&h, (struct heap_item){3, 4});
    ck_assert_int_eq(heap_peek(&h)->id, 4);
    ck_assert(heap_pop(&h, &item));
    ck_assert_ptr_null(heap_peek(&h));
    heap_fini(&h);
}
END_TEST

TEST_SUITE(heap, items_come_out_by_key_and_among_equals_by_id,
           an_empty_heap_has_nothing_to_give)
