#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# apart.sh - coordinator and workers as separate daemons that share no folder: every
# artifact travels over the bulk socket.
source "$(dirname "$0")/lib.sh"

has_endpoints() { [ -s "$work/c/endpoints" ]; }
endpoint() { sed -n "s/^$1=//p" "$work/c/endpoints"; }

make_test_corpus
write_study 2 2
mkdir -p "$work/c"
voxarch-coordinator --dir "$work/c" --study "$work/study.yaml" \
    --worker-program "$VOXARCH_BIN/voxarch-worker" --exit-when-done 2>"$work/c/log" &
coordinator=$!
wait_until 30 "the endpoints" has_endpoints
for i in 1 2; do
    mkdir -p "$work/w$i"
    voxarch-worker --connect "$(endpoint worker)" --dir "$work/w$i" --threads 1 \
        --name "apart-$i" 2>"$work/w$i/log" &
    workers[$i]=$!
done

status=0
wait $coordinator || status=$?
[ $status -eq 0 ] || { tail -n 5 "$work"/*/log; fail "coordinator: exit status $status"; }
kill -TERM "${workers[@]}" 2>/dev/null || true
wait "${workers[@]}" || true
no_process_left || fail "processes are left: $(ours)"
check_store "$work/c"
check_results "$work/c"
n=$(query "$work/c" 'SELECT count(DISTINCT worker_id) FROM attempt')
[ "$n" -eq 2 ] || fail "$n of 2 workers took part"
expect 0 voxarch study show --dir "$work/c"
