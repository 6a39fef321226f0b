#!/usr/bin/env bash
# The sniffer's real binary on real packets, as root: idle on a small node, then 50,000 DNS answers a second for 10 s across a
# veth, all reported to a mapper. Prints one line a figure: name, figure, goal and whether it was met, separated by tabs.
# Environment: NETWORK_MAPPER_BIN (where the binaries are), RATE, FLOOD_SECONDS, IDLE_SECONDS.
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/../../tests/integration/support.sh"

rate="${RATE:-50000}"
flood_seconds="${FLOOD_SECONDS:-10}"
idle_seconds="${IDLE_SECONDS:-15}"

# row NAME FIGURE UNIT GOAL: met when the figure is at most the goal.
row() {
  awk -v name="$1" -v figure="$2" -v unit="$3" -v goal="$4" \
    'BEGIN { printf "%s\t%s%s\tat most %s%s\t%s\n", name, figure, unit, goal, unit, (figure <= goal ? "met" : "missed") }'
}

mebibytes() {
  awk -v field="$1:" '$1 == field { printf "%.1f", $2 / 1024 }' "/proc/$sniffer_pid/status"
}

# Of the sniffer, user and system, since it started; in clock ticks.
processor_ticks() {
  sed 's/.*) //' "/proc/$sniffer_pid/stat" | awk '{ print $12 + $13 }'
}

flood_is_over() {
  [ -s "$CLUSTER_DIR/log/bench.$flood_pod.log" ]
}

test_up
pod_up shop server -- shop_workload --listen 8080
start_mapper
start_sniffer
sleep "$idle_seconds"
row "sniffer idle, resident set" "$(mebibytes VmRSS)" " MiB" 15

before="$(processor_ticks)"
dropped_before="$(metric 2113 network_mapper_sniffer_capture_dropped_packets_total)"
started="$(date +%s.%N)"
pod_up bench flood -- dns_flood "$POD_GATEWAY" "$rate" "$flood_seconds"
flood_pod="$POD_NAME"
wait_for $((flood_seconds * 3)) flood_is_over || fail "the flood does not end"
took="$(awk -v from="$started" -v to="$(date +%s.%N)" 'BEGIN { print to - from }')"
ticks=$(($(processor_ticks) - before))
sent="$(< "$CLUSTER_DIR/log/bench.$flood_pod.log")"
sleep 2
captured="$(on_node curl -sS "http://127.0.0.1:2113/metrics" |
  awk '/^network_mapper_sniffer_dns_messages_total/ { sum += $2 } END { printf "%d", sum }')"
[ "$captured" -gt 0 ] || fail "no DNS message was captured"
dropped=$(($(metric 2113 network_mapper_sniffer_capture_dropped_packets_total) - dropped_before))
printf 'DNS answers sent across a veth\t%s in %.1f s\t%s in %s s\t%s\n' "$sent" "$took" "$((rate * flood_seconds))" "$flood_seconds" \
  "$(awk -v sent="$sent" -v wanted="$((rate * flood_seconds))" 'BEGIN { print (sent >= wanted ? "met" : "missed") }')"
row "the same, dropped by the kernel" "$dropped" "" 0
row "the same, processor time of the sniffer" \
  "$(awk -v ticks="$ticks" -v hertz="$(getconf CLK_TCK)" -v took="$took" 'BEGIN { printf "%.1f", 100 * ticks / hertz / took }')" \
  " % of a core" 40
row "the same, largest resident set" "$(mebibytes VmHWM)" " MiB" 25
