#!/usr/bin/env bash
# Response priming with a real teacher of 260 thousand weights: its scores teach a smaller decoder more than its
# words alone, on any ranks and after a kill; its attention is reported.
# shellcheck source=deploy/e2e/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

teacher=$root/../shared/data/stories260k
if [ ! -f "$teacher/model.safetensors" ]; then
    skip "priming" "no decoder in $teacher"
    exit
fi
if ! command -v curl >/dev/null 2>&1; then
    skip "priming" "no curl"
    exit
fi

# Stories of the teacher's own: a beginning asks, the teacher's continuation at temperature 1 answers.
"$retort" serve "$teacher" --port 0 --port-file port >serve.log 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null' EXIT
for ((tries = 0; tries < 600; tries++)); do
    if [ -s port ] || ! kill -0 "$server" 2>/dev/null; then break; fi
    sleep 0.1
done
if [ ! -s port ]; then
    not_ok "priming" "the teacher doesn't listen: $(last_line serve.log)"
    exit
fi
url=http://127.0.0.1:$(cat port)/v1/completions
number=0
for who in "little girl" "little boy" "big dog" "small cat" "happy bird" "brave mouse"; do
    for name in Lily Tom Ben Mia Sue Max Sam Amy; do
        for place in "the park" "the forest" "the beach" "a big tree" "the zoo"; do
            number=$((number + 1))
            begin="Once upon a time, there was a $who named $name. One day, $name went to $place."
            curl -s --max-time 60 "$url" -H 'content-type: application/json' -d '{"model":"stories260k",
                "prompt":"'"$begin"'","max_tokens":100,"temperature":1,"seed":'$number'}' >answer.json
            text=$(sed -n 's/.*"text" *: *\("\(\\.\|[^"\\]\)*"\).*/\1/p' answer.json | head -n 1)
            [ "${#text}" -gt 2 ] && printf '{"text":"%s","label":%s}\n' "$begin" "$text"
        done
    done
done >stories.jsonl
kill "$server"
count=$(wc -l <stories.jsonl)
expect "the teacher wrote stories" "$count of $number" [ "$count" -ge 200 ]
awk 'NR % 3 != 0' stories.jsonl >train.jsonl
awk 'NR % 3 == 0' stories.jsonl >test.jsonl

sed -e 's/"hidden_size": 64/"hidden_size": 32/; s/"num_attention_heads": 8/"num_attention_heads": 4/' \
    -e 's/"num_key_value_heads": 4/"num_key_value_heads": 2/; s/"intermediate_size": 172/"intermediate_size": 96/' \
    -e 's/"num_hidden_layers": 5/"num_hidden_layers": 2/' "$teacher/config.json" >small.json
if ! attempt init.log "$retort" init small.json --tokenizer "$teacher" --output small; then
    not_ok "retort init" "$why"
    exit
fi
cat >priming.yaml <<YAML
name: stories
seed: 1
output_dir: run
data: {pool: train.jsonl, test: test.jsonl, text_field: text, label_field: label}
teacher: {kind: local, model: $teacher}
student: {model: small, max_seq_length: 256, prompt_template: "{{prompt}}"}
method:
  name: priming
  arms: [none]
  judge_answers: false
  validation_ratio: 0.1
  divergence: forward_kl
  temperature: 1
  alpha: 0.1
train: {epochs: 6, global_batch_size: 16, micro_batches: 4, learning_rate: 3.0e-3, warmup_ratio: 0.1, weight_decay: 0.0}
checkpoint: {save_steps: 20}
YAML

attempt one.log ranks 1 "$retort" run priming.yaml
expect "one rank" "$why" [ -f run/report.json ]
attempt two.log ranks 2 "$retort" run priming.yaml --set output_dir=two
expect "two ranks" "$why" [ -f two/report.json ]
expect "the same figures on one and on two ranks" "$(diff run/comparison.md two/comparison.md | head -n 3)" \
    cmp -s run/comparison.md two/comparison.md
expect "the same student on one and on two ranks" "the weights differ" \
    cmp -s run/arms/none/seed-1/student/model.safetensors two/arms/none/seed-1/student/model.safetensors

# The loss of the arm in the test against that of fine-tuning alone, with its interval.
line=$(grep -m 1 '^none ' run/comparison.txt)
high=$(printf '%s\n' "$line" | sed -n 's/.*, \(-\{0,1\}[0-9.]*\)\]$/\1/p')
expect "scores teach more than words alone" "$line" awk -v high="${high:-1}" 'BEGIN { exit !(high < 0) }'

# Killed while the arm is trained, and called again: no signal is recorded a second time.
"$retort" run priming.yaml --set output_dir=killed >killed.log 2>&1 &
victim=$!
for ((tries = 0; tries < 1200; tries++)); do
    if ls killed/arms/none/seed-1/checkpoints/step-* >/dev/null 2>&1 || ! kill -0 "$victim" 2>/dev/null; then break; fi
    sleep 0.1
done
kill -9 "$victim" 2>/dev/null
wait "$victim" 2>/dev/null
before=$(cksum <killed/labels/signals-00000.sqlite 2>/dev/null)
attempt again.log "$retort" run priming.yaml --set output_dir=killed
expect "after a kill" "$why" [ -f killed/report.json ]
expect "signals are kept over a kill" "recorded again" [ "$before" = "$(cksum <killed/labels/signals-00000.sqlite 2>/dev/null)" ]
expect "the same figures after a kill" "$(diff run/comparison.md killed/comparison.md | head -n 3)" \
    cmp -s run/comparison.md killed/comparison.md

expect "a finished run says so" "$(tail -n 1 one.log)" \
    grep -q 'all is done' <("$retort" run priming.yaml 2>&1)

if attempt attention.json "$retort" attention "$teacher" test.jsonl --prompt-template '{{prompt}}' --arm none \
    --arm teacher --limit 8 --json; then
    expect "attention" "$(head -c 200 attention.json)" grep -q '"arm":"teacher"' attention.json
else
    not_ok "attention" "$why"
fi
