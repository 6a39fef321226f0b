#!/usr/bin/env bash
# docs/regressions.md P5
# An address that another workload's pod takes over within a second: what either pod did, and what was done to it, is
# attributed to the right one.
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"

test_up
pod_up shop first-server -- shop_workload --listen 8080
service_up shop first-server 80:8080 "$POD_NAME"
pod_up shop second-server -- shop_workload --listen 8080
service_up shop second-server 80:8080 "$POD_NAME"
pod_up shop prober -- shop_workload --call 10.88.0.99:8080 --every-ms 50 --linger-ms 50
start_mapper
start_sniffer

export POD_IP_WANTED=10.88.0.99
pod_up shop alpha -- shop_workload --listen 8080 --call first-server:80 --every-ms 50 --linger-ms 50
alpha="$POD_NAME"
sleep 0.7
before="$(date +%s%N)"
pod_down shop "$alpha"
pod_up shop beta -- shop_workload --listen 8080 --call second-server:80 --every-ms 50 --linger-ms 50
taken=$((($(date +%s%N) - before) / 1000000))
unset POD_IP_WANTED
[ "$taken" -lt 1000 ] || fail "the address changed hands in $taken ms, which is too slow for this test"

expect_edge "alpha.shop -> first-server.shop"
expect_edge "beta.shop -> second-server.shop"
expect_edge "prober.shop -> alpha.shop"
expect_edge "prober.shop -> beta.shop"
expect_no_edge "alpha.shop -> second-server.shop"
expect_no_edge "beta.shop -> first-server.shop"
