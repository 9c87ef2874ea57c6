#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# surrogate.sh - deploy/studies/surrogate.yaml from its first line to its report, where
# no worker is even installed: the paper's coarse space, searched on its predictor's
# guesses, ends at the exact optimum of each target.
source "$(dirname "$0")/lib.sh"
need_fixtures surrogate_eer_predictor.safetensors latency_table_v100_b64.csv

mkdir "$work/bin"
cp "$VOXARCH_BIN/voxarch" "$VOXARCH_BIN/voxarch-coordinator" "$work/bin/"
expect 0 timeout 20 "$work/bin/voxarch" run \
    "$(dirname "$0")/../../deploy/studies/surrogate.yaml" --dir "$work/run" \
    --set "evaluate.surrogate.predictor=$VOXARCH_FIXTURES/surrogate_eer_predictor.safetensors" \
    --set "devices[0].latency_table=$VOXARCH_FIXTURES/latency_table_v100_b64.csv"
says '^ *fast +latency@gpu < 12ms +2-384-512-512-5-5-5-1152, EER 1.69 %$'
says '^ *good +latency@gpu < 20ms +3-512-512-512-384-5-3-5-5-1152, EER 1.42 %$'
no_process_left || fail "processes are left: $(ours)"

is_zero "studies not done" "$work/run" "SELECT count(*) FROM study WHERE state != $STUDY_DONE"
is_zero "trials not measured" "$work/run" "SELECT count(*) FROM trial WHERE state != 1"
is_zero "tasks" "$work/run" "SELECT count(*) FROM task"
[ "$(query "$work/run" 'SELECT count(*) FROM trial')" = 10200 ] || fail "trials"
[ "$(wc -l <"$work/run/results/surrogate/trials.csv")" = 10201 ] || fail "trials.csv"
for file in report.md run.json front.csv front-gpu.csv front.json; do
    [ -s "$work/run/results/surrogate/$file" ] || fail "$file is missing"
done
