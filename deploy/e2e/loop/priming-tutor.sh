#!/usr/bin/env bash
# The closed loop of docs/priming.md with the tutor of word problems as a teacher of words: questions whose results alone are
# known; the tutor gives a result alone too, unless its prompt asks for steps. A small decoder learns what it said in each arm.
#
#   priming-tutor.sh RETORT TEACHER-DOUBLE        in an empty folder; the runs' comparison.txt has the figures
#
#   LOOP_COUNT LOOP_TUNE_EPOCHS LOOP_RATE         questions, passes and rate
#
# What else can be set is in tutor.sh; here the examination has all shapes alike.
LOOP_EASY=${LOOP_EASY:-1} LOOP_TEST=${LOOP_TEST:-240}
# shellcheck source=deploy/e2e/loop/tutor.sh
. "$(dirname "${BASH_SOURCE[0]}")/tutor.sh"
start_tutor --tutor-laconic

examination "${LOOP_COUNT:-480}" 31 | sed 's/"answer":"[^"]*#### /"answer":"#### /' >train.jsonl
read -r -a seeds <<<"${LOOP_SEEDS:-1 2 3}"
recipe priming "{name: priming, signal: text, arms: [none, teacher, ground_truth, confidence], seeds: ${#seeds[@]}, validation_ratio: 0.1, teacher_tokens: 64}" \
    train.jsonl "$(train "${LOOP_TUNE_EPOCHS:-8}" "${LOOP_RATE:-1.0e-3}")" "${seeds[0]}"
run priming.yaml
cat priming/comparison.txt
