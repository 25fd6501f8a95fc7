#!/usr/bin/env bash
# The measurement of docs/mcqa.md: a small encoder learns MMLU's choices from recorded probabilities of large models, soft
# labels against hard ones against the few examples alone. The items are MMLU's test questions, cut into training and
# test: not the paper's few-shot setting.
#
#   mcqa-mmlu.sh RETORT STUDENT MMLU-FOLDER        in an empty folder; writes figures.tsv
#
#   LOOP_SEEDS="1 2 3"   LOOP_TEACHERS="llama3.1-8B gemma2-9b-it"   the runs: a split of the items and a training each
#   LOOP_EVERY=1         takes every so-manieth item
#   LOOP_EPOCHS LOOP_RATE LOOP_LENGTH LOOP_TEMPERATURE LOOP_HARD_WEIGHT LOOP_TEST_RATIO LOOP_FEW_SHOT_EPOCHS   the training
#   LOOP_RANKS LOOP_THREADS                                          they change the speed alone
set -euo pipefail
retort=$1 student=$2 mmlu=$3
ranks=${LOOP_RANKS:-1}
launch=()
[ "$ranks" = 1 ] || launch=(mpirun --allow-run-as-root --oversubscribe -n "$ranks")

cp "$mmlu/dev.jsonl" examples.jsonl
gzip -dc "$mmlu/test.jsonl.gz" | awk -v every="${LOOP_EVERY:-1}" 'NR % every == 0' >items.jsonl
printf 'seed\tteacher\tstudent\titems\ttest\taccuracy\tECE\tconfidence\tNLL\tminutes\n' >figures.tsv
for seed in ${LOOP_SEEDS:-1 2 3}; do
    arms="[soft, hard, few_shot]"
    for teacher in ${LOOP_TEACHERS:-llama3.1-8B gemma2-9b-it}; do
        name=$teacher-$seed
        cat >"$name.yaml" <<YAML
name: $name
seed: $seed
output_dir: $name
data: {pool: examples.jsonl}
teacher: {kind: recorded, path: $mmlu/teacher-$teacher.jsonl.gz}
student: {model: $student, max_seq_length: ${LOOP_LENGTH:-96}}
method: {name: mcqa, generation: none, items: items.jsonl, test_ratio: ${LOOP_TEST_RATIO:-0.1}, students: $arms, temperature: ${LOOP_TEMPERATURE:-1}, hard_weight: ${LOOP_HARD_WEIGHT:-0}, few_shot_epochs: ${LOOP_FEW_SHOT_EPOCHS:-10}}
train: {epochs: ${LOOP_EPOCHS:-2}, global_batch_size: 32, micro_batches: 4, max_tokens_per_pass: 4096, learning_rate: ${LOOP_RATE:-1.0e-4}, schedule: linear, warmup_ratio: 0.1}
checkpoint: {save_steps: 0}
evaluate: {logging_steps: 50}
YAML
        "${launch[@]}" "$retort" run "$name.yaml" --threads "${LOOP_THREADS:-2}" </dev/null >>run.log 2>&1
        awk -v seed="$seed" -v teacher="$teacher" '
            function value() { gsub(/[",]/, "", $2); return $2 }
            /^  "items":/ { items = value() }
            /^  "test_size":/ { test = value() }
            /^  "seconds":/ { minutes = value() / 60 }
            /"per_subject":/ { over = 1 }
            !over && /"answers":/ { inside = 1 }
            inside && !over && /"name":/ { name[++count] = value() }
            inside && !over && /"accuracy":/ { accuracy[count] = value() }
            inside && !over && /"calibration_error":/ { error[count] = value() }
            inside && !over && /"confidence":/ { confidence[count] = value() }
            inside && !over && /"loss":/ { loss[count] = value() }
            END { for (i = 1; i <= count; i++)
                printf "%s\t%s\t%s\t%s\t%s\t%.4f\t%.4f\t%.4f\t%.4f\t%.1f\n", seed, teacher, name[i], items, test, accuracy[i], error[i], confidence[i], loss[i], minutes }' \
            "$name/report.json" | tee -a figures.tsv
        # The few examples know no teacher: once a seed is enough.
        arms="[soft, hard]"
    done
done
