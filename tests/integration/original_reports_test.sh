#!/usr/bin/env bash
# The GraphQL mutations of the original's collectors, over HTTP, show up on the map.
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"

# report MUTATION INPUT_TYPE RESULTS
report() {
  local answer
  answer="$(on_node curl -sS --max-time 5 -H 'Content-Type: application/json' "$mapper_url/query" --data \
    "{\"operationName\":\"$1\",\"query\":\"mutation $1 (\$results: $2!) { $1(results: \$results) }\",\"variables\":{\"results\":{\"results\":[$3]}}}")"
  [ "$answer" = "{\"data\":{\"$1\":true}}" ] || fail "$1 is answered with $answer"
}

test_up
pod_up shop server -- sleep infinity
service_up shop server 80:8080 "$POD_NAME"
server_ip="$POD_IP"
declare -A ip
for client in by-dns by-tcp by-socket; do
  pod_up shop "$client" -- sleep infinity
  ip[$client]="$POD_IP"
done
start_mapper
sleep 1
seen="$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)"

report reportCaptureResults CaptureResults "{\"srcIp\":\"${ip[by-dns]}\",\"srcHostname\":\"\",\"destinations\":[
  {\"destination\":\"server.shop.svc.cluster.local\",\"destinationIP\":\"10.96.0.20\",\"destinationPort\":null,\"TTL\":30,
   \"lastSeen\":\"$seen\",\"srcPorts\":[]}]}"
report reportTCPCaptureResults CaptureTCPResults "{\"srcIp\":\"${ip[by-tcp]}\",\"srcHostname\":\"\",\"destinations\":[
  {\"destination\":\"$server_ip\",\"destinationIP\":\"$server_ip\",\"destinationPort\":8080,\"TTL\":null,
   \"lastSeen\":\"$seen\",\"srcPorts\":[40000]}]}"
report reportSocketScanResults SocketScanResults "{\"srcIp\":\"${ip[by-socket]}\",\"srcHostname\":\"\",\"destinations\":[
  {\"destination\":\"$server_ip\",\"destinationIP\":\"$server_ip\",\"destinationPort\":40000,\"TTL\":null,
   \"lastSeen\":\"$seen\",\"srcPorts\":[8080]}]}"
for client in by-dns by-tcp by-socket; do
  expect_edge "$client.shop -> server.shop"
done
