#!/usr/bin/env bash
# The closed loop of docs/lion.md with the instructor of small tasks: a small decoder is pretrained on the skills alone, by
# their bare names, then on skills and some requests in words. Nine in ten of the requests ask for four common families of
# sixteen; the examination asks for all alike. Arms: Lion's iterations; imitation alone of more instructions of the same
# kind, as many as Lion's calls, and as many as its answers; and of the same instructions asked again, at as many calls.
#
#   lion-instructor.sh RETORT TEACHER-DOUBLE        in an empty folder; writes figures.tsv and students.tsv
#
#   LOOP_WIDTH LOOP_LAYERS LOOP_BARE LOOP_EPOCHS         the student and its first pretraining: tasks, passes over them
#   LOOP_PRETRAINED=FOLDER                               a student that an earlier loop has pretrained
#   LOOP_POOL LOOP_PER_KIND LOOP_TUNE_EPOCHS LOOP_RATE   instructions at hand, new ones of a kind, passes and rate of a training
#   LOOP_JUDGE LOOP_TEST                                 tasks that are judged in an iteration, and those of the examination
#
# What else can be set is in runs.sh.
# shellcheck source=deploy/e2e/loop/runs.sh
. "$(dirname "${BASH_SOURCE[0]}")/runs.sh"
start_teacher --instructor

recipe() { # NAME METHOD POOL TRAIN SEED [STUDENT]
    cat >"$1.yaml" <<YAML
name: $1
seed: $5
output_dir: $1
data: {pool: $3, test: test.jsonl, text_field: instruction, input_field: input, label_field: output, id_field: id}
teacher: {kind: openai, base_url: "http://127.0.0.1:$port/v1", model: instructor, timeout: 10}
student: {model: ${6:-$pretrained}, max_seq_length: 96, prompt_template: "{{prompt}}\nAnswer: "}
method: $2
train: $4
checkpoint: {save_steps: 0}
evaluate: {eval_steps: 0, logging_steps: 500, max_new_tokens: 32, compare: exact}
YAML
}
"$double" --instructor-data examination --count "${LOOP_TEST:-320}" --seed 900 >test.jsonl
pretrained=${LOOP_PRETRAINED:-}
if [ -z "$pretrained" ]; then
    pretraining() { # EPOCHS
        echo "{epochs: $1, global_batch_size: 32, micro_batches: 2, max_tokens_per_pass: 4096, learning_rate: 1.5e-3, schedule: cosine, warmup_ratio: 0.05, weight_decay: 0.01}"
    }
    "$double" --instructor-student student --student-width "${LOOP_WIDTH:-128}" --student-layers "${LOOP_LAYERS:-4}" --seed 5
    "$double" --instructor-data bare --count "${LOOP_BARE:-8000}" --seed 77 >bare.jsonl
    recipe bare '{name: fine_tune}' bare.jsonl "$(pretraining "${LOOP_EPOCHS:-5}")" 5 student
    run bare.yaml
    "$double" --instructor-data bare --count 12000 --seed 78 >mixed.jsonl
    "$double" --instructor-data asked --count 4000 --seed 79 >>mixed.jsonl
    recipe mixed '{name: fine_tune}' mixed.jsonl "$(pretraining 4)" 5 bare/student
    run mixed.yaml
    echo "pretrained: $(value student_accuracy mixed/report.json) of the examination"
    pretrained=mixed/student
fi

epochs=${LOOP_TUNE_EPOCHS:-3}
pool=${LOOP_POOL:-320}
kind=${LOOP_PER_KIND:-240}
train="{epochs: $epochs, global_batch_size: 16, micro_batches: 2, max_tokens_per_pass: 4096, learning_rate: ${LOOP_RATE:-5.0e-4}, schedule: cosine, warmup_ratio: 0.1, weight_decay: 0}"
decoding="{teacher: {temperature: 0.7, max_tokens: 64}, referee: {temperature: 0.2, max_tokens: 96}, generator: {temperature: 1, max_tokens: 64}, student: {temperature: 0.7, max_tokens: 32}}"
# These tasks share most of their words: published is a similarity of 0.7.
method() { echo "{name: lion, arm: $1, iterations: 3, per_kind: $kind, similarity: 0.85, calls: ${2:-0}, judge_limit: ${LOOP_JUDGE:-200}, decoding: $decoding}"; }
printf 'seed\tarm\tlessons\tcalls\taccuracy\n' >figures.tsv
printf 'seed\tstudent\tlessons\tjudged\thard\thard of read\tquality\taccuracy\tcalls\n' >students.tsv
note() { # SEED ARM NAME
    printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$(value lessons "$3/report.json")" "$(value teacher_calls "$3/report.json")" \
        "$(value student_accuracy "$3/report.json")" | tee -a figures.tsv
}
for seed in ${LOOP_SEEDS:-1 2 3}; do
    "$double" --instructor-data asked --count 8000 --seed "$seed" >"asked-$seed.jsonl"
    head -n "$pool" "asked-$seed.jsonl" >"pool-$seed.jsonl"
    recipe "lion-$seed" "$(method lion)" "pool-$seed.jsonl" "$train" "$seed"
    run "lion-$seed.yaml"
    note "$seed" lion "lion-$seed"
    for student in 0 1 2 3; do
        file=lion-$seed/data/iteration-$student.json
        tests=$(value tests "$file") right=$(value testsRight "$file")
        printf '%s\t%s\t%s\t%s\t%s\t%s/%s\t%s\t%s/%s\n' "$seed" "$student" "$(grep -c . "lion-$seed/data/train-$student.jsonl")" \
            "$(value judged "$file")" "$(value hard "$file")" "$(value hardSeeds "$file")" "$(value judgedSeeds "$file")" \
            "$(value quality "$file")" "$right" "$tests" | tee -a students.tsv
    done
    calls=$(value teacher_calls "lion-$seed/report.json")
    lessons=$(value lessons "lion-$seed/report.json")
    # The instructions at hand, asked again and again; more like them, as many as Lion's answers; more, as many as its calls.
    recipe "again-$seed" "$(method imitation "$calls")" "pool-$seed.jsonl" "$train" "$seed"
    run "again-$seed.yaml"
    note "$seed" imitation-again "again-$seed"
    for arm in answers:$lessons calls:$calls; do
        head -n "${arm#*:}" "asked-$seed.jsonl" >"more-${arm%:*}-$seed.jsonl"
        recipe "${arm%:*}-$seed" "$(method imitation)" "more-${arm%:*}-$seed.jsonl" "$train" "$seed"
        run "${arm%:*}-$seed.yaml"
        note "$seed" "imitation-more-${arm%:*}" "${arm%:*}-$seed"
    done
done
