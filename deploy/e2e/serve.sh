#!/usr/bin/env bash
# A trained student behind `retort serve`: it answers curl as the evaluation says, keeps its limits, and ends cleanly.
# shellcheck source=deploy/e2e/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

if ! command -v curl >/dev/null 2>&1; then
    skip "serve" "no curl"
    exit
fi
make_small_run 80 40
if ! attempt run.log ranks 2 "$retort" run small.yaml; then
    not_ok "serve" "the run ended with $why"
    exit
fi

RETORT_E2E_KEY=sesame "$retort" serve run/student --port 0 --port-file port --api-key-env RETORT_E2E_KEY \
    --max-length 32 --max-body-bytes 100000 >serve.log 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null' EXIT
for ((tries = 0; tries < 300; tries++)); do
    if [ -s port ] || ! kill -0 "$server" 2>/dev/null; then break; fi
    sleep 0.1
done
if [ ! -s port ]; then
    not_ok "serve" "it doesn't listen: $(last_line serve.log)"
    exit
fi
url=http://127.0.0.1:$(cat port)

ask() { # FILE PATH [CURL-OPTION...]: the body goes into a file, the status to standard output
    local file=$1 path=$2
    shift 2
    curl -s --max-time 60 -o "$file" -w '%{http_code}' "$@" "$url$path"
}
key=(-H 'authorization: Bearer sesame')

expect "health" "$(cat health.json 2>/dev/null)" [ "$(ask health.json /healthz)" = 200 ]
expect "no key" "$(cat no-key.json 2>/dev/null)" [ "$(ask no-key.json /v1/models)" = 401 ]
expect "models" "$(cat models.json 2>/dev/null)" [ "$(ask models.json /v1/models "${key[@]}")" = 200 ]
expect "models names the student" "$(cat models.json)" grep -q '"id":"student"' models.json

body='{"model":"student","messages":[{"role":"user","content":"a program to read and send mail"}],"logprobs":true,"top_logprobs":4}'
expect "chat" "$(cat chat.json 2>/dev/null)" [ "$(ask chat.json /v1/chat/completions "${key[@]}" -d "$body")" = 200 ]
expect "chat gives log-probabilities" "$(cat chat.json)" grep -q '"top_logprobs":\[{' chat.json
expect "completion" "$(cat completion.json 2>/dev/null)" \
    [ "$(ask completion.json /v1/completions "${key[@]}" -d '{"model":"student","prompt":"a game of chess","logprobs":4}')" = 200 ]

# The test set as one request: as many labels right as `evaluate` says.
sed 's/.*"text":\(".*"\),"label".*/\1/' test.jsonl | paste -sd , | sed 's/.*/{"input":[&]}/' >texts.json
expect "classify" "$(head -c 300 classes.json 2>/dev/null)" [ "$(ask classes.json /v1/classify "${key[@]}" --data-binary @texts.json)" = 200 ]
grep -o '"index":[0-9]*,"label":"[^"]*"' classes.json | sed 's/.*"label":"\(.*\)"/\1/' >predicted.txt
sed 's/.*"label":"\([^"]*\)"}.*/\1/' test.jsonl >gold.txt
"$retort" evaluate run/student test.jsonl --max-seq-length 32 --json >evaluate.json 2>evaluate.log
accuracy=$(paste -d ' ' predicted.txt gold.txt | awk '$1 == $2 { right++ } END { printf "%.4f", right / NR }')
expect "as accurate as evaluate says" "$accuracy against $(json_value accuracy evaluate.json)" \
    awk -v a="$accuracy" -v b="$(json_value accuracy evaluate.json)" 'BEGIN { d = a - b; exit !(b != "" && d < 1e-3 && d > -1e-3) }'

expect "bad JSON" "$(cat bad.json 2>/dev/null)" [ "$(ask bad.json /v1/classify "${key[@]}" -d '{')" = 400 ]
expect "a long text" "$(head -c 300 long.json 2>/dev/null)" \
    [ "$(ask long.json /v1/classify "${key[@]}" -d "{\"input\":\"$(yes word | head -n 100 | tr '\n' ' ')\"}")" = 400 ]
head -c 200000 /dev/zero | tr '\0' a >large.txt
expect "a large body" "$(head -c 300 large.json 2>/dev/null)" [ "$(ask large.json /v1/classify "${key[@]}" --data-binary @large.txt)" = 413 ]
expect "metrics" "$(cat metrics.txt 2>/dev/null)" [ "$(ask metrics.txt /metrics)" = 200 ]
expect "metrics count" "$(grep requests_total metrics.txt)" \
    grep -qx 'retort_requests_total{route="/v1/classify",status="200"} 1' metrics.txt

# SIGTERM while a long request is answered: the answer still comes, the code is 0, and nobody listens after.
awk '{ for (copy = 0; copy < 16; copy++) print }' test.jsonl | sed 's/.*"text":\(".*"\),"label".*/\1/' |
    paste -sd , | sed 's/.*/{"input":[&]}/' >many.json
ask last.json /v1/classify "${key[@]}" --data-binary @many.json >last.txt &
asking=$!
for ((tries = 0; tries < 300; tries++)); do
    ask metrics.txt /metrics >/dev/null
    # Two in flight: the long one, and this question.
    ! grep -qxE 'retort_requests_in_flight 2|.*/v1/classify",status="200"} 2' metrics.txt || break
done
kill -TERM "$server"
code=0
wait "$server" || code=$?
wait "$asking"
trap - EXIT
expect "ends with 0" "code $code: $(last_line serve.log)" [ "$code" = 0 ]
expect "answers what it has" "status $(cat last.txt)" [ "$(cat last.txt)" = 200 ]
expect "listens no more" "it does" [ "$(ask after.json /healthz)" = 000 ]

code=0
"$retort" serve "$student" --port 0 >refused.log 2>&1 || code=$?
expect "a folder without a classifier is refused" "code $code: $(last_line refused.log)" \
    sh -c "[ $code = 65 ] && grep -q 'no classifier' refused.log"
