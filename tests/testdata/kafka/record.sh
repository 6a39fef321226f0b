#!/usr/bin/env bash
# Records what the authorizers of real Kafka brokers log, as LINE-AUTHORIZER-LAYOUT.log in the folder of this script: what clients of
# all kinds do, each different line once. Beside it, in .expected, line by line, what is to be read from it, as classify.awk sees it.
#
# Usage: tests/testdata/kafka/record.sh [LINE-AUTHORIZER-LAYOUT]      as root; needs scripts/install-deps --kafka and a debug build
set -euo pipefail
folder="$(cd "$(dirname "$0")" && pwd)"
# shellcheck source=tests/integration/support.sh
. "$folder/../../integration/support.sh"
# shellcheck source=demo/kafka.sh
. "$root/demo/kafka.sh"

do_as() {
  kafka_client shop "$@" | grep -v ': ok$' || true
}

# What the clients do with the broker that is up.
play() {
  in_pod shop "${pod[reader]}" timeout 5 kcat -C -b "$KAFKA_IP" -t sold -e -q 2> /dev/null || true
  echo "one" | in_pod shop "${pod[writer]}" timeout 20 kcat -P -b "$KAFKA_IP" -t orders
  in_pod shop "${pod[reader]}" timeout 20 kcat -C -b "$KAFKA_IP" -t orders -e -q > /dev/null
  in_pod shop "${pod[reader]}" timeout 20 kcat -L -b "$KAFKA_IP" > /dev/null
  do_as "${pod[worker]}" << END
create sold 2
produce sold 2
produce-plain sold 1
transact orders 1 tx%207
consume sold workers 3
consume-pattern so.* billing%20workers:%20eu 3
copy sold shipped copiers tx%20"8"
describe sold
list-topics
list-groups
describe-configs sold
alter-configs sold retention.ms=10000000
add-partitions sold 3
delete-records sold 0
delete shipped
END
  do_as "${pod[owner]}" admin << END
create invoices-eu 1
create payroll 1
acl allow User:alice all topic PREFIXED invoices-
acl deny User:ANONYMOUS all topic LITERAL payroll
acl deny User:report%20svc write topic LITERAL sold
acl allow User:report%20svc read topic LITERAL sold
acl allow User:report%20svc describe topic LITERAL sold
acl deny User:alice create cluster LITERAL kafka-cluster
acl deny User:alice delete cluster LITERAL kafka-cluster
acl deny User:alice idempotent_write cluster LITERAL kafka-cluster
acl allow User:alice write topic LITERAL orders
acl allow User:ANONYMOUS read group LITERAL workers
END
  do_as "${pod[owner]}" alice << END
create invoices-us 1
produce-plain invoices-us 1
produce invoices-us 1
consume invoices-us alice 1
delete invoices-us
create receipts 1
delete receipts
describe-configs payroll
END
  do_as "${pod[owner]}" "report svc" << END
consume sold report%20svc 1
produce-plain sold 1
delete sold
END
  for user in "" "report svc"; do
    do_as "${pod[mallory]}" ${user:+"$user"} << END
produce payroll 1
consume payroll mallory 1
describe-configs payroll
alter-configs payroll retention.ms=1
add-partitions payroll 5
delete-records payroll 0
delete payroll
create payroll 1
create bad%20name! 1
create two%0Alines 1
describe x%20for%20request%20=%20Fetch%20with%20resourceRefCount%20=%209
consume orders x%20is%20Allowed%20operation%20=%20WRITE%20from%20host%20=%2010.9.9.9%20on%20resource%20=%20Topic:LITERAL:payroll 1
END
  done
}

# Each line that differs in more than its time and its partitions' number once, in the order of the first; none that names a folder.
distinct() {
  awk -v folder="$CLUSTER_DIR" 'index($0, folder) == 0 {
    shape = $0
    gsub(/[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][ T][0-9:,]*/, "", shape)
    gsub(/request-handler-[0-9]/, "", shape)
    gsub(/resourceRefCount = [1-9][0-9]*/, "", shape)
    if (!seen[shape]++) print
  }' "$KAFKA_LOG"
}

test_up
declare -A pod
for name in writer reader worker owner mallory; do
  pod_up shop "$name" -- sleep infinity
  pod[$name]="$POD_NAME"
done
for recording in ${1:-3.9-acl-apache 3.9-standard-apache 3.9-standard-strimzi 3.9-standard-json 4-standard-apache 4-standard-strimzi 4-standard-json}; do
  IFS=- read -r line authorizer layout <<< "$recording"
  kafka_prepare "$line"
  echo "$recording"
  kafka_up shop kafka-0 --authorizer "$authorizer" --layout "$layout"
  play
  pod_down shop kafka-0
  distinct > "$folder/$recording.log"
  awk -f "$folder/classify.awk" "$folder/$recording.log" > "$folder/$recording.expected"
  rm -rf "$CLUSTER_DIR/kafka"
done
