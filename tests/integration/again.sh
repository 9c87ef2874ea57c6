#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# again.sh - a study that failed is put right and asked for again: it goes on, also where
# the coordinator cannot start at once for another reason.
source "$(dirname "$0")/lib.sh"

make_test_corpus
write_study 1 1
mv "$work/corpus/trials.txt" "$work/trials.txt"
expect 2 voxarch run "$work/study.yaml" --dir "$work/run" --workers 1
says 'study tiny failed: .*trials.txt'
mv "$work/trials.txt" "$work/corpus/trials.txt"

# A coordinator of the last run that is still leaving has the directory for a moment.
flock "$work/run/lock" sleep 2 &
sleep 0.2
expect 0 voxarch run "$work/study.yaml" --dir "$work/run" --workers 1
says 'Pareto front'
no_process_left || fail "processes are left: $(ours)"
