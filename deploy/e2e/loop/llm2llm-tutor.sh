#!/usr/bin/env bash
# The closed loop of docs/llm2llm.md with the tutor of word problems: a small decoder is pretrained on the broad, easier
# mixture, then learns an examination from a few seeds. Arms: the seeds alone (for as many epochs, and for as many steps as
# the last round), LLM2LLM's rounds, and one bulk of the tutor's at as many calls.
#
#   llm2llm-tutor.sh RETORT TEACHER-DOUBLE        in an empty folder; writes figures.tsv
#
#   LOOP_SEEDS="1 2 3"   LOOP_RANKS=1   LOOP_THREADS=2   the runs' seeds, ranks and threads of each: they change the speed alone
#   LOOP_WIDTH LOOP_LAYERS LOOP_BROAD LOOP_EPOCHS        the student and its pretraining: problems, passes over them
#   LOOP_ROUNDS LOOP_PER_SEED LOOP_TUNE_EPOCHS LOOP_RATE   rounds, items for a wrong seed, passes and rate of a round
#   LOOP_TEST                                             problems of the test
set -euo pipefail
retort=$1 double=$2
ranks=${LOOP_RANKS:-1}
launch=()
[ "$ranks" = 1 ] || launch=(mpirun --allow-run-as-root --oversubscribe -n "$ranks")

"$double" --tutor --port 0 --port-file port --lifetime 14400 2>tutor.log &
tutor=$!
trap 'kill "$tutor" 2>/dev/null' EXIT
until [ -s port ]; do sleep 0.1; done
port=$(cat port)

value() { sed -n 's/.*"'"$1"'"[[:space:]]*:[[:space:]]*"\{0,1\}\([^",}]*\).*/\1/p' "$2" | head -n 1; }
recipe() { # NAME METHOD POOL TRAIN SEED [STUDENT]
    cat >"$1.yaml" <<YAML
name: $1
seed: $5
output_dir: $1
data: {pool: $3, test: test.jsonl, text_field: question, label_field: answer, id_field: id}
teacher: {kind: openai, base_url: "http://127.0.0.1:$port/v1", model: tutor, timeout: 10}
student: {model: ${6:-pretrain/student}, max_seq_length: 160, prompt_template: "Question: {{prompt}}\nAnswer: "}
method: $2
train: $4
checkpoint: {save_steps: 0}
evaluate: {eval_steps: 0, logging_steps: 500, max_new_tokens: 48, compare: number}
YAML
}
run() { "${launch[@]}" "$retort" run "$@" --threads "${LOOP_THREADS:-2}" </dev/null >>run.log 2>&1; }

"$double" --tutor-student student --student-width "${LOOP_WIDTH:-128}" --student-layers "${LOOP_LAYERS:-4}" --seed 5
"$double" --tutor-data broad --count "${LOOP_BROAD:-8000}" --seed 77 >broad.jsonl
"$double" --tutor-data examination --count "${LOOP_TEST:-240}" --seed 900 >test.jsonl
recipe pretrain '{name: fine_tune}' broad.jsonl \
    "{epochs: ${LOOP_EPOCHS:-6}, global_batch_size: 16, micro_batches: 2, max_tokens_per_pass: 4096, learning_rate: 1.5e-3, schedule: cosine, warmup_ratio: 0.05, weight_decay: 0.01}" 5 student
run pretrain.yaml
echo "pretrained: $(value student_accuracy pretrain/report.json) of the examination"

train() { echo "{epochs: $1, global_batch_size: 8, micro_batches: 2, max_tokens_per_pass: 4096, learning_rate: ${LOOP_RATE:-3.0e-4}, schedule: cosine, warmup_ratio: 0.1, weight_decay: 0}"; }
method() { echo "{name: llm2llm, task: numeric, augmentation: $1, rounds: ${LOOP_ROUNDS:-5}, per_seed: ${LOOP_PER_SEED:-3}, attempts: ${LOOP_ATTEMPTS:-6}, calls: ${2:-0}, temperature: 1.0}"; }
epochs=${LOOP_TUNE_EPOCHS:-6}
printf 'seed\tarm\titems\tcalls\taccuracy\n' >figures.tsv
note() { # SEED ARM NAME
    printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$(value items "$3/report.json")" "$(value teacher_calls "$3/report.json")" \
        "$(value student_accuracy "$3/report.json")" | tee -a figures.tsv
}
for seed in ${LOOP_SEEDS:-1 2 3}; do
    "$double" --tutor-data examination --count 36 --seed "$seed" >"seeds-$seed.jsonl"
    recipe "rounds-$seed" "$(method llm2llm)" "seeds-$seed.jsonl" "$(train "$epochs")" "$seed"
    run "rounds-$seed.yaml"
    note "$seed" rounds "rounds-$seed"
    calls=$(value teacher_calls "rounds-$seed/report.json")
    items=$(value items "rounds-$seed/report.json")
    recipe "seeds-$seed" "$(method none)" "seeds-$seed.jsonl" "$(train "$epochs")" "$seed"
    run "seeds-$seed.yaml"
    note "$seed" seeds "seeds-$seed"
    recipe "steps-$seed" "$(method none)" "seeds-$seed.jsonl" "$(train $((epochs * items / 36)))" "$seed"
    run "steps-$seed.yaml"
    note "$seed" seeds-as-many-steps "steps-$seed"
    recipe "bulk-$seed" "$(method bulk "$calls")" "seeds-$seed.jsonl" "$(train "$epochs")" "$seed"
    run "bulk-$seed.yaml"
    note "$seed" bulk "bulk-$seed"
done
