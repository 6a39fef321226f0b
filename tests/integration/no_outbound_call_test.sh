#!/usr/bin/env bash
# docs/regressions.md 1.1 Privacy, P14: mapper, sniffer and command line send nothing to anywhere but the cluster, not even a look-up.
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"

# A way out, which only counts: whoever called home, or asked a name server outside for the way, would be seen here.
add_way_out() {
  local end
  on_node ip link add way-out type veth peer name nowhere
  for end in way-out nowhere; do
    on_node sysctl -qw "net.ipv6.conf.$end.disable_ipv6=1"
    on_node ip link set "$end" up arp off
  done
  on_node ip addr add 198.51.100.1/24 dev way-out
  on_node ip route replace default dev way-out
}

sent_packets() {
  on_node cat /sys/class/net/way-out/statistics/tx_packets
}

test_up
echo "nameserver 198.51.100.53" > "$CLUSTER_DIR/resolv.conf"
mount --bind "$CLUSTER_DIR/resolv.conf" "$(realpath /etc/resolv.conf)"
add_way_out
pod_up shop server -- shop_workload --listen 8080
service_up shop server 80:8080 "$POD_NAME"
pod_up shop client -- shop_workload --call server:80 --every-ms 200
before="$(sent_packets)"
start_mapper
start_sniffer
expect_edge "client.shop -> server.shop"
on_node "$bin/network-mapper" reset --mapper-url "$mapper_url"
kill_and_wait TERM "$sniffer_pid"
kill_and_wait TERM "$mapper_pid"
[ "$(sent_packets)" -eq "$before" ] || fail "$(($(sent_packets) - before)) packets left the cluster"
# The counter counts.
on_node curl -s --max-time 1 http://app.otterize.com/ > /dev/null || true
[ "$(sent_packets)" -gt "$before" ] || fail "a look-up from the node is not seen"
