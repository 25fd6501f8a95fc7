#!/usr/bin/env bash
# The closed loop of docs/llm2llm.md with the tutor of word problems: a small decoder that is pretrained on the broad, easier
# mixture learns an examination, of which it can do most, from a few seeds. Arms: the seeds alone, LLM2LLM's rounds, and one
# bulk of the tutor's at as many calls. The rounds train gently, so that seeds go wrong for want of skill and aren't learnt by
# heart; then each arm's last data set is learnt to the end, from the pretrained weights: that is what counts.
#
#   llm2llm-tutor.sh RETORT TEACHER-DOUBLE        in an empty folder; writes figures.tsv
#
#   LOOP_COUNT LOOP_ROUNDS LOOP_PER_SEED LOOP_ATTEMPTS   seeds, rounds, items for a wrong seed, calls for them
#   LOOP_TUNE_EPOCHS LOOP_RATE                           passes and rate of a round
#   LOOP_LAST_EPOCHS LOOP_LAST_RATE                      and of the last training
#
# What else can be set is in tutor.sh.
# shellcheck source=deploy/e2e/loop/tutor.sh
. "$(dirname "${BASH_SOURCE[0]}")/tutor.sh"
start_tutor --seed 1

# Problems of one story differ in two numbers of thirty words, so the gate lets all but the same ones through.
method() { echo "{name: llm2llm, task: numeric, augmentation: $1, rounds: ${LOOP_ROUNDS:-8}, per_seed: ${LOOP_PER_SEED:-10}, attempts: ${LOOP_ATTEMPTS:-1}, calls: ${2:-0}, temperature: 1.0, max_tokens: 1024, similarity: 0.99}"; }
epochs=${LOOP_TUNE_EPOCHS:-6}
count=${LOOP_COUNT:-54}
rate=${LOOP_RATE:-1.0e-4}
printf 'seed\tarm\titems\tcalls\taccuracy\tat_the_end\n' >figures.tsv
arm() { # SEED ARM AUGMENTATION [CALLS]
    local name=$2-$1 last
    local -a items
    recipe "$name" "$(method "$3" "${4:-0}")" "seeds-$1.jsonl" "$(train "$epochs" "$rate")" "$1"
    run "$name.yaml"
    items=("$name"/data/round-*.jsonl)
    last=$(printf '%s\n' "${items[@]}" | sort -V | tail -n 1)
    recipe "last-$name" '{name: fine_tune}' "$last" "$(train "${LOOP_LAST_EPOCHS:-10}" "${LOOP_LAST_RATE:-1.0e-3}")" "$1"
    run "last-$name.yaml"
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$(value items "$name/report.json")" "$(value teacher_calls "$name/report.json")" \
        "$(value student_accuracy "$name/report.json")" "$(value student_accuracy "last-$name/report.json")" | tee -a figures.tsv
}
for seed in ${LOOP_SEEDS:-1 2 3}; do
    examination "$count" "$seed" >"seeds-$seed.jsonl"
    arm "$seed" seeds none
    arm "$seed" rounds llm2llm
    arm "$seed" bulk bulk "$(value teacher_calls "rounds-$seed/report.json")"
done
