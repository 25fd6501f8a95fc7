#!/usr/bin/env bash
# A teacher behind HTTP, with a server under our control: faults of every kind, a budget, a rate, a dead server on one
# rank, replay, and kill -9 at many random moments. In the end every record has one label, and the ledgers add up to
# what the server counted.
#
#   RETORT_KILLS=N   moments of kill -9 (60; 200 take ten minutes)
# shellcheck source=deploy/e2e/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

# shellcheck source=deploy/e2e/double.sh
. "$root/deploy/e2e/double.sh"

recipe() { # NAME PORT POOL: NAME.yaml
    cat >"$1.yaml" <<YAML
name: $1
seed: 3
output_dir: $1
data: {pool: $3}
teacher:
  kind: openai
  base_url: http://127.0.0.1:$2/v1
  model: double
  labels: [cat, dog, bird]
  timeout: 2
  max_retries: 50
  price: {input_per_million: 150, output_per_million: 600}
student: {model: $student, max_seq_length: 32}
YAML
}
awk 'BEGIN { split("cat dog bird", l, " "); for (i = 1; i <= 20000; i++) { g = l[i % 3 + 1]; printf "{\"id\":\"r%d\",\"text\":\"text %d of a pool, gold:%s\",\"label\":\"%s\"}\n", i, i, g, g } }' >all.jsonl
for rows in 200 600 2000; do head -n "$rows" all.jsonl >"pool-$rows.jsonl"; done

# What `labels show` says of a run: answers, requests answered, tokens sent and back.
shown() { # NAME PATTERN
    "$retort" labels show "$1/labels" 2>/dev/null | sed -n "s/$2/\1/p"
}
answers() { shown "$1" '^\([0-9]*\) answers, .*'; }

# --- Nothing goes wrong: the sums are the server's.
start_double plain --labels cat,dog,bird --latency-ms 5
recipe plain "$port" pool-2000.jsonl
if attempt plain.log ranks 3 "$retort" labels make plain.yaml; then
    stats "$port"
    expect "every record has a label" "$(answers plain) answers of 2000" [ "$(answers plain)" = 2000 ]
    expect "requests as the server counts them" "$(shown plain '^\([0-9]*\) requests answered.*') against $(counted "$port" answered)" \
        [ "$(shown plain '^\([0-9]*\) requests answered.*')" = "$(counted "$port" answered)" ]
    expect "tokens as the server counts them" "$(shown plain '.* \([0-9]*\) tokens sent.*') against $(counted "$port" prompt_tokens)" \
        [ "$(shown plain '.* \([0-9]*\) tokens sent.*')" = "$(counted "$port" prompt_tokens)" ]
else
    not_ok "every record has a label" "$why"
fi
before=$(counted "$port" requests)
attempt again.log ranks 2 "$retort" labels make plain.yaml || not_ok "second call" "$why"
stats "$port"
expect "a second call asks nothing" "$(counted "$port" requests) requests, $before before" [ "$(counted "$port" requests)" = "$before" ]

# --- Faults of every kind.
start_double faulty --labels cat,dog,bird --latency-ms 5 --latency-jitter-ms 20 --fail-500 0.05 --storm-429 0.02 --retry-after 0.2 --cut 0.03 --bad-json 0.03 \
    --no-logprobs 0.05 --duplicate-logprobs 0.05 --empty 0.02 --lie-usage 0.05 --hang 0.002 --slow 0.01
recipe faulty "$port" pool-600.jsonl
if attempt faulty.log ranks 3 "$retort" labels make faulty.yaml; then
    expect "every record of a faulty server" "$(answers faulty) answers of 600" [ "$(answers faulty)" -ge 595 ]
else
    not_ok "every record of a faulty server" "$why"
fi

# --- A cap is a cap; a higher one buys the rest.
start_double capped --labels cat,dog,bird --latency-ms 20 --latency-jitter-ms 60
recipe capped "$port" pool-600.jsonl
code=0
ranks 4 "$retort" labels make capped.yaml --set budget.requests=250 >capped.log 2>&1 || code=$?
stats "$port"
expect "the cap ends the run with its code" "code $code" [ "$code" -eq 77 ]
expect "the cap is reached and not passed" "$(counted "$port" requests) requests of 250" [ "$(counted "$port" requests)" -eq 250 ]
expect "what a higher cap buys" "$(last_line capped.log)" grep -q 'the other 350 need about 350 requests' capped.log
if attempt raised.log ranks 2 "$retort" labels make capped.yaml --set budget.requests=600; then
    stats "$port"
    expect "a higher cap goes on" "$(counted "$port" requests) requests, $(answers capped) answers" \
        [ "$(counted "$port" requests) $(answers capped)" = "600 600" ]
else
    not_ok "a higher cap goes on" "$why"
fi

# --- A rank whose server is dead: the others take its records over.
start_double alive --labels cat,dog,bird --latency-ms 5
recipe halves "$port" pool-600.jsonl
sed -i "s|base_url: .*|base_url: http://127.0.0.1:\${TEACHER_PORT}/v1|; s|timeout: 2|timeout: 2\n  give_up_seconds: 1|" halves.yaml
# shellcheck disable=SC2016 # each rank finds its own server
if attempt halves.log ranks 2 sh -c '[ "$OMPI_COMM_WORLD_RANK" = 0 ] && TEACHER_PORT=$1 || TEACHER_PORT=1; export TEACHER_PORT
    exec "$0" labels make halves.yaml' "$retort" "$port"; then
    expect "records of a rank without a server" "$(answers halves) answers of 600" [ "$(answers halves)" = 600 ]
