#!/usr/bin/env bash
# The sniffer works with two capabilities and without the system calls that it never makes, though it is started with all of them;
# each of its threads is confined. --confine=false leaves it as it is.
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"

# status_of KEY: of all threads of the sniffer, each value once.
status_of() {
  sed -n "s/^$1:[[:space:]]*//p" /proc/"$sniffer_pid"/task/*/status | sort -u
}

# Unlike start_sniffer, as root with all that root has.
start_unlimited_sniffer() {
  ip netns exec "$NODE_NS" "$bin/network-mapper-sniffer" --mapper-address 127.0.0.1:9091 --node-name "$NODE_NAME" \
    --host-proc-dir /proc --metrics-port 2113 --health-probes-port 9092 --sniffer-report-interval 500ms "$@" \
    >> "$CLUSTER_DIR/log/sniffer.log" 2>&1 &
  sniffer_pid=$!
  disown
  wait_for 10 on_node curl -sf --max-time 2 http://127.0.0.1:9092/readyz || fail "the sniffer does not become ready"
}

test_up
pod_up shop server -- shop_workload --listen 8080
server_ip="$POD_IP"
start_mapper
start_unlimited_sniffer
[ "$(status_of Seccomp)" = 2 ] || fail "a thread has no seccomp filter: $(status_of Seccomp)"
[ "$(status_of NoNewPrivs)" = 1 ] || fail "a thread may gain privileges"
# 13 is NET_RAW, 19 SYS_PTRACE.
for set in CapEff CapPrm CapBnd; do
  [ "$(status_of "$set")" = 0000000000082000 ] || fail "$set of a thread is $(status_of "$set")"
done
[ "$(status_of CapInh)$(status_of CapAmb)" = 00000000000000000000000000000000 ] || fail "capabilities can be inherited"
pod_up shop client -- shop_workload --call "$server_ip:8080" --every-ms 200
expect_edge "client.shop -> server.shop"
kill_and_wait TERM "$sniffer_pid"
! grep -q 'keeps more rights' "$CLUSTER_DIR/log/sniffer.log" || fail "the sniffer says that it is not confined"

start_unlimited_sniffer --confine=false
[ "$(status_of Seccomp)" = 0 ] || fail "--confine=false leaves a filter"
