# What all closed loops share, to be sourced in an empty folder: programs, a teacher behind its port, runs.
#
#   LOOP_SEEDS="1 2 3"   LOOP_RANKS=1   LOOP_THREADS=2   the runs' seeds, ranks and threads of each: they change the speed alone
# shellcheck shell=bash
set -euo pipefail
retort=$1 double=$2
ranks=${LOOP_RANKS:-1}
launch=()
[ "$ranks" = 1 ] || launch=(mpirun --allow-run-as-root --oversubscribe -n "$ranks")

start_teacher() { # OPTION...: leaves its port in `port`
    rm -f port
    "$double" --port 0 --port-file port --lifetime 14400 "$@" 2>teacher.log &
    teacher=$!
    trap 'kill "$teacher" 2>/dev/null' EXIT
    until [ -s port ]; do sleep 0.1; done
    # shellcheck disable=SC2034 # for the scripts
    port=$(cat port)
}
value() { sed -n 's/.*"'"$1"'"[[:space:]]*:[[:space:]]*"\{0,1\}\([^",}]*\).*/\1/p' "$2" | head -n 1; }
run() { "${launch[@]}" "$retort" run "$@" --threads "${LOOP_THREADS:-2}" </dev/null >>run.log 2>&1; }
