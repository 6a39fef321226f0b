#!/usr/bin/env bash
# docs/regressions.md 1.1 DNS path and dnssniffer/tcpsniffer, P21
# Names that are resolved over TCP, and a Service of type ExternalName whose answer is a long chain of CNAMEs, too long
# for one UDP packet, with the DNS collector alone.
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"

# The longest chain that dnsmasq follows has ten records.
links=9
for ((i = 1; i < links; i++)); do
  CLUSTER_DNS_OPTIONS+=("--cname=alias$i.shop.svc.cluster.local,alias$((i + 1)).shop.svc.cluster.local")
done
CLUSTER_DNS_OPTIONS+=("--cname=alias$links.shop.svc.cluster.local,chained.shop.svc.cluster.local")

test_up
pod_up shop server -- shop_workload --listen 8080
service_up shop server 80:8080 "$POD_NAME"
pod_up shop chained -- shop_workload --listen 8080
service_up shop chained 80:8080 "$POD_NAME"
api_apply << 'YAML'
apiVersion: v1
kind: Service
metadata: {name: alias1, namespace: shop}
spec: {type: ExternalName, externalName: chained.shop.svc.cluster.local}
YAML
start_mapper
sniffer_options=(--enable-tcp=false --enable-socket-scanner=false)
start_sniffer

POD_RESOLV_OPTIONS=use-vc pod_up shop tcp-client -- shop_workload --call server:80 --every-ms 300
pod_up shop chain-client -- shop_workload --call alias1:80 --every-ms 300
expect_edge "tcp-client.shop -> server.shop"
expect_edge "chain-client.shop -> chained.shop"
