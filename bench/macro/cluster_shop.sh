#!/usr/bin/env bash
# Mapper and sniffer as they are installed, in a real Kubernetes with the shop running: what they use of the machine while nothing
# else happens, and whether the mapper lists anything again. As root. Prints one line a figure: name, figure, goal and whether
# it was met, separated by tabs. A cluster that runs already (scripts/cluster) is used and stays.
# Environment: NETWORK_MAPPER_BIN (where the binaries are), NETWORK_MAPPER_CLUSTER_DIR, SETTLE_SECONDS, SHOP_SECONDS.
set -euo pipefail
cd "$(dirname "$0")/../.."

settle_seconds="${SETTLE_SECONDS:-60}"
shop_seconds="${SHOP_SECONDS:-60}"
cluster=scripts/cluster
# shellcheck source=tests/cluster/install.sh
. tests/cluster/install.sh

# row NAME FIGURE UNIT GOAL: met when the figure is at most the goal; without a goal, only the figure.
row() {
  awk -v name="$1" -v figure="$2" -v unit="$3" -v goal="$4" 'BEGIN {
    printf "%s\t%s%s\t%s\t%s\n", name, figure, unit, goal == "" ? "-" : "at most " goal unit,
      goal == "" ? "-" : figure + 0 <= goal + 0 ? "met" : "missed" }'
}

mebibytes() {
  process_status "$1" "$2" "$3" | awk '{ printf "%.1f", $1 / 1024 }'
}

# Two readings of a processor's ticks, as a share of a core.
share() {
  awk -v from="$1" -v to="$2" -v hertz="$(getconf CLK_TCK)" -v took="$3" 'BEGIN { printf "%.2f", 100 * (to - from) / hertz / took }'
}

sniffer=network-mapper-sniffer
mapper=network-mapper-mapper
if "$cluster" status > /dev/null 2>&1; then
  trap '"$cluster" run kubectl uncordon node-2 > /dev/null' EXIT
else
  trap '"$cluster" down' EXIT
  "$cluster" up
fi
# The whole shop on one node, and the figures of its sniffer.
node="node-1"
"$cluster" run kubectl cordon node-2 > /dev/null
# It ends well only when the map is complete.
scripts/cluster-test --skip-build --keep shop >&2
sleep "$settle_seconds"

namespaces="$(sniffer_metric "$node" network_mapper_sniffer_network_namespaces)"
sniffer_from="$(processor_ticks "$node" "$sniffer")"
mapper_from="$(processor_ticks "$node" "$mapper")"
from="$(date +%s.%N)"
sleep "$shop_seconds"
sniffer_to="$(processor_ticks "$node" "$sniffer")"
mapper_to="$(processor_ticks "$node" "$mapper")"
took="$(awk -v from="$from" -v to="$(date +%s.%N)" 'BEGIN { print to - from }')"
listed="$(mapper_lists)"
read -r kinds lists <<< "$(awk '{ lists += $1 } END { print NR, lists }' <<< "$listed")"
[ -n "$listed" ] || { echo "cluster_shop: the API server has no record of the mapper's lists" >&2; exit 1; }

row "shop in a cluster, $namespaces network namespaces: sniffer's processor time" "$(share "$sniffer_from" "$sniffer_to" "$took")" " % of a core" 1
row "the same, resident set" "$(mebibytes "$node" "$sniffer" VmRSS)" " MiB" ""
row "the same, largest resident set" "$(mebibytes "$node" "$sniffer" VmHWM)" " MiB" 25
row "shop in a cluster: mapper's processor time" "$(share "$mapper_from" "$mapper_to" "$took")" " % of a core" ""
row "the same, resident set" "$(mebibytes "$node" "$mapper" VmRSS)" " MiB" ""
row "the same, largest resident set" "$(mebibytes "$node" "$mapper" VmHWM)" " MiB" 50
row "the same, kinds of objects that it listed at its start" "$kinds" "" ""
row "the same, lists after these" "$((lists - kinds))" "" 0
