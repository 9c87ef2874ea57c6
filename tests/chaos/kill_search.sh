#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill_search.sh STRATEGY - kill -9 of the coordinator, several times, in the middle of a
# search: it proposes exactly what it proposes when nobody disturbs it.
source "$(dirname "$0")/../integration/lib.sh"
strategy=$1
n_candidates=4800
need_fixtures surrogate_eer_predictor.safetensors latency_table_v100_b64.csv

search() { # DIR
    voxarch run "$(dirname "$0")/../../deploy/studies/surrogate.yaml" --dir "$1" --quiet \
        --set "evaluate.surrogate.predictor=$VOXARCH_FIXTURES/surrogate_eer_predictor.safetensors" \
        --set "devices[0].latency_table=$VOXARCH_FIXTURES/latency_table_v100_b64.csv" \
        --set "search.strategy=$strategy" --set "search.candidates=$n_candidates"
}

proposals() { # DIR
    query "$1" "SELECT proposal, architecture, eer_percent FROM trial ORDER BY id"
}
has_proposed() { [ "$(query "$work/killed" 'SELECT count(*) FROM trial')" -gt "$1" ]; }
has_coordinator() { pid=$(coordinator_pid "$work/killed") && [ -n "$pid" ]; }

expect 0 search "$work/whole"
proposals "$work/whole" >"$work/whole.txt"
[ "$(wc -l <"$work/whole.txt")" = $n_candidates ] || fail "not $n_candidates proposals"

search "$work/killed" >"$work/out" 2>"$work/err" &
run=$!
before=0
for n_kills in 1 2 3; do
    wait_until 30 "proposals" has_proposed "$before"
    wait_until 30 "a coordinator" has_coordinator
    kill -9 "$pid"
    proposals "$work/killed" >"$work/part.txt"
    before=$(wc -l <"$work/part.txt")
    [ "$before" -lt $n_candidates ] || fail "kill $n_kills came too late"
    cmp "$work/part.txt" <(head -n "$before" "$work/whole.txt") ||
        fail "other proposals before kill $n_kills"
done
wait $run || { cat "$work/err"; fail "the run ended with $?"; }
no_process_left || fail "processes are left: $(ours)"
proposals "$work/killed" | cmp - "$work/whole.txt" || fail "other proposals after the kills"
