# shellcheck shell=bash
# The tests' own server, for scripts that ask a teacher over HTTP; sourced after setup.sh.

double=$(dirname "${retort:?}")/teacher-double
[ -x "$double" ] || fail 66 "no $double: run 'swift build -c release'"
require_packages curl
servers=()
trap 'kill "${servers[@]}" 2>/dev/null' EXIT

start_double() { # NAME OPTION...: leaves its port in `port`
    local name=$1
    shift
    rm -f "$name.port"
    "$double" --port 0 --port-file "$name.port" --lifetime 7200 "$@" >"$name.server.log" 2>&1 &
    servers+=($!)
    for _ in $(seq 200); do
        [ -s "$name.port" ] && break
        sleep 0.05
    done
    # shellcheck disable=SC2034 # for the scripts
    port=$(cat "$name.port") || fail 70 "the server didn't start: $(tail -n 1 "$name.server.log")"
}
# What the server has counted.
stats() { curl -s --max-time 10 "http://127.0.0.1:$1/stats" >"stats-$1.json"; }
counted() { # PORT KEY: 0 for what never was
    local value
    value=$(sed -n 's/.*"'"$2"'":\([0-9]*\).*/\1/p' "stats-$1.json")
    echo "${value:-0}"
}
