#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# finetune.sh - a study whose winners are fine-tuned and whose scores are normalised by a
# cohort: kill -9 of a runner in the middle of a fine-tuning costs one attempt and changes
# nothing, and each target gets the better of its two networks.
source "$(dirname "$0")/lib.sh"

make_test_corpus
write_study 1 1
sed -i 's/^evaluate:.*/evaluate: {recalibrate: 16, asnorm: {cohort: 6, top: 4}}/' "$work/study.yaml"
cat >>"$work/study.yaml" <<YAML
finetune: {networks: 1, epochs: 40, lr: 0.003, margin: 0.3, crop: 0.6}
YAML

tuned() { # WHAT: of the tasks and trials of fine-tunings, origin 5
    echo "SELECT $1 FROM task JOIN trial ON trial.id = task.trial_id WHERE trial.origin = 5"
}
is_tuning() { [ "$(query "$work/a" "$(tuned 'count(*)') AND task.state = 2")" = 1 ]; }
has_runner() { is_tuning && find_runner_of "$(agent_pid "$work/a" 1)"; } # in $pid
outcome() {
    query "$1" 'SELECT architecture, checkpoint, eer_percent, mindcf_p01, network, loss_first,
        loss_last FROM trial WHERE origin = 5 ORDER BY architecture'
}

voxarch run "$work/study.yaml" --dir "$work/a" --workers 1 >"$work/out" 2>"$work/err" &
run=$!
wait_until 60 "a fine-tuning that runs" has_runner
kill -9 "$pid"
wait $run || fail "exit status $?"
no_process_left || fail "processes are left: $(ours)"
check_store "$work/a"
check_results "$work/a"
[ "$(query "$work/a" "$(tuned 'sum(n_charged)')")" = 1 ] || fail "not one charged attempt"

# What was fine-tuned is told, with its loss gone down.
n=$(query "$work/a" "$(tuned 'count(*)')")
[ "$n" -ge 1 ] || fail "nothing was fine-tuned"
results=$work/a/results/tiny
[ $(($(wc -l <"$results/finetune.csv") - 1)) -eq "$n" ] || fail "finetune.csv"
[ "$(grep -c ',finetune,' "$results/trials.csv")" -eq "$n" ] || fail "trials.csv"
grep -q '^## Fine-tuning' "$results/report.md" || fail "report.md"
is_zero "losses that did not go down" "$work/a" \
    "SELECT count(*) FROM trial WHERE origin = 5 AND loss_last >= loss_first"

# Each target has the better of the two, and the file that is deployed is that network.
sqlite3 -batch :memory: "WITH d(j) AS (SELECT CAST(readfile('$results/front.json') AS TEXT))
    SELECT json_extract(value, '\$.target'), json_extract(value, '\$.eer_percent'),
        json_extract(value, '\$.inherited_eer_percent'),
        json_extract(value, '\$.finetuned_eer_percent'), json_extract(value, '\$.trial')
    FROM d, json_each(j, '\$.targets')" >"$work/targets"
[ -s "$work/targets" ] || fail "no targets"
while IFS='|' read -r target eer inherited finetuned trial; do
    awk "BEGIN { exit !($eer == ($finetuned < $inherited ? $finetuned : $inherited)) }" ||
        fail "$target: EER $eer of $inherited inherited, $finetuned fine-tuned"
    if [ "$(query "$work/a" "SELECT origin FROM trial WHERE id = $trial")" = 5 ]; then
        grep -aq '"finetuned"' "$results/networks/$target.safetensors" ||
            fail "$target is not the fine-tuned network"
    fi
done <"$work/targets"

# The same study undisturbed comes to the same networks.
expect 0 voxarch run "$work/study.yaml" --dir "$work/b" --workers 1
check_store "$work/b"
diff <(outcome "$work/a") <(outcome "$work/b") || fail "it came out differently"
