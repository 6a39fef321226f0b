#!/usr/bin/env bash
# A sniffer without a mapper goes on and keeps what it saw; the map is complete once the mapper is there.
# docs/regressions.md P7
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"

test_up
pod_up shop server -- shop_workload --listen 8080
service_up shop server 80:8080 "$POD_NAME"
start_mapper
start_sniffer
pod_up shop early -- shop_workload --call server:80 --every-ms 100
expect_edge "early.shop -> server.shop"

kill_and_wait KILL "$mapper_pid"
pod_up shop meanwhile -- shop_workload --call server:80 --calls 3 --every-ms 100
sleep 3
process_is_gone "$sniffer_pid" && fail "the sniffer ended with its mapper"
start_mapper
# Its calls were over before the mapper came back.
expect_edge "meanwhile.shop -> server.shop" 30
