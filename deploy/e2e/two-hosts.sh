#!/usr/bin/env bash
# Two emulated hosts, over TCP: the same figures as two ranks of one host. Skipped where namespaces aren't allowed.
# shellcheck source=deploy/e2e/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

probe=retort-probe$$
if [ "$(id -u)" -ne 0 ] || ! command -v ip >/dev/null || ! ip netns add "$probe" 2>/dev/null; then
    skip "two hosts" "network namespaces need root, iproute2 and SYS_ADMIN"
    exit
fi
ip netns delete "$probe"

make_small_run 160 80
if ! attempt one.log ranks 2 "$retort" run small.yaml --set output_dir=one-host; then
    not_ok "two hosts" "on one host it ended with $why"
elif ! attempt two.log timeout 240 bash "$root/deploy/two-hosts.sh" "$retort" run small.yaml --set output_dir=two-hosts; then
    not_ok "two hosts" "$why"
else
    expect_same_figures "two hosts" one-host two-hosts
fi
