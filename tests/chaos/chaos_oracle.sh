# SPDX-License-Identifier: Apache-2.0
# chaos_oracle.sh - what must hold after chaos, in the database and in the logs: sourced.
# States and outcomes are as in check_store (tests/integration/lib.sh).

n_acknowledged=0

# What agents were told counts: that very result is stored, once, and for good.
check_told() { # DIR LOGS
    local told=$2/told stored=$2/stored lost double
    sed -nE 's/.*event=result.answered task=([0-9]+) token=([0-9]+) .*outcome=ok verdict=(accepted|repeated).*/\1 \2/p' \
        "$2"/worker_*.log | sort -u >"$told"
    query "$1" "SELECT id || ' ' || token FROM task WHERE state = 3" | sort >"$stored"
    lost=$(grep -vxFf "$stored" "$told" || true)
    [ -z "$lost" ] || fail "acknowledged, and not what is stored (task token): $lost"
    double=$(awk '{print $1}' "$told" | uniq -d)
    [ -z "$double" ] || fail "acknowledged under two tokens: $double"
    n_acknowledged=$((n_acknowledged + $(wc -l <"$told")))
    # Grants in the order in which they were said.
    sed -nE 's/.*event=task.leased task=[0-9]+ token=([0-9]+) .*/\1/p' "$2/coordinator.log" |
        awk '$1 <= last {bad = 1; print "token " $1 " after " last} {last = $1} END {exit bad}' ||
        fail "tokens do not only grow"
}

# As check_store, but that tasks may have been buried: then the study was given again.
check_stored() { # DIR
    local dir=$1
    is_zero "studies not done" "$dir" "SELECT count(*) FROM study WHERE state != $STUDY_DONE"
    is_zero "tasks that have not ended" "$dir" "SELECT count(*) FROM task WHERE state < 3"
    is_zero "results without an end, or ends without a result" "$dir" \
        "SELECT count(*) FROM task WHERE (state = 3) != (result IS NOT NULL)"
    is_zero "done and not won exactly once" "$dir" "SELECT count(*) FROM task
        WHERE (state = 3) != (SELECT count(*) FROM attempt
            WHERE task_id = task.id AND outcome = 1)"
    is_zero "won under another token than the last" "$dir" "SELECT count(*) FROM task
        WHERE state = 3 AND (token != (SELECT max(token) FROM attempt WHERE task_id = task.id)
           OR token != (SELECT token FROM attempt WHERE task_id = task.id AND outcome = 1))"
    is_zero "attempts without an end" "$dir" \
        "SELECT count(*) FROM attempt WHERE ended_ms IS NULL"
    is_zero "charges that do not add up" "$dir" "SELECT count(*) FROM task WHERE n_charged !=
        (SELECT count(*) FROM attempt WHERE task_id = task.id AND is_charged)"
    is_zero "buried within the budget" "$dir" \
        "SELECT count(*) FROM task WHERE state = 4 AND n_charged < 3"
    is_zero "candidates not measured" "$dir" "SELECT count(*) FROM trial WHERE state != 1"
    is_zero "shards without exactly one loss" "$dir" "SELECT count(*) FROM task
        WHERE state = 3 AND trial_id = 0 AND stage < 1000 AND 1 != (SELECT count(*) FROM loss
            WHERE loss.study_id = task.study_id AND loss.stage = task.stage AND
                loss.round = task.round AND loss.shard = task.shard)"
    [ "$(query "$dir" 'PRAGMA integrity_check')" = ok ] || fail "database damaged"
}

# With one shard a round nothing depends on who computed what, and how often.
check_same() { # RESULTS RESULTS
    local columns
    columns=$(head -n 1 "$1/trials.csv" | tr , '\n' |
        grep -nxE 'architecture|eer_percent|mindcf_p01|mindcf_p05|state' | cut_field)
    diff <(cut -d, -f"$columns" "$1/trials.csv" | sort) \
        <(cut -d, -f"$columns" "$2/trials.csv" | sort) ||
        fail "another outcome than without chaos"
}
cut_field() { sed 's/:.*//' | paste -sd, -; }
