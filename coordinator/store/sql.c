// SPDX-License-Identifier: Apache-2.0
// sql.c - see sql.h. Column lists are macros so that each row has one reader.
#include "coordinator/store/sql.h"

#define STUDY_COLUMNS                                                                 \
    "id, name, conf, pack, n_speakers, n_train_utts, n_trials, state, stage, round, " \
    "position, checkpoint, error, created_ms, updated_ms, predictor, fit, "           \
    "weight, is_paused"

#define TASK_COLUMNS                                                              \
    "id, study_id, state, token, worker_id, n_charged, not_before_ms, trial_id, " \
    "stage, round, shard, spec, result"

#define TRIAL_COLUMNS                                                             \
    "id, study_id, origin, stage, proposal, architecture, checkpoint, protocol, " \
    "params, macs, bytes, state, eer_percent, mindcf_p01, mindcf_p05, n_trials, " \
    "network, seconds, loss_first, loss_last"

#define WORKER_COLUMNS                                                               \
    "id, session, name, capabilities, slots, threads, memory_bytes, first_seen_ms, " \
    "last_seen_ms, device"

#define STANDING_COLUMNS "name, state, since_ms, from_token, reason"

#define DEVICE_COLUMNS                                                            \
    "study_id, name, state, latencies, measured, n_networks, n_failed, n_noisy, " \
    "n_units, n_holdout, spearman, median_error, p95_error, error"