else
    not_ok "records of a rank without a server" "$why"
fi

# --- A rate is a rate.
start_double paced --labels cat,dog,bird --latency-ms 5
recipe paced "$port" pool-200.jsonl
if attempt paced.log ranks 3 "$retort" labels make paced.yaml --set rate.requests_per_minute=1200; then
    stats "$port"
    expect "no more than the rate in a second" "$(counted "$port" max_in_1s) in one second at 20 a second" [ "$(counted "$port" max_in_1s)" -le 45 ]
else
    not_ok "no more than the rate in a second" "$why"
fi

# --- Mistakes: one line, the right code, and the key nowhere.
mistake() { # NAME CODE PATTERN COMMAND...
    local name=$1 wanted=$2 pattern=$3 code=0
    shift 3
    "$@" >"mistake.log" 2>&1 </dev/null || code=$?
    expect "$name" "code $code: $(last_line mistake.log)" eval "[ $code -eq $wanted ] && grep -q '$pattern' mistake.log && [ \$(grep -c '^error: ' mistake.log) -eq 1 ]"
}
start_double locked --labels cat,dog,bird --latency-ms 1 --api-key correct-horse-battery
recipe locked "$port" pool-200.jsonl
export WRONG_KEY=wrong-horse-battery
mistake "a wrong key" 78 'key' ranks 2 "$retort" labels make locked.yaml --set "teacher.api_key='\${WRONG_KEY}'"
expect "the key is in no log and no file" "$(grep -rl wrong-horse . | head -n 1)" eval '! grep -rq wrong-horse-battery .'
mistake "a key that isn't set" 78 'NO_SUCH_KEY' ranks 1 "$retort" labels make locked.yaml --set "teacher.api_key='\${NO_SUCH_KEY}'"
mistake "a server that isn't there" 69 'kept, the same command goes on' \
    ranks 2 "$retort" labels make locked.yaml --set teacher.base_url=http://127.0.0.1:1/v1 --set teacher.give_up_seconds=1
mistake "a URL that isn't one" 78 'nowhere' "$retort" labels make locked.yaml --set teacher.base_url=nowhere
mistake "a template with a slip" 78 'txet' "$retort" labels make locked.yaml --set "teacher.prompt={user: 'Text: {{txet}}'}"

# --- Replay: a run's ledger teaches another, with the same result and no server.
cat >training.txt <<'YAML'
method: {name: llkd, selection: llkd, momentum: 0.9, warmup_steps: 4}
train: {epochs: 1, global_batch_size: 16, micro_batches: 4, learning_rate: 1.0e-4}
YAML
recipe live "$(cat plain.port)" pool-200.jsonl
cat training.txt >>live.yaml
sed 's|base_url:.*||; s|model: double||; s|timeout: 2||; s|max_retries: 50||; s|price:.*||; s|kind: openai|kind: recorded\n  path: live/labels|; s|output_dir: live|output_dir: replay|; s|name: live|name: replay|' live.yaml >replay.yaml
if attempt live.log ranks 2 "$retort" run live.yaml && attempt replay.log ranks 1 "$retort" run replay.yaml; then
    expect "the replayed run is the same" "the students differ" cmp -s live/student/model.safetensors replay/student/model.safetensors
else
    not_ok "the replayed run is the same" "$why"
fi

# --- kill -9 at random moments, of a rank or of all.
kills=${RETORT_KILLS:-60}
start_double killed --labels cat,dog,bird --latency-ms 20 --latency-jitter-ms 30
recipe killed "$port" all.jsonl
RANDOM=17
for ((kill = 0; kill < kills; kill++)); do
    count=$((RANDOM % 4 + 1))
    choose_launcher "$count"
    # mpirun waits for ever for a rank that is killed while it connects, and doesn't end at TERM then.
    timeout -k 5 30 "${launcher[@]}" "$retort" labels make killed.yaml --set rate.max_in_flight=24 >killed.log 2>&1 </dev/null &
    launched=$!
    sleep "$(awk -v r="$RANDOM" 'BEGIN { print 0.15 + r / 32768 * 0.8 }')"
    if [ $((RANDOM % 3)) -eq 0 ]; then
        pkill -9 -f "labels make killed.yaml" 2>/dev/null
    else
        victim=$(pgrep -f "^$retort labels make killed.yaml" | shuf -n 1 --random-source=<(yes "$RANDOM"))
        [ -z "$victim" ] || kill -9 "$victim" 2>/dev/null
    fi
    wait "$launched" 2>/dev/null
done
rest=0
attempt killed.log ranks 2 "$retort" labels make killed.yaml --set rate.max_in_flight=256 || rest=1
stats "$port"
expect "killed $kills times, then finished" "$why" [ "$rest" -eq 0 ]
expect "every record has one label after all kills" "$(answers killed) answers of 20000" [ "$(answers killed)" = 20000 ]
repeated=$(counted "$port" repeated_requests)
under_way=$(shown killed '.*lost on the way, \([0-9]*\) of them at kills.*')
expect "no more sent again than was in flight" "$repeated repeated, $under_way in flight at kills" [ "$repeated" -le "$under_way" ]
expect "what was in flight is bounded by the limit" "$under_way in $kills kills" [ "$under_way" -le $((kills * 24)) ]
expect "the ledger's answers are the server's" "$(shown killed '^\([0-9]*\) requests answered.*') of $(counted "$port" answered)" \
    [ "$(shown killed '^\([0-9]*\) requests answered.*')" -le "$(counted "$port" answered)" ]
