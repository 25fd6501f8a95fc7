#!/usr/bin/env bash
# kill -9 of a rank while labels are made, and while the student trains; then the same command: the run ends with the
# figures of an unbroken one, resumed on another number of ranks too.
# shellcheck source=deploy/e2e/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
make_small_run 320 160

run() { # RANKS NAME
    ranks "$1" "$retort" run small.yaml --set output_dir="$2" --set train.epochs=3 --set method.selection=all --set checkpoint.save_steps=3
}

# The last process of a run whose program is the given one.
process_of() { # NAME PROGRAM
    ps -e -o pid=,args= | awk -v name="output_dir=$1" -v program="$2" '$2 == program && index($0, name " ") { pid = $1 } END { print pid }'
}

# Starts a run, waits until CONDITION holds, sends a signal to its last rank or to mpirun, and waits for its end.
# Leaves the exit code in `status`; where that went wrong, says so in `why` and fails.
signal_when() { # RANKS NAME CONDITION SIGNAL PROGRAM
    local launched victim
    run "$1" "$2" >"$2.broken.log" 2>&1 &
    launched=$!
    until "$3" "$2"; do
        if ! kill -0 "$launched" 2>/dev/null; then
            why="the run ended before it was stopped: $(last_line "$2.broken.log")"
            return 1
        fi
        sleep 0.02
    done
    victim=$(process_of "$2" "$5")
    status=0
    kill "-$4" "${victim:-none}" 2>/dev/null || status=1
    why="no process of the run was there to stop"
    [ "$status" -eq 0 ] || return 1
    wait "$launched" || status=$?
    why="the run ended as if nothing had happened"
    [ "$status" -ne 0 ] && [ ! -f "$2/report.json" ]
}

labels_begun() { compgen -G "$1/labels/rank-*.sqlite" >/dev/null; }
checkpoint_there() { compgen -G "$1/checkpoints/step-*/manifest.json" >/dev/null; }

if ! attempt whole.log run 2 whole; then
    not_ok "unbroken run" "$why"
    exit
fi

scenario() { # TITLE NAME RANKS RANKS-OF-THE-SECOND-CALL CONDITION SIGNAL PROGRAM EXPECTED-CODE
    if ! signal_when "$3" "$2" "$5" "$6" "$7"; then
        not_ok "$1" "$why"
    elif [ "$8" != any ] && [ "$status" -ne "$8" ]; then
        not_ok "$1" "mpirun ended with code $status, $8 expected"
    elif ! attempt "$2.log" run "$4" "$2"; then
        not_ok "$1" "the second call ended with $why"
    else
        expect_same_figures "$1" whole "$2"
    fi
}
killed=any # 137, or 76 where the others notice first
scenario "killed while labelling" labelling 2 2 labels_begun KILL "$retort" "$killed"
scenario "killed while training" training 2 2 checkpoint_there KILL "$retort" "$killed"
scenario "killed, resumed on 1 rank" fewer 2 1 checkpoint_there KILL "$retort" "$killed"
scenario "killed, resumed on 3 ranks" more 2 3 checkpoint_there KILL "$retort" "$killed"
# How Slurm's early warning and deploy/demo.sh stop a run: mpirun hands SIGUSR1 on to the ranks, which save and end with 75.
scenario "asked to stop" stopped 2 2 checkpoint_there USR1 mpirun 75
