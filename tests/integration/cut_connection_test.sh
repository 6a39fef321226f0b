#!/usr/bin/env bash
# Under traffic, the report stream is cut again and again, then the mapper is killed: every edge survives the cuts, no
# observation is dropped, nothing is counted that did not happen, and a new mapper hears what the old one did not
# acknowledge.
# docs/regressions.md P7
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"

calls=40

cut() {
  on_node nft -f - << 'NFT'
table inet cut {
  chain input { type filter hook input priority 0; tcp dport 9091 reject with tcp reset; tcp sport 9091 reject with tcp reset; }
}
NFT
  sleep 0.4
  on_node nft delete table inet cut
}

counted() {
  query '{intents{client{name} evidence{collector count}}}' | sed 's/{"client"/\n&/g' | grep '"counted-client"' |
    grep -o '"collector":"[^"]*","count":[0-9]*' | grep -i syn | grep -o '[0-9]*$'
}

all_calls_are_counted() {
  [ "$(counted)" = "$calls" ]
}

test_up
pod_up shop server -- shop_workload --listen 8080
service_up shop server 80:8080 "$POD_NAME"
server_ip="$POD_IP"
start_mapper
start_sniffer
pod_up shop counted-client -- shop_workload --call "$server_ip:8080" --calls "$calls" --every-ms 100 --linger-ms 20
for _ in 1 2 3 4; do
  sleep 0.8
  cut
done
wait_for 30 all_calls_are_counted || fail "$calls connections were made, $(counted) are counted"
sleep 2
all_calls_are_counted || fail "$calls connections were made, but $(counted) are counted in the end"

for round in 1 2; do
  kill_and_wait KILL "$mapper_pid"
  pod_up shop "round-$round" -- shop_workload --call server:80 --calls 2 --every-ms 100
  sleep 1
  start_mapper
  expect_edge "round-$round.shop -> server.shop" 30
done
