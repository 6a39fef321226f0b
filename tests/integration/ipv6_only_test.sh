#!/usr/bin/env bash
# docs/regressions.md 1.1 dnssniffer/tcpsniffer, P22
# Two pods that have IPv6 addresses only, through DNS and a ClusterIP of that family.
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"

test_up
POD_IP6_ONLY=1 pod_up shop six-server -- shop_workload --listen 8080
service_up shop six-server 80:8080 "$POD_NAME"
start_mapper
sniffer_options=(--enable-dns=false)
start_sniffer

POD_IP6_ONLY=1 pod_up shop six-client -- shop_workload --call six-server:80 --every-ms 200
expect_edge "six-client.shop -> six-server.shop"
