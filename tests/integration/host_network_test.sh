#!/usr/bin/env bash
# docs/regressions.md P6
# The outgoing connection of a pod on the node's network is attributed to that pod and to no other on the same address. Its user
# is not root: the sniffer's two capabilities have to do.
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"

test_up
pod_up shop server -- shop_workload --listen 8080
service_up shop server 80:8080 "$POD_NAME"
server_ip="$POD_IP"
POD_HOST_NETWORK=1 pod_up kube-system idle-agent -- shop_workload --listen 7001
start_mapper
start_sniffer

# Where any user may read it.
cp "$bin/shop_workload" /run/shop_workload
POD_HOST_NETWORK=1 pod_up kube-system agent -- setpriv --reuid 65534 --regid 65534 --clear-groups /run/shop_workload --hold "$server_ip:8080" --every-ms 200
expect_edge "agent.kube-system -> server.shop"
expect_no_edge "idle-agent.kube-system -> server.shop"
