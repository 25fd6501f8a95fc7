#!/usr/bin/env bash
# A recorded teacher: the votes of ten real language models on 3,020 news sentences teach a student on two ranks. The
# exported labels serve another run as its teacher, with the same figures. Skipped where the data isn't beside the clone.
# shellcheck source=deploy/e2e/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

data=$root/../shared/data/babe
if [ ! -f "$data/teacher.jsonl.gz" ]; then
    skip "recorded teacher" "$data is not there"
    exit
fi
cat >babe.yaml <<YAML
name: babe
seed: 17
output_dir: run
data: {pool: $data/pool.jsonl.gz, test: $data/test.jsonl.gz, text_field: text, label_field: label, id_field: id, on_bad_row: refuse}
teacher: {kind: recorded, path: $data/teacher.jsonl.gz}
student: {model: $student, max_seq_length: 64}
method: {name: llkd, selection: llkd, momentum: 0.99, warmup_steps: 20}
train: {epochs: 1, global_batch_size: 32, micro_batches: 8, optimizer: adamw, learning_rate: 5.0e-5, schedule: linear, warmup_ratio: 0.06, weight_decay: 0.01, max_grad_norm: 1.0}
checkpoint: {save_steps: 50, keep_latest_k: 2}
evaluate: {eval_steps: 50}
YAML

if ! attempt run.log ranks 2 "$retort" run babe.yaml; then
    not_ok "recorded teacher" "$why"
    exit
fi
within() { awk -v value="$1" -v low="$2" -v high="$3" 'BEGIN { exit !(value != "" && value >= low && value <= high) }'; }
value() { json_value "$1" run/report.json; }
expect "pool of 3,020" "pool_size is '$(value pool_size)'" [ "$(value pool_size)" = 3020 ]
# The teacher is measured on the pool, where its recorded votes are right in 82 of 100 cases.
expect "teacher as recorded" "teacher_accuracy is '$(value teacher_accuracy)'" within "$(value teacher_accuracy)" 0.80 0.84
expect "student learns" "student_accuracy is '$(value student_accuracy)'" within "$(value student_accuracy)" 0.68 0.85
expect "samples are chosen" "sample_visit_ratio is '$(value sample_visit_ratio)'" within "$(value sample_visit_ratio)" 0.01 0.60

if attempt export.log "$retort" labels export run/labels --output labels.jsonl; then
    rows=$(grep -c '"label_probabilities"' labels.jsonl)
    expect "labels exported" "$rows rows, 3020 expected" [ "$rows" -eq 3020 ]
    if attempt again.log ranks 1 "$retort" run babe.yaml --set teacher.path=labels.jsonl --set output_dir=again; then
        expect_same_figures "run on exported labels" run again
    else
        not_ok "run on exported labels" "$why"
    fi
else
    not_ok "labels exported" "$why"
fi
