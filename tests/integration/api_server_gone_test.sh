#!/usr/bin/env bash
# Without an API server the mapper goes on serving what it knows, and says on /readyz what is missing.
set -euo pipefail
. "$(dirname "$0")/support.sh"

readyz_complains() {
  ! on_node curl -sf --max-time 2 "$mapper_url/readyz"
}

readyz_is_content() {
  on_node curl -sf --max-time 2 "$mapper_url/readyz"
}

test_up
pod_up shop server -- shop_workload --listen 8080
service_up shop server 80:8080 "$POD_NAME"
pod_up shop client -- shop_workload --call server:80 --every-ms 200
pod_up shop later-client -- shop_workload --listen 8080
later_ns="$POD_NS"
start_mapper
start_sniffer
expect_edge "client.shop -> server.shop"

kill_and_wait KILL "$(cat "$CLUSTER_DIR/api.pid")"
expect_edge "client.shop -> server.shop"
wait_for 30 readyz_complains || echo "note: /readyz says $(on_node curl -s "$mapper_url/readyz")"
on_node curl -s "$mapper_url/readyz" > "$CLUSTER_DIR/readyz"
grep -qi "pods" "$CLUSTER_DIR/readyz" || fail "/readyz does not name what is missing: $(cat "$CLUSTER_DIR/readyz")"
# What happens now is still resolved with what is known.
PATH="$bin:$PATH" nsenter --net="/run/netns/$later_ns" shop_workload --call 10.96.0.20:80 --calls 5 --every-ms 100 &
expect_edge "later-client.shop -> server.shop"
