#!/usr/bin/env bash
# The closed loop of docs/llm2llm.md on TREC's questions: 66 real seeds, and as a teacher the pool's real unseen questions
# that lie nearest to the ones that went wrong. Arms: the seeds alone (for as many epochs, and for as many steps as the
# last round), the rounds, and as many of the pool's questions at random.
#
#   llm2llm-trec.sh RETORT STUDENT TREC-FOLDER        in an empty folder; writes figures.tsv
#
#   LOOP_SEEDS="1 2 3"
set -euo pipefail
retort=$1 student=$2 trec=$3

json() { # FILE: `LABEL:fine question text` in latin-1 as JSON lines
    iconv -f latin1 -t utf-8 "$1" | awk '{
        label = substr($1, 1, index($1, ":") - 1); sub(/^[^ ]* /, ""); gsub(/\\/, "\\\\"); gsub(/"/, "\\\"")
        printf "{\"id\":\"%d\",\"text\":\"%s\",\"label\":\"%s\"}\n", NR, $0, label }'
}
json "$trec/TREC.test" >test.jsonl
json "$trec/TREC.train" >all.jsonl
value() { sed -n 's/.*"'"$1"'"[[:space:]]*:[[:space:]]*"\{0,1\}\([^",}]*\).*/\1/p' "$2" | head -n 1; }

epochs=${LOOP_EPOCHS:-6}
printf 'seed\tarm\titems\taccuracy\n' >figures.tsv
run() { # SEED ARM METHOD EPOCHS
    cat >"$2-$1.yaml" <<YAML
name: $2-$1
seed: $1
output_dir: $2-$1
data: {pool: seeds-$1.jsonl, test: test.jsonl, text_field: text, label_field: label, id_field: id}
teacher: {labels: [ABBR, DESC, ENTY, HUM, LOC, NUM]}
student: {model: $student, max_seq_length: 64}
method: {name: llm2llm, task: classification, $3, pool: pool-$1.jsonl}
train: {epochs: $4, global_batch_size: 16, micro_batches: 2, learning_rate: ${LOOP_RATE:-1.0e-4}, schedule: linear, warmup_ratio: 0.1}
checkpoint: {save_steps: 0}
evaluate: {eval_steps: 0, logging_steps: 1000}
YAML
    "$retort" run "$2-$1.yaml" </dev/null >>run.log 2>&1
    printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$(value items "$2-$1/report.json")" "$(value student_accuracy "$2-$1/report.json")" | tee -a figures.tsv
}
for seed in ${LOOP_SEEDS:-1 2 3}; do
    # 66 questions by a shuffle of the seed; the others are the pool.
    awk -v x="$((seed + 4321))" '{ x = x * 16807 % 2147483647; printf "%010d\t%s\n", x, $0 }' all.jsonl | sort | cut -f2- >shuffled.jsonl
    head -n 66 shuffled.jsonl >"seeds-$seed.jsonl"
    tail -n +67 shuffled.jsonl >"pool-$seed.jsonl"
    run "$seed" rounds "augmentation: nearest, rounds: ${LOOP_ROUNDS:-6}, per_seed: ${LOOP_PER_SEED:-3}" "$epochs"
    items=$(value items "rounds-$seed/report.json")
    run "$seed" seeds "augmentation: none" "$epochs"
    run "$seed" steps "augmentation: none" $((epochs * items / 66))
    run "$seed" random "augmentation: random, additions: $((items - 66))" "$epochs"
done
