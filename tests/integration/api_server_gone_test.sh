#!/usr/bin/env bash
# Without an API server the mapper goes on serving what it knows, and says on /readyz what is missing.
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"

readyz_names_pods() {
  on_node curl -s --max-time 2 "$mapper_url/readyz" | grep -q '"inventory":".*pods: '
}

test_up
pod_up shop server -- shop_workload --listen 8080
service_up shop server 80:8080 "$POD_NAME"
server_ip="$POD_IP"
pod_up shop client -- shop_workload --call server:80 --every-ms 200
pod_up shop later-client -- shop_workload --listen 8080
later_ns="$POD_NS"
start_mapper
start_sniffer
expect_edge "client.shop -> server.shop"

kill_and_wait KILL "$(cat "$CLUSTER_DIR/api.pid")"
expect_edge "client.shop -> server.shop"
wait_for 30 readyz_names_pods || fail "/readyz does not name what is missing: $(on_node curl -s "$mapper_url/readyz")"
# What happens now is still resolved with what is known.
PATH="$bin:$PATH" nsenter --net="/run/netns/$later_ns" shop_workload --call "$server_ip:8080" --calls 5 --every-ms 100 &
expect_edge "later-client.shop -> server.shop"
