#!/usr/bin/env bash
# Runs an MPI program on two emulated hosts of this machine: two network namespaces with names and addresses of their
# own, joined by a virtual cable. Ranks of different hosts can talk over TCP alone, as on a real cluster.
#
#   sudo bash deploy/two-hosts.sh [-n RANKS] [--delay MILLISECONDS] COMMAND...
#
#   sudo bash deploy/two-hosts.sh hostname
#   sudo bash deploy/two-hosts.sh -n 4 .build/release/retort run deploy/recipes/demo.yaml --set output_dir=runs/two-hosts
#
# Ranks (2) go to the two hosts in turn. --delay slows the cable down, each way. The exit code is mpirun's. Files are
# shared, as they would be on a cluster's network disk. Needs root and iproute2; nothing is left behind.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=two-hosts
# shellcheck source=deploy/machine.sh
. "$root/deploy/machine.sh"

ranks=2 delay=
while [ $# -gt 0 ]; do
    case $1 in
        -n) ranks=${2:-} && shift 2 ;;
        --delay) delay=${2:-} && shift 2 ;;
        -*) fail 64 "no such option: $1" ;;
        *) break ;;
    esac
done
[ $# -gt 0 ] || fail 64 "no command given: two-hosts.sh [-n RANKS] [--delay MILLISECONDS] COMMAND..."
case $ranks in '' | 0* | *[!0-9]*) fail 64 "-n $ranks is not a number of ranks" ;; esac
[ "$(id -u)" -eq 0 ] || fail 69 "network namespaces need root: run this with sudo"
require_packages iproute2 openmpi-bin

# Names of this process, so that several runs don't meet. The namespaces have no way out: addresses can't clash.
first=retort$$a second=retort$$b
scratch=$(mktemp -d)
# shellcheck disable=SC2064 # these names, now
trap "ip netns delete $first 2>/dev/null; ip netns delete $second 2>/dev/null; rm -rf '$scratch'" EXIT
trap 'exit 75' HUP INT TERM

message=$(ip netns add "$first" 2>&1 && ip netns add "$second" 2>&1) ||
    fail 69 "network namespaces are not allowed here (a container without SYS_ADMIN?): $message"
ip -n "$first" link add eth0 type veth peer name eth0 netns "$second"
ip -n "$first" address add 10.77.0.1/24 dev eth0
ip -n "$second" address add 10.77.0.2/24 dev eth0
for host in "$first" "$second"; do
    ip -n "$host" link set lo up
    ip -n "$host" link set eth0 up
    [ -z "$delay" ] || ip netns exec "$host" tc qdisc add dev eth0 root netem delay "${delay}ms" ||
        fail 69 "this kernel can't delay a link (sch_netem)"
done

# Stands in for ssh: mpirun calls it with an address and a command line. A host has its own name too, without
# which Open MPI takes both for one node.
cat >"$scratch/enter" <<AGENT
#!/bin/sh
case \$1 in 10.77.0.1) host=$first name=host-a ;; *) host=$second name=host-b ;; esac
shift
exec ip netns exec "\$host" unshare --uts sh -c 'hostname "\$0"; exec bash -c "\$1"' "\$name" "\$*"
AGENT
chmod +x "$scratch/enter"
slots=$(((ranks + 1) / 2))
printf '10.77.0.1 slots=%d\n10.77.0.2 slots=%d\n' "$slots" "$slots" >"$scratch/hosts"

launch=(mpirun -n "$ranks" --hostfile "$scratch/hosts" --map-by node --bind-to none --allow-run-as-root
    --mca plm_rsh_agent "$scratch/enter" --mca oob_tcp_if_include eth0 --mca btl_tcp_if_include eth0 "$@")
status=0
"$scratch/enter" 10.77.0.1 "$(printf '%q ' "${launch[@]}")" || status=$?
exit "$status"
