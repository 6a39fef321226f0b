#!/usr/bin/env bash
# Mapper and sniffer, started with the chart's options, certificate and capabilities, report to each other; a sniffer that speaks
# plain text or asks for another name does not get through. As root, in a network namespace of its own. docs/regressions.md P13, P16
set -euo pipefail
if [ "$(id -u)" -ne 0 ]; then
  echo "skipped: capabilities and network namespaces need root"
  exit 77
fi
if [ -z "${TEST_IS_ISOLATED:-}" ]; then
  export TEST_IS_ISOLATED=1
  exec unshare --pid --net --fork --kill-child --mount-proc bash "$0"
fi
source "$(dirname "$0")/support.sh"
bin="${NETWORK_MAPPER_BINARY_DIR:-build/debug}/bin"
ip link set lo up

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
render_case default > "$work/manifests"
for part in ca.crt tls.crt tls.key; do
  grep -m1 "^  $part: " "$work/manifests" | sed 's/.*: //' | base64 -d > "$work/$part"
done

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
  local until=$((SECONDS + $1))
  shift
  while ! "$@" > /dev/null 2>&1; do
    [ "$SECONDS" -lt "$until" ] || { fail "timed out: $*"; tail -n 3 "$work"/*.log >&2; exit 1; }
    sleep 0.1
  done
}

metric_is() {
  curl -sf "127.0.0.1:$1/metrics" | grep -qx "$2"
}

log_has() {
  grep -q -- "$2" "$work/$1.log"
}

# start_sniffer NAME METRICS_PORT OPTIONS...
start_sniffer() {
  local name="$1" port="$2"
  shift 2
  setpriv --bounding-set=-all,+net_raw,+sys_ptrace --inh-caps=-all --no-new-privs "$bin/network-mapper-sniffer" \
    --mapper-address localhost:9091 --metrics-port "$port" --health-probes-port "$((port + 1))" "$@" > "$work/$name.log" 2>&1 &
}

# As Kubernetes mounts them: what is public for all, the key for the group of the pod.
chmod 755 "$work"
chmod 640 "$work/tls.key"
chown :65532 "$work/tls.key"
setpriv --reuid 65532 --regid 65532 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs "$bin/network-mapper-mapper" \
  --kube-api-url http://127.0.0.1:1 --tls-cert-file "$work/tls.crt" --tls-key-file "$work/tls.key" > "$work/mapper.log" 2>&1 &
wait_for 30 curl -sf 127.0.0.1:9090/healthz

start_sniffer good 3000 --tls-ca-file "$work/ca.crt" --tls-server-name otterize-network-mapper
start_sniffer plain 3010
start_sniffer other_name 3020 --tls-ca-file "$work/ca.crt"
wait_for 30 metric_is 3000 "network_mapper_report_client_connected 1"
# Neither probe needs the mapper; this one has none to talk to.
wait_for 30 log_has plain "cannot reach the mapper"
wait_for 30 log_has other_name "Peer name localhost is not in peer certificate"
wait_for 30 curl -sf 127.0.0.1:3011/readyz
metric_is 3010 "network_mapper_report_client_connected 0" || fail "a sniffer without TLS is connected"
metric_is 3020 "network_mapper_report_client_connected 0" || fail "a sniffer that expects another name is connected"
metric_is 2112 "network_mapper_report_server_streams 1" || fail "not exactly the good sniffer reports"
finish "Reports go through with the chart's certificate, and only so."
