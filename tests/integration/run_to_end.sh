#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run_to_end.sh - `voxarch run` from a study file to networks, with two workers.
source "$(dirname "$0")/lib.sh"

json() { # FILE SQL-EXPRESSION over the document j
    sqlite3 -batch :memory: "WITH d(j) AS (SELECT CAST(readfile('$1') AS TEXT)) SELECT $2 FROM d"
}

make_test_corpus
write_study 2 2

expect 0 voxarch run "$work/study.yaml" --dir "$work/run" --workers 2
says 'Pareto front'
says "run directory  $work/run"
says 'workers busy' # the first answer always shows, the next may come after the end
no_process_left || fail "processes are left: $(ours)"
check_store "$work/run"
check_results "$work/run"

# What the files say is what the database says.
results=$work/run/results/tiny
[ "$(json "$results/front.json" 'json_valid(j)')" = 1 ] || fail "front.json is not JSON"
[ "$(json "$results/run.json" 'json_valid(j)')" = 1 ] || fail "run.json is not JSON"
measured=$(query "$work/run" 'SELECT count(*) FROM trial WHERE state = 1')
[ $(($(wc -l <"$results/trials.csv") - 1)) -eq "$measured" ] || fail "trials.csv"
shards=$(query "$work/run" 'SELECT count(*) FROM loss')
[ $(($(wc -l <"$results/losses.csv") - 1)) -eq "$shards" ] || fail "losses.csv"

# An exported network names its architecture, and fits the target it is for.
for network in "$results"/networks/*.safetensors; do
    architecture=$(head -c 4096 "$network" | grep -ao '"architecture": *"[0-9-]*"' |
        grep -o '[0-9][0-9-]*') || fail "$network names no architecture"
    expect 0 voxarch arch info "$architecture"
done

# Reading it, in every way a person may name it.
expect 0 voxarch study ls "$work/run"
says '^ *1 +tiny +done'
expect 0 voxarch study show tiny --dir "$work/run"
says '^targets'
(cd "$work" && expect 0 voxarch study show run --json)
[ "$(json "$work/out" "json_extract(j, '$.state')")" = '"done"' ] ||
    [ "$(json "$work/out" "json_extract(j, '$.state')")" = done ] || fail "study show --json"
[ "$(json "$work/out" "json_array_length(j, '$.front')")" -ge 1 ] || fail "an empty front"
expect 2 voxarch study show nobody --dir "$work/run"
says "no study 'nobody'"

# The same command again finds everything done, and adds nothing.
before=$(query "$work/run" 'SELECT count(*), max(token) FROM attempt')
expect 0 voxarch run "$work/study.yaml" --dir "$work/run" --workers 2 --quiet --json
[ "$(json "$work/out" "json_array_length(j, '$.front')")" -ge 1 ] || fail "run --json"
[ "$(query "$work/run" 'SELECT count(*), max(token) FROM attempt')" = "$before" ] ||
    fail "a finished study computed again"

# Another study in the same directory is refused, naming the line that differs.
expect 2 voxarch run "$work/study.yaml" --dir "$work/run" --set seed=6
says 'study.yaml:[0-9]+: .*seed: 5.*seed: 6'
