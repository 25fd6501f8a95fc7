#!/usr/bin/env bash
# Distils a real student on this machine, from nothing but a Swift toolchain: installs the missing Debian
# packages, builds, fetches the student, writes the pool from the package index, and runs the LLKD recipe.
#
#   bash deploy/demo.sh [OPTIONS OF retort run]      for example: --set method.selection=all
#
#   RETORT_RANKS=N         ranks to start (2)
#   RETORT_STUDENT=FOLDER  a model folder to use instead of fetching all-MiniLM-L6-v2
#
# A second call resumes a run that was stopped, or says that all is done. Works from any folder; all that
# it fetches and makes lies in work/ and runs/ of this clone.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=demo
# shellcheck source=deploy/machine.sh
. "$root/deploy/machine.sh"
cd "$root"

ranks=${RETORT_RANKS:-2}
case $ranks in '' | 0* | *[!0-9]*) fail 64 "RETORT_RANKS=$ranks is not a number of ranks" ;; esac

say "1/5 Debian packages and the Swift toolchain"
require_packages "${build_packages[@]}"
require_swift

say "2/5 build (the first takes some minutes)"
swift build -c release --product retort ||
    fail 70 "the build failed, see above (the first one fetches Swift packages from github.com)"

say "3/5 student"
require_student

say "4/5 pool"
require_pool

say "5/5 distil on $ranks ranks"
choose_launcher "$ranks"
status=0
run_ranks .build/release/retort run deploy/recipes/demo.yaml "$@" || status=$?
case $status in
    0) say "done: runs/demo/report.html for reading, runs/demo/report.json for programs, runs/demo/student to load" ;;
    75) say "interrupted: run the same command again to resume" ;;
    *) say "retort ended with code $status; its message is above. The same command resumes from the last checkpoint" ;;
esac
exit "$status"
