# What the closed loops with the tutor of word problems share, to be sourced in an empty folder: the tutor behind its port, the
# examination, and a small decoder that is pretrained on a broad, easier mixture.
#
#   LOOP_SEEDS="1 2 3"   LOOP_RANKS=1   LOOP_THREADS=2   the runs' seeds, ranks and threads of each: they change the speed alone
#   LOOP_WIDTH LOOP_LAYERS LOOP_BROAD LOOP_EPOCHS        the student and its pretraining: problems, passes over them
#   LOOP_PRETRAINED=FOLDER                               a student that an earlier loop has pretrained
#   LOOP_EASY LOOP_TEST                                  how often the examination has each easy shape, and its problems
# shellcheck shell=bash
set -euo pipefail
retort=$1 double=$2
ranks=${LOOP_RANKS:-1}
launch=()
[ "$ranks" = 1 ] || launch=(mpirun --allow-run-as-root --oversubscribe -n "$ranks")

start_tutor() { # OPTION...
    "$double" --tutor --port 0 --port-file port --lifetime 14400 "$@" 2>tutor.log &
    tutor=$!
    trap 'kill "$tutor" 2>/dev/null' EXIT
    until [ -s port ]; do sleep 0.1; done
    port=$(cat port)
}
value() { sed -n 's/.*"'"$1"'"[[:space:]]*:[[:space:]]*"\{0,1\}\([^",}]*\).*/\1/p' "$2" | head -n 1; }
run() { "${launch[@]}" "$retort" run "$@" --threads "${LOOP_THREADS:-2}" </dev/null >>run.log 2>&1; }
recipe() { # NAME METHOD POOL TRAIN SEED [STUDENT]
    cat >"$1.yaml" <<YAML
name: $1
seed: $5
output_dir: $1
data: {pool: $3, test: test.jsonl, text_field: question, label_field: answer, id_field: id}
teacher: {kind: openai, base_url: "http://127.0.0.1:$port/v1", model: tutor, timeout: 10}
student: {model: ${6:-$pretrained}, max_seq_length: 160, prompt_template: "Question: {{prompt}}\nAnswer: "}
method: $2
train: $4
checkpoint: {save_steps: 0}
evaluate: {eval_steps: 0, logging_steps: 500, max_new_tokens: 48, compare: number}
YAML
}
train() { # EPOCHS RATE
    echo "{epochs: $1, global_batch_size: 8, micro_batches: 2, max_tokens_per_pass: 4096, learning_rate: $2, schedule: cosine, warmup_ratio: 0.1, weight_decay: 0}"
}
examination() { # COUNT SEED
    "$double" --tutor-data examination --count "$1" --easy-share "${LOOP_EASY:-4}" --seed "$2"
}

examination "${LOOP_TEST:-270}" 900 >test.jsonl
pretrained=${LOOP_PRETRAINED:-}
if [ -z "$pretrained" ]; then
    pretrained=pretrain/student
    "$double" --tutor-student student --student-width "${LOOP_WIDTH:-128}" --student-layers "${LOOP_LAYERS:-4}" --seed 5
    "$double" --tutor-data broad --count "${LOOP_BROAD:-20000}" --seed 77 >broad.jsonl
    port=0 recipe pretrain '{name: fine_tune}' broad.jsonl \
        "{epochs: ${LOOP_EPOCHS:-5}, global_batch_size: 16, micro_batches: 2, max_tokens_per_pass: 4096, learning_rate: 1.5e-3, schedule: cosine, warmup_ratio: 0.05, weight_decay: 0.01}" 5 student
    run pretrain.yaml
    echo "pretrained: $(value student_accuracy pretrain/report.json) of the examination"
fi
