# SPDX-License-Identifier: Apache-2.0
# lib.sh - what the tests of the real programs share: sourced, never run.
#
# VOXARCH_BIN is the folder with the programs, VOXARCH_TOOLS the one with the tests' own.
# Each test works in a folder of its own, $work, and leaves no process behind.
set -euo pipefail
export PATH=$VOXARCH_BIN:$VOXARCH_TOOLS:$PATH
export LC_ALL=C NO_COLOR=1
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1}

work=$(mktemp -d "${TMPDIR:-/tmp}/voxarch_test_XXXXXX")

# Our processes are those that have this test's folder in their command line.
ours() { pgrep -f -- "$work/" || true; }

clean_up() { # [STATUS]
    local status=${1:-$?}
    ours | xargs -r kill -9 2>/dev/null || true
    if [ $status -eq 0 ]; then
        rm -rf "$work"
    else
        tail -n 5 "$work"/*/logs/*.log 2>/dev/null || true
        echo "FAILED (status $status); the folder is left: $work"
    fi
    exit $status
}
trap clean_up EXIT

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# expect STATUS COMMAND...: runs it with its output in $work/out and $work/err.
expect() {
    local want=$1 got=0
    shift
    "$@" >"$work/out" 2>"$work/err" || got=$?
    if [ $got -ne "$want" ]; then
        cat "$work/out" "$work/err" >&2
        fail "exit status $got instead of $want: $*"
    fi
}

says() { grep -Eq -- "$1" "$work/out" "$work/err" || {
    cat "$work/out" "$work/err" >&2
    fail "nothing about '$1'"
}; }

# wait_until SECONDS WHAT COMMAND...: repeats the command until it succeeds.
wait_until() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $deadline ] || fail "waited in vain: $what"
        sleep 0.05
    done
}

# need_fixtures FILE...: passes, saying so, where a file of VOXARCH_FIXTURES is absent.
need_fixtures() {
    local file
    for file; do
        [ -f "${VOXARCH_FIXTURES:-}/$file" ] && continue
        echo "SKIPPED: $file (set VOXARCH_FIXTURES to its folder)"
        exit 0
    done
}

make_test_corpus() { make_corpus "$work/corpus" 8 4 4; }

# write_study EPOCHS MAX_SHARDS [NAME]: three short stages and four candidates.
write_study() {
    cat >"$work/study.yaml" <<YAML
name: ${3:-tiny}
seed: 5
data:
  train: {manifest: corpus/manifest.tsv, split: train}
  eval: {manifest: corpus/manifest.tsv, split: eval}
  trials: corpus/trials.txt
supernet: {embedding: 16}
space:
  depth: [1, 2]
  width: [16]
  kernel: [1, 3]
  cat: [24, 48]
train:
  batch: 8
  round_steps: 2
  max_shards: $2
  epochs: $1
  cycles: 1
  lr_max: 0.01
  crop: 0.5
  stages: [{stage: largest}, {stage: kernel}, {stage: depth}]
evaluate: {recalibrate: 16}
search: {candidates: 4}
targets: [{name: tight, params: 30000}, {name: roomy, macs: 1G}]
YAML
}

query() { sqlite3 -batch -cmd '.timeout 5000' "file:$1/state.db?mode=ro" "$2"; }

is_zero() { # WHAT DIR SQL
    local n
    n=$(query "$2" "$3")
    [ "$n" = 0 ] || fail "$1: $n"
}

# The oracle: what must hold in the database of a finished study, whatever was killed.
# States and outcomes are enum task_state (3 DONE), enum study_state, enum outcome (1 OK).
STUDY_DONE=8
STUDY_FAILED=9
check_store() {
    local dir=$1
    is_zero "studies not done" "$dir" "SELECT count(*) FROM study WHERE state != $STUDY_DONE"
    is_zero "tasks not done" "$dir" "SELECT count(*) FROM task WHERE state != 3"
    is_zero "done without a result" "$dir" \
        "SELECT count(*) FROM task WHERE result IS NULL"
    is_zero "tasks not won exactly once" "$dir" "SELECT count(*) FROM task WHERE 1 !=
        (SELECT count(*) FROM attempt WHERE task_id = task.id AND outcome = 1)"
    is_zero "won under another token than the last" "$dir" "SELECT count(*) FROM task
        WHERE token != (SELECT max(token) FROM attempt WHERE task_id = task.id)
           OR token != (SELECT token FROM attempt WHERE task_id = task.id AND outcome = 1)"
    is_zero "attempts without an end" "$dir" \
        "SELECT count(*) FROM attempt WHERE ended_ms IS NULL"
    is_zero "charges that do not add up" "$dir" "SELECT count(*) FROM task WHERE n_charged !=
        (SELECT count(*) FROM attempt WHERE task_id = task.id AND is_charged)"
    is_zero "trials not measured" "$dir" "SELECT count(*) FROM trial WHERE state != 1"
    is_zero "trials without exactly one task" "$dir" "SELECT count(*) FROM trial WHERE 1 !=
        (SELECT count(*) FROM task WHERE trial_id = trial.id)"
    is_zero "shards without exactly one loss" "$dir" "SELECT count(*) FROM task
        WHERE trial_id = 0 AND stage < 1000 AND 1 != (SELECT count(*) FROM loss WHERE
            loss.study_id = task.study_id AND loss.stage = task.stage AND
            loss.round = task.round AND loss.shard = task.shard)"
    is_zero "rounds that skip batches" "$dir" "SELECT count(*) FROM loss a WHERE round > 0
        AND NOT EXISTS (SELECT 1 FROM loss b WHERE b.stage = a.stage AND
            b.round = a.round - 1 AND b.position < a.position)"
    [ "$(query "$dir" 'PRAGMA integrity_check')" = ok ] || fail "database damaged"
}

# The files a finished study leaves.
check_results() {
    local results=$1/results/${2:-tiny} file
    for file in study.yaml run.json trials.csv losses.csv front.csv front.json; do
        [ -s "$results/$file" ] || fail "$results/$file is missing"
    done
    ls "$results"/networks/*.safetensors >/dev/null || fail "no network was exported"
}

# Process ids, by what their command lines say.
coordinator_pid() { pgrep -f -- "voxarch-coordinator --dir $1 " | head -n 1; }
agent_pid() { pgrep -f -- "voxarch-worker --connect .* --dir $1/workers/$2 " | head -n 1; }
# The runner of an agent, in $pid. It lives for some hundredths of a second, and finding it
# must not take as long: no process is started for that.
find_runner_of() {
    pid=
    read -r pid _ <"/proc/$1/task/$1/children" || [ -n "$pid" ] # no newline at its end
}

no_process_left() { [ -z "$(ours)" ]; }
