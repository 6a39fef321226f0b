#!/usr/bin/env bash
# Without an API server the mapper goes on serving what it knows, stays ready (else Kubernetes would take it out of its
# Service), and says on /readyz and in its metrics what is missing.
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"

# -f: 200 only.
readyz_names_pods() {
  on_node curl -sf --max-time 2 "$mapper_url/readyz" |
    grep -qE '"inventory":"ok","watches":"degraded: .*pods: failing for [0-9]+ s: (list|watch) pods: GET /api/v1/pods: '
}

all_watches_are_down() {
  [ "$(metric 2112 network_mapper_kube_watch_up)" -eq 0 ]
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
wait_for 30 all_watches_are_down || fail "the metrics show a watch that works"
wait_for 30 readyz_names_pods || fail "/readyz does not name what is missing: $(on_node curl -s "$mapper_url/readyz")"
# What happens now is still resolved with what is known.
PATH="$bin:$PATH" nsenter --net="/run/netns/$later_ns" shop_workload --call "$server_ip:8080" --calls 5 --every-ms 100 &
expect_edge "later-client.shop -> server.shop"
