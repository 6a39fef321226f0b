#!/usr/bin/env bash
# docs/regressions.md P25
# An interface that the sniffer was told to watch is deleted: the readiness check and the metrics say so and the other
# interface is still watched; when it is back, what it carries is seen again. An interface that never was is named at start.
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"

readiness() {
  on_node curl -s --max-time 2 http://127.0.0.1:9092/readyz
}

says() {
  readiness | grep -qF -- "$1"
}

make_uplink() {
  on_node ip link add uplink0 type veth peer name uplink1
  on_node ip link set uplink0 up
  on_node ip link set uplink1 up
}

test_up
pod_up shop server -- shop_workload --listen 8080
service_up shop server 80:8080 "$POD_NAME"
start_mapper

unknown="$(on_node "$bin/network-mapper-sniffer" --interface uplink9 --mapper-address 127.0.0.1:9091 2>&1)" &&
  fail "the sniffer started on an interface that does not exist"
grep -q 'uplink9.*there are lo' <<< "$unknown" || fail "the error does not help: $unknown"

pod_up shop client -- shop_workload --call server:80 --calls 1000 --every-ms 200
client_link="$(on_node ip -o link | grep -o 'veth[^@:]*' | tail -n 1)"
make_uplink
sniffer_options=(--interface "uplink0,$client_link" --enable-socket-scanner=false)
start_sniffer
on_node ip link del uplink0
wait_for 10 says uplink0 || fail "the lost interface is not named: $(readiness)"
says "$client_link" && fail "an interface is named that is there: $(readiness)"
[ "$(metric 2113 network_mapper_sniffer_capture_interfaces_lost)" = 1 ] || fail "the lost interface is not counted"
expect_edge "client.shop -> server.shop"
make_uplink
wait_for 10 says '"capture":"ok"' || fail "the interface is not captured again: $(readiness)"
[ "$(metric 2113 network_mapper_sniffer_capture_interface_losses_total)" = 1 ] || fail "the loss is not counted once"