const char *const sql_text[SQL_STATEMENTS] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_BEGIN_READING] = "BEGIN",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_PART_BEGIN] = "SAVEPOINT part",
    [SQL_PART_KEEP] = "RELEASE part",
    [SQL_PART_UNDO] = "ROLLBACK TO part",

    [SQL_META_GET] = "SELECT value FROM meta WHERE key = ?1",
    [SQL_META_SET] = "INSERT INTO meta (key, value) VALUES (?1, ?2)"
                     " ON CONFLICT (key) DO UPDATE SET value = excluded.value",

    [SQL_WORKER_UPSERT] =
        "INSERT INTO worker (session, name, capabilities, slots, threads, memory_bytes,"
        " first_seen_ms, last_seen_ms, device)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)"
        " ON CONFLICT (session) DO UPDATE SET name = excluded.name,"
        " capabilities = excluded.capabilities, slots = excluded.slots,"
        " threads = excluded.threads, memory_bytes = excluded.memory_bytes,"
        " last_seen_ms = excluded.last_seen_ms, device = excluded.device",
    [SQL_WORKER_BY_SESSION] =
        "SELECT " WORKER_COLUMNS " FROM worker WHERE session = ?1",
    [SQL_WORKER_GET] = "SELECT " WORKER_COLUMNS " FROM worker WHERE id = ?1",
    [SQL_WORKER_EACH_BEFORE] = "SELECT " WORKER_COLUMNS " FROM worker"
                               " WHERE name = ?1 AND id < ?2 ORDER BY id",
    [SQL_WORKER_HAS_NAME] = "SELECT 1 FROM worker WHERE name = ?1 LIMIT 1",

    [SQL_STUDY_INSERT] =
        "INSERT INTO study (name, conf, pack, n_speakers, n_train_utts, n_trials, state,"
        " stage, round, position, checkpoint, error, created_ms, updated_ms, predictor,"
        " fit, weight, is_paused) VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
        " ?13, ?14, ?14, ?15, ?16, ?17, ?18)",
    [SQL_STUDY_UPDATE] =
        "UPDATE study SET name = ?2, conf = ?3, pack = ?4, n_speakers = ?5,"
        " n_train_utts = ?6, n_trials = ?7, state = ?8, stage = ?9, round = ?10,"
        " position = ?11, checkpoint = ?12, error = ?13, updated_ms = ?14,"
        " predictor = ?15, fit = ?16, weight = ?17, is_paused = ?18 WHERE id = ?1",
    [SQL_STUDY_GET] = "SELECT " STUDY_COLUMNS " FROM study WHERE id = ?1",
    [SQL_STUDY_BY_NAME] = "SELECT " STUDY_COLUMNS " FROM study WHERE name = ?1",
    [SQL_STUDY_EACH] = "SELECT " STUDY_COLUMNS " FROM study ORDER BY id",

    [SQL_TASK_INSERT] =
        "INSERT INTO task (study_id, state, token, worker_id, n_charged, not_before_ms,"
        " trial_id, stage, round, shard, spec) VALUES (?1, 1, 0, 0, 0, ?2, ?3, ?4, ?5,"
        " ?6, ?7)",
    [SQL_TASK_GET] = "SELECT " TASK_COLUMNS " FROM task WHERE id = ?1",
    // The fence: the state and the token that the caller saw must still be there.
    [SQL_TASK_MOVE] = "UPDATE task SET state = ?4, token = ?5, worker_id = ?6,"
                      " n_charged = ?7, not_before_ms = ?8, result = ?9"
                      " WHERE id = ?1 AND state = ?2 AND token = ?3",
    [SQL_TASK_EACH] = "SELECT " TASK_COLUMNS " FROM task"
                      " WHERE (?1 = 0 OR study_id = ?1) AND (?2 = 0 OR state = ?2)"
                      " ORDER BY id",
    [SQL_TASK_EACH_BETWEEN] =
        "SELECT " TASK_COLUMNS " FROM task WHERE id > ?3 AND id <= ?4"
        " AND (?1 = 0 OR study_id = ?1) AND (?2 = 0 OR state = ?2) ORDER BY id",
    [SQL_TASK_LAST_ID] = "SELECT coalesce(max(id), 0) FROM task",
    [SQL_TASK_REFUND] = "UPDATE task SET n_charged = n_charged - 1 WHERE id = ?1",
    [SQL_TASK_EACH_OF_ROUND] =
        "SELECT " TASK_COLUMNS " FROM task WHERE study_id = ?1 AND stage = ?2"
        " AND round = ?3 AND trial_id = 0 ORDER BY shard, id",
    [SQL_TASK_COUNT] = "SELECT state, count(*) FROM task"
                       " WHERE ?1 = 0 OR study_id = ?1 GROUP BY state",

    [SQL_TASK_COUNT_ROUNDS] =
        "SELECT coalesce(max(round) + 1, 0) FROM task WHERE study_id = ?1"
        " AND stage = ?2 AND trial_id = 0",

    [SQL_ATTEMPT_START] =
        "INSERT INTO attempt (task_id, worker_id, started_ms) VALUES (?1, ?2, ?3)",
    [SQL_ATTEMPT_END] = "UPDATE attempt SET ended_ms = ?2, outcome = ?3,"
                        " is_charged = ?4, error = ?5, log_tail = ?6"
                        " WHERE token = ?1",
    [SQL_ATTEMPT_OUTCOME] = "SELECT outcome FROM attempt WHERE token = ?1"
                            " AND task_id = ?2 AND outcome IS NOT NULL",
    [SQL_ATTEMPT_LAST_ERROR] =
        "SELECT error FROM attempt WHERE task_id = ?1 AND outcome > 1"
        " ORDER BY token DESC LIMIT 1",
    [SQL_ATTEMPT_LAST_FAILED] =
        "SELECT attempt.token, attempt.task_id, attempt.worker_id,"
        " coalesce(worker.name, ''), outcome, is_charged, ended_ms, error, log_tail"
        " FROM attempt LEFT JOIN worker ON worker.id = attempt.worker_id"
        " WHERE attempt.task_id = ?1 AND outcome > 1"
        " ORDER BY attempt.token DESC LIMIT 1",
    // What workers said of their attempts since, in the order of the grants.
    [SQL_ATTEMPT_EACH_REPORTED] =
        "SELECT attempt.token, attempt.task_id, attempt.worker_id, worker.name,"
        " outcome, is_charged, ended_ms, '', '' FROM attempt"
        " JOIN worker ON worker.id = attempt.worker_id"
        " WHERE attempt.token > ?1 AND outcome < ?2 ORDER BY attempt.token",
    [SQL_ATTEMPT_EACH_CHARGED_TO] =
        "SELECT attempt.token, attempt.task_id, attempt.worker_id, worker.name,"
        " outcome, is_charged, ended_ms, error, '' FROM attempt"
        " JOIN worker ON worker.id = attempt.worker_id"
        " WHERE attempt.token >= ?2 AND outcome > 1 AND is_charged = 1"
        " AND worker.name = ?1 ORDER BY attempt.token",
    [SQL_ATTEMPT_CHARGED_WORKERS] =
        "SELECT count(DISTINCT coalesce(worker.name, attempt.worker_id)) FROM attempt"
        " LEFT JOIN worker ON worker.id = attempt.worker_id"
        " WHERE attempt.task_id = ?1 AND outcome > 1 AND is_charged = 1",
    [SQL_ATTEMPT_FORGIVE] = "UPDATE attempt SET is_charged = 0"
                            " WHERE token = ?1 AND task_id = ?2 AND is_charged = 1",
    [SQL_ATTEMPT_FORGIVE_ALL] = "UPDATE attempt SET is_charged = 0"
                                " WHERE task_id = ?1 AND outcome > 1"
                                " AND is_charged = 1",
    [SQL_ATTEMPT_LAST_TOKEN] = "SELECT coalesce(max(token), 0) FROM attempt",
    [SQL_STANDING_PUT] =
        "INSERT INTO standing (" STANDING_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT (name) DO UPDATE SET state = excluded.state,"
        " since_ms = excluded.since_ms, from_token = excluded.from_token,"
        " reason = excluded.reason",
    [SQL_STANDING_EACH] = "SELECT " STANDING_COLUMNS " FROM standing ORDER BY name",
    // CROSS JOIN: attempts are the outer loop, from the last one back.
    [SQL_ATTEMPT_EACH_FAILED] =
        "SELECT attempt.token, attempt.task_id, attempt.worker_id,"
        " coalesce(worker.name, ''), outcome, is_charged, ended_ms, error,"
        " log_tail"
        " FROM attempt CROSS JOIN task ON task.id = attempt.task_id"
        " LEFT JOIN worker ON worker.id = attempt.worker_id"
        " WHERE outcome > 1 AND outcome < ?2 AND study_id = ?1"
        " ORDER BY attempt.token DESC",

    [SQL_TRIAL_INSERT] =
        "INSERT INTO trial (study_id, origin, stage, proposal, architecture, checkpoint,"
        " protocol, params, macs, bytes)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [SQL_TRIAL_BY_KEY] =
        "SELECT id FROM trial WHERE study_id = ?1 AND architecture = ?2"
        " AND checkpoint = ?3 AND protocol = ?4 AND origin = ?5",
    [SQL_TRIAL_GET] = "SELECT " TRIAL_COLUMNS " FROM trial WHERE id = ?1",
    [SQL_TRIAL_MEASURED] =
        "UPDATE trial SET state = 1, eer_percent = ?2, mindcf_p01 = ?3, mindcf_p05 = ?4,"
        " n_trials = ?5, network = ?6, seconds = ?7 WHERE id = ?1",
    [SQL_TRIAL_LOSSES] =
        "UPDATE trial SET loss_first = ?2, loss_last = ?3 WHERE id = ?1",
    [SQL_TRIAL_FAILED] = "UPDATE trial SET state = 2 WHERE id = ?1",
    [SQL_TRIAL_REOPENED] = "UPDATE trial SET state = 0 WHERE id = ?1 AND state = 2",
    [SQL_TRIAL_EACH] = "SELECT " TRIAL_COLUMNS " FROM trial WHERE study_id = ?1"
                       " AND (?2 = 0 OR origin = ?2) ORDER BY id",

    [SQL_DEVICE_INSERT] = "INSERT INTO device (" DEVICE_COLUMNS ")"
                          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
                          " ?13, ?14)",
    [SQL_DEVICE_UPDATE] =
        "UPDATE device SET state = ?3, latencies = ?4, measured = ?5, n_networks = ?6,"
        " n_failed = ?7, n_noisy = ?8, n_units = ?9, n_holdout = ?10, spearman = ?11,"
        " median_error = ?12, p95_error = ?13, error = ?14"
        " WHERE study_id = ?1 AND name = ?2",
    [SQL_DEVICE_EACH] =
        "SELECT " DEVICE_COLUMNS " FROM device WHERE study_id = ?1 ORDER BY rowid",

    [SQL_LOSS_INSERT] =
        "INSERT INTO loss (study_id, stage, round, shard, position, loss, accuracy,"
        " seconds, n_utterances, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [SQL_LOSS_EACH] =
        "SELECT study_id, stage, round, shard, position, loss, accuracy, seconds,"
        " n_utterances, at_ms FROM loss WHERE study_id = ?1 ORDER BY id",

    // Every column that holds the name of an artifact belongs here; artifact.c adds
    // those inside of tasks.
    [SQL_ARTIFACT_EACH_NAMED] =
        "SELECT conf FROM study UNION SELECT pack FROM study"
        " UNION SELECT checkpoint FROM study UNION SELECT predictor FROM study"
        " UNION SELECT fit FROM study UNION SELECT latencies FROM device"
        " UNION SELECT measured FROM device UNION SELECT checkpoint FROM trial"
        " UNION SELECT network FROM trial",
};
