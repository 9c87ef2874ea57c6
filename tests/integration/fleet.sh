#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fleet.sh - a worker that fails everything: what it buries is kicked and goes on, it is
# sent away, let back in, found out beside a good worker, and shut out over a restart.
source "$(dirname "$0")/lib.sh"

dir=$work/c
has_endpoints() { [ -s "$dir/endpoints" ]; }
endpoint() { sed -n "s/^$1=//p" "$dir/endpoints"; }
start_coordinator() {
    rm -f "$dir/endpoints"
    voxarch-coordinator --dir "$dir" "$@" 2>>"$work/c/log" &
    coordinator=$!
    wait_until 20 "the coordinator listens" has_endpoints
}
start_hole() { blackhole "$(endpoint worker)" hole "$work/" & hole=$!; }
start_worker() {
    mkdir -p "$work/$1"
    voxarch-worker --connect "$(endpoint worker)" --dir "$work/$1" --name "$1" \
        2>>"$work/$1/log" &
    good=$!
}
status_says() { voxarch status --dir "$dir" | grep -Eq -- "$1"; }
study_is() { [ "$(query "$dir" "SELECT count(*) FROM study WHERE state = $1")" = 1 ]; }

mkdir -p "$dir"
make_test_corpus
write_study 4 2
start_coordinator --study "$work/study.yaml"

# ---- alone, it buries a task, and the study with it
start_hole
wait_until 60 "the study fails" status_says 'study +tiny +failed'
expect 0 voxarch task list --dir "$dir" --state buried
says 'hole .*stage 1, round 1, shard 1'
says 'it always falls'
buried=$(awk '$4 == "buried" {print $1; exit}' "$work/out")
expect 0 voxarch explain "$buried" --dir "$dir"
says 'is buried: it failed too often'
says 'last \(crash\) [0-9]+ s ago on hole: it always falls'
says 'the last words'
says "voxarch task kick $buried has it tried again"
expect 2 voxarch explain 999 --dir "$dir"
says 'there is no task 999'

# ---- sent away
expect 2 voxarch worker drain nobody --dir "$dir"
says 'no worker is, or was, called nobody'
expect 0 voxarch worker drain hole --dir "$dir"
wait "$hole" || fail "it did not leave in order"
status_says '^worker hole +drained' || fail "it is not shown as drained"

# ---- kicked, the study goes on where it was
expect 0 voxarch task kick --all --dir "$dir"
says '^1 task kicked'
status_says 'study +tiny +training' || fail "the study does not go on"
expect 0 voxarch explain "$buried" --dir "$dir"
says 'No worker is connected'
start_hole # it is still not wanted
wait "$hole" || fail "it was not sent away again"

# ---- let back in, beside a good worker: found out
expect 0 voxarch worker release hole --dir "$dir"
start_hole
start_worker good
wait_until 60 "the black hole is found out" status_says '^worker hole +quarantined'
status_says 'tries failed, of tasks that others did'
kill -9 "$coordinator"
start_coordinator
status_says '^worker hole +quarantined' || fail "a restart lets it back in"
wait_until 120 "the study is done" status_says 'study +tiny +done'
is_zero "charges of a black hole" "$dir" "SELECT count(*) FROM attempt JOIN worker
    ON worker.id = attempt.worker_id WHERE name = 'hole' AND is_charged"
check_store "$dir"
check_results "$dir"
kill "$hole"

# ---- a second study comes in, is paused, resumed and cancelled, and comes back
sed 's/^name: .*/name: second\nweight: 2/' "$work/study.yaml" >"$work/second.yaml"
printf 'name: broken\nseeed: 1\n' >"$work/broken.yaml"
expect 2 voxarch study submit "$work/broken.yaml" --dir "$dir"
says 'broken.yaml:2: seeed'
expect 0 voxarch study submit "$work/second.yaml" --dir "$dir"
says 'study second is packing'
expect 0 voxarch study pause second --dir "$dir"
status_says 'paused: voxarch study resume second'
expect 2 voxarch study pause third --dir "$dir"
says 'there is no study called third'
expect 0 voxarch study resume second --dir "$dir"
wait_until 60 "the second study trains" status_says 'study +second +training'
expect 0 voxarch study cancel second --dir "$dir"
says 'study second is cancelled'
status_says 'study +second +cancelled' || fail "it is not shown as cancelled"
expect 0 voxarch study submit "$work/second.yaml" --dir "$dir"
wait_until 120 "the second study is done" status_says 'study +second +done'
check_results "$dir" second

# ---- a real worker leaves in order, too
expect 0 voxarch worker drain good --dir "$dir"
wait "$good" || fail "the worker left with status $?"
expect 0 voxarch drain --dir "$dir"
wait "$coordinator" || fail "the coordinator left with status $?"
