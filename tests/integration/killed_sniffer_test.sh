#!/usr/bin/env bash
# Under traffic the sniffer is killed (-9) and started again: what the first one was told to be acknowledged stays, nothing
# is counted twice, and what happens after the restart is on the map. What the killed one had not delivered yet, and what
# happened while there was none, is lost; the mapper shows that a stream ended.
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"

calls=60

counted() {
  query '{intents{client{name} evidence{collector count}}}' | sed 's/{"client"/\n&/g' | grep '"counted-client"' |
    grep -o '"collector":"[^"]*","count":[0-9]*' | grep -i syn | grep -o '[0-9]*$' || echo 0
}

counts_more_than() {
  [ "$(counted)" -gt "$1" ]
}

test_up
pod_up shop server -- shop_workload --listen 8080
service_up shop server 80:8080 "$POD_NAME"
server_ip="$POD_IP"
start_mapper
start_sniffer
pod_up shop counted-client -- shop_workload --call "$server_ip:8080" --calls "$calls" --every-ms 100 --linger-ms 20
wait_for 10 counts_more_than 5 || fail "nothing is counted"
before="$(counted)"
ended="$(metric 2112 network_mapper_report_server_closed_streams_total)"
kill_and_wait KILL "$sniffer_pid"
start_sniffer
wait_for 10 counts_more_than "$before" || fail "nothing is counted after the restart"
# One report interval after the last call.
sleep "$((calls / 10))"
after="$(counted)"
[ "$after" -le "$calls" ] || fail "$calls connections were made, but $after are counted"
[ "$(metric 2112 network_mapper_report_server_closed_streams_total)" -gt "$ended" ] ||
  fail "the mapper does not show that a stream ended"
echo "$calls connections: $before on the map when the sniffer was killed, $after in the end, $((calls - after)) lost with it"
