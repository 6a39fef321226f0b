#!/usr/bin/env bash
# Names that are resolved over TCP, and a name at the end of a long chain of CNAMEs, with the DNS collector alone.
set -euo pipefail
. "$(dirname "$0")/support.sh"

links=12
for ((i = 1; i < links; i++)); do
  CLUSTER_DNS_OPTIONS+=("--cname=alias$i.shop.svc.cluster.local,alias$((i + 1)).shop.svc.cluster.local")
done
CLUSTER_DNS_OPTIONS+=("--cname=alias$links.shop.svc.cluster.local,chained.shop.svc.cluster.local")

test_up
pod_up shop server -- shop_workload --listen 8080
service_up shop server 80:8080 "$POD_NAME"
pod_up shop chained -- shop_workload --listen 8080
service_up shop chained 80:8080 "$POD_NAME"
start_mapper
start_sniffer --enable-tcp=false --enable-socket-scanner=false

POD_RESOLV_OPTIONS=use-vc pod_up shop tcp-client -- shop_workload --call server:80 --every-ms 300
pod_up shop chain-client -- shop_workload --call alias1:80 --every-ms 300
expect_edge "tcp-client.shop -> server.shop"
expect_edge "chain-client.shop -> chained.shop"
