# shellcheck shell=bash
# For the integration tests, which are scripts: a cluster (demo/cluster.sh) with mapper and sniffer, and ways to look at
# the map. A test runs in PID and mount namespaces of its own, so that its sniffer sees its own pods only and nothing is
# left over, even when it is killed. Source it first; then call test_up.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
bin="${NETWORK_MAPPER_BIN:-${NETWORK_MAPPER_BINARY_DIR:-$root/build/debug}/bin}"
mapper_url=http://127.0.0.1:9090
# Numbers of the running programs, and what a test wants them to be started with.
# shellcheck disable=SC2034 # for the tests
mapper_pid="" sniffer_pid="" mapper_options=() sniffer_options=()

if [ "$(id -u)" -ne 0 ]; then
  echo "skipped: network namespaces need root"
  exit 77
fi
if [ -z "${TEST_IS_ISOLATED:-}" ]; then
  export TEST_IS_ISOLATED=1
  exec unshare --pid --mount --fork --kill-child --mount-proc bash "$0" "$@"
fi
# Names of network namespaces and the cluster's state: seen here only.
mount -t tmpfs tmpfs /run

# shellcheck source=demo/cluster.sh
. "$root/demo/cluster.sh"
# shellcheck source=demo/shop.sh
. "$root/demo/shop.sh"

test_up() {
  cluster_down_at_exit
  cluster_init nm-test "$bin"
  cluster_up
}

fail() {
  echo "FAILED: $*" >&2
  echo "--- the map" >&2
  edges >&2 || true
  tail -n 15 "$CLUSTER_DIR/log/mapper.log" "$CLUSTER_DIR/log/sniffer.log" >&2 || true
  exit 1
}

# Started without on_node, so that the number is the program's own and kill -9 hits it.
start_mapper() {
  ip netns exec "$NODE_NS" "$bin/network-mapper-mapper" --kube-api-url "$CLUSTER_API" "${mapper_options[@]}" \
    >> "$CLUSTER_DIR/log/mapper.log" 2>&1 &
  # shellcheck disable=SC2034 # for the tests
  mapper_pid=$!
  disown
  wait_for 20 on_node curl -sf --max-time 2 "$mapper_url/readyz" || fail "the mapper does not become ready"
}

# With no more than the capabilities that it needs. Its report interval is short, so that tests are.
start_sniffer() {
  ip netns exec "$NODE_NS" setpriv --bounding-set=-all,+net_raw,+sys_ptrace "$bin/network-mapper-sniffer" --mapper-address 127.0.0.1:9091 --node-name "$NODE_NAME" \
    --host-proc-dir /proc --metrics-port 2113 --health-probes-port 9092 --sniffer-report-interval 500ms "${sniffer_options[@]}" \
    >> "$CLUSTER_DIR/log/sniffer.log" 2>&1 &
  # shellcheck disable=SC2034 # for the tests
  sniffer_pid=$!
  disown
  wait_for 10 on_node curl -sf --max-time 2 http://127.0.0.1:9092/readyz || fail "the sniffer does not become ready"
}

kill_and_wait() {
  kill "-$1" "$2"
  wait_for 10 process_is_gone "$2" || fail "process $2 does not end"
}

process_is_gone() {
  ! kill -0 "$1" 2> /dev/null
}

# "client.namespace -> server.namespace", one a line, sorted; fails when the mapper does not answer.
edges() {
  local listed
  listed="$(on_node "$bin/network-mapper" list --quiet --mapper-url "$mapper_url")" || return 1
  awk '
    / calls:$/ { client = $1 "." $4 }
    /^  - / { print client " -> " $2 "." $5 }' <<< "$listed" | sort -u
}

has_edge() {
  edges | grep -qxF -- "$1"
}

expect_edge() {
  wait_for "${2:-15}" has_edge "$1" || fail "no edge $1"
}

expect_no_edge() {
  local map
  map="$(edges)" || fail "no map to look for an edge that should not be: $1"
  ! grep -qxF -- "$1" <<< "$map" || fail "an edge that should not be: $1"
}

# One answer of the API, as JSON.
query() {
  on_node curl -sS --max-time 5 -H 'Content-Type: application/json' --data "{\"query\":\"$1\"}" "$mapper_url/query"
}

# The total of a metric of the mapper (port 2112) or the sniffer (2113), all labels added up.
metric() {
  on_node curl -sS --max-time 5 "http://127.0.0.1:$1/metrics" |
    awk -v name="$2" '$1 == name || index($1, name "{") == 1 { sum += $2 } END { printf "%d\n", sum }'
}
