#!/usr/bin/env bash
# docs/regressions.md P4
# A pod that lives for one second is on the map after it is gone.
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"

test_up
pod_up shop server -- shop_workload --listen 8080
service_up shop server 80:8080 "$POD_NAME"
start_mapper
start_sniffer

pod_up shop mayfly -- shop_workload --call server:80 --calls 1 --linger-ms 100
sleep 1
pod_down shop "$POD_NAME"
expect_edge "mayfly.shop -> server.shop"
