#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# damaged.sh - the disk forgets a bit of the newest weights, and one of the pack: both are
# found before they are handed out, made again, and the run ends as it would have.
source "$(dirname "$0")/lib.sh"

has_rounds() { [ "$(query "$1" 'SELECT count(*) FROM loss')" -ge "$2" ]; }
outcome() {
    query "$1" 'SELECT checkpoint FROM study;
        SELECT origin, architecture, checkpoint, eer_percent, mindcf_p01, network
        FROM trial ORDER BY origin, stage, architecture'
}

# flip FILE: one bit in the middle of it.
flip() {
    local at=$(($(stat -c %s "$1") / 2)) byte
    byte=$(od -An -tu1 -j $at -N 1 "$1")
    printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek=$at conv=notrunc 2>/dev/null
}

stop_in_the_middle() { # DIR
    local status=0
    voxarch run "$work/study.yaml" --dir "$1" --workers 1 >"$work/out" 2>"$work/err" &
    local run=$!
    wait_until 60 "some rounds" has_rounds "$1" 4
    kill -INT $run
    wait $run || status=$?
    [ $status -eq 130 ] || fail "exit status $status after Ctrl-C"
    [ "$(query "$1" 'SELECT state FROM study')" = 2 ] || fail "it does not train any more"
}

make_test_corpus
write_study 4 1
expect 0 voxarch run "$work/study.yaml" --dir "$work/a" --workers 1

stop_in_the_middle "$work/b"
weights=$(query "$work/b" 'SELECT checkpoint FROM study')
pack=$(query "$work/b" 'SELECT pack FROM study')
flip "$work/b/blobs/$weights"
flip "$work/b/blobs/$pack"
rm -rf "$work/b/workers" # nobody else has them
expect 0 voxarch run "$work/study.yaml" --dir "$work/b" --workers 1
log=$work/b/logs/coordinator.log
grep -q "event=artifact.damaged hash=$weights" "$log" || fail "the weights were not found damaged"
grep -q "event=artifact.damaged hash=$pack" "$log" || fail "the pack was not found damaged"
grep -q 'event=study.mended.* what=pack' "$log" || fail "the pack was not made again"
grep -q 'event=study.mending.* what=weights.* by=training' "$log" || fail "the weights were not"
[ -e "$work/b/blobs/corrupt/$weights" ] || fail "what is damaged was not kept aside"
outcome "$work/a" >"$work/outcome_a"
outcome "$work/b" >"$work/outcome_b"
diff "$work/outcome_a" "$work/outcome_b" || fail "it came out differently"
is_zero "charged attempts" "$work/b" 'SELECT sum(n_charged) FROM task'

# Where the recordings are gone, too, it says what to restore.
stop_in_the_middle "$work/c"
pack=$(query "$work/c" 'SELECT pack FROM study')
cp "$work/c/blobs/$pack" "$work/saved"
flip "$work/c/blobs/$pack"
rm -rf "$work/c/workers"
mv "$work/corpus" "$work/elsewhere"
expect 1 voxarch run "$work/study.yaml" --dir "$work/c" --workers 1
says "restore .*/blobs/$pack from a backup"
cp "$work/saved" "$work/c/blobs/$pack"
expect 0 voxarch run "$work/study.yaml" --dir "$work/c" --workers 1
check_results "$work/c"
