#!/usr/bin/env bash
# A real Kafka, real clients: while they work, the watcher is killed (-9) and started again, so are the broker and the mapper. Then
# the map says who used which topic how, what was denied was attempted only, and every line of the log was counted once. docs/regressions.md P11
#
# Usage: kafka_test.sh 3.9|4 LAYOUT
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"
# shellcheck source=demo/kafka.sh
. "$root/demo/kafka.sh"

# What the clients below do. PRODUCE and CONSUME are Kafka's Write and Read; every access begins with a DESCRIBE. Making a topic asks
# for its settings, listing topics describes all, and the broker itself makes its internal topics.
wanted_uses() {
  sort << END
writer orders DESCRIBE
writer orders PRODUCE
reader orders CONSUME
reader orders DESCRIBE
worker orders CONSUME
worker orders DESCRIBE
worker receipts CONSUME
worker receipts DESCRIBE
worker receipts PRODUCE
owner invoices-eu ALTER
owner invoices-eu ALTER_CONFIGS
owner invoices-eu CREATE
owner invoices-eu DELETE
owner invoices-eu DESCRIBE
owner invoices-eu DESCRIBE_CONFIGS
admin orders DESCRIBE_CONFIGS
admin payroll DESCRIBE_CONFIGS
admin receipts DESCRIBE_CONFIGS
curious orders CONSUME
curious orders DESCRIBE
auditor __consumer_offsets DESCRIBE
auditor __transaction_state DESCRIBE
auditor orders CONSUME
auditor orders DESCRIBE
auditor receipts DESCRIBE
mallory payroll ALTER
mallory payroll ALTER_CONFIGS
mallory payroll CREATE
mallory payroll DELETE
mallory payroll DESCRIBE
mallory payroll DESCRIBE_CONFIGS
kafka-0 __consumer_offsets DESCRIBE_CONFIGS
kafka-0 __transaction_state DESCRIBE_CONFIGS
END
}

set_up_topics() {
  kafka_client shop "${pod[admin]}" admin << END
create orders 1
create receipts 1
create payroll 1
acl deny User:ANONYMOUS all topic LITERAL payroll
acl deny User:alice create cluster LITERAL kafka-cluster
acl deny User:alice delete cluster LITERAL kafka-cluster
acl allow User:ANONYMOUS describe cluster LITERAL kafka-cluster
acl allow User:ANONYMOUS idempotent_write cluster LITERAL kafka-cluster
acl allow User:alice all topic PREFIXED invoices-
END
}

# client NAME PROGRAM...
client() {
  local name="$1"
  shift
  pod_up shop "$name" -- "$@"
  pod[$name]="$POD_NAME"
  address[$name]="$POD_IP"
}

# These go on until they are killed, whatever becomes of the broker.
start_writer_and_reader() {
  client writer sh -c 'while sleep 0.2; do echo one | timeout 10 kcat -P -b kafka-0.shop -t orders; done'
  client reader sh -c 'while sleep 0.2; do timeout 10 kcat -C -b kafka-0.shop -t orders -o beginning; done'
}

do_the_rest() {
  kafka_client shop "${pod[worker]}" << END
consume orders workers 1
copy orders receipts copiers tx-1
consume receipts workers 1
END
  kafka_client shop "${pod[owner]}" alice << END
create invoices-eu 1
describe invoices-eu
describe-configs invoices-eu
alter-configs invoices-eu retention.ms=10000000
add-partitions invoices-eu 2
END
  kafka_client shop "${pod[auditor]}" << END
consume-pattern ord.* auditors 1
END
  kafka_client shop "${pod[mallory]}" << END
produce payroll 1
consume payroll mallory 1
describe-configs payroll
alter-configs payroll retention.ms=1
add-partitions payroll 5
delete payroll
create payroll 1
describe bad%20name!
END
  kafka_client shop "${pod[owner]}" alice <<< "delete invoices-eu"
  # What is denied beside something that is allowed is not on the map.
  kafka_client shop "${pod[curious]}" << END
describe-configs payroll
consume orders curious 1
consume payroll curious 1
END
}

start_watcher() {
  ip netns exec "$NODE_NS" "$bin/network-mapper-kafka-watcher" --kafka-log-read-mode file-logs --kafka-authz-log-path "$KAFKA_LOG" \
    --pod kafka-0 --namespace shop --mapper-address 127.0.0.1:9091 --state-file "$CLUSTER_DIR/watcher.state" \
    --metrics-port 2114 --health-probes-port 9093 --kafka-report-interval 500ms >> "$CLUSTER_DIR/log/watcher.log" 2>&1 &
  watcher_pid=$!
  disown
  wait_for 20 on_node curl -sf --max-time 2 http://127.0.0.1:9093/readyz || {
    tail -n 5 "$CLUSTER_DIR/log/watcher.log" >&2
    fail "the watcher does not become ready"
  }
}

# From the log, by other means than the watcher's: "CLIENT TOPIC OPERATION DECISION", a line for each access to a topic.
accesses() {
  for name in "${!address[@]}"; do
    echo "$name ${address[$name]}"
  done | awk '
    NR == FNR { name[$2] = $1; next }
    (host = index($0, " from host = ")) && / Principal = |"Principal = / {
      n = split(substr($0, 1, host - 1), before, " ")
      split(substr($0, host + 13), behind, " ")
      topic = behind[5]
      if (sub(/^Topic:LITERAL:/, "", topic) == 0 || behind[6] != "for" || behind[13] == 0) next
      operation = before[n] == "READ" ? "CONSUME" : before[n] == "WRITE" ? "PRODUCE" : before[n]
      print name[behind[1]], topic, operation, before[n - 3]
    }' - "$KAFKA_LOG"
}

# What has to be on the map of these, sorted: "CLIENT TOPIC OPERATION".
logged_uses() {
  accesses | awk '{ decision[$4, $1] = 1; line[NR] = $0 }
    END {
      for (i = 1; i <= NR; i++) {
        split(line[i], part, " ")
        if (part[4] == "Allowed" || !(("Allowed", part[1]) in decision)) print part[1], part[2], part[3]
      }
    }' | sort -u
}

# From the map: "CLIENT TOPIC OPERATION", sorted.
uses() {
  query '{intents{client{name} server{name} kafkaTopics{name operations}}}' | jq -r '.data.intents[] | select(.server.name == "kafka-0") |
    .client.name as $client | .kafkaTopics[]? | .name as $topic | .operations[] | "\($client) \($topic) \(.)"' | sort
}

# "CLIENT ACCESSES STRENGTH", sorted: from the map, and from the log.
counts() {
  query '{intents{client{name} server{name} evidence{collector strength count}}}' | jq -r '.data.intents[] |
    select(.server.name == "kafka-0") | .client.name as $client | .evidence[] | select(.collector == "kafka") |
    "\($client) \(.count) \(.strength | ascii_downcase)"' | sort
}

logged_counts() {
  accesses | awk '{ count[$1]++; if ($4 == "Allowed") used[$1] = 1 }
    END { for (name in count) print name, count[name], name in used ? "used" : "attempted" }' | sort
}

counts_are_complete() {
  [ "$(counts)" = "$(logged_counts)" ]
}

# "CLIENT TOPIC OPERATION" of an export, sorted.
exported() {
  on_node "$bin/network-mapper" export --quiet --mapper-url "$mapper_url" -n shop --format json "$@" | jq -r '[.] | flatten[] |
    .metadata.name as $client | .spec.targets[].kafka | select(.name == "kafka-0") | .topics[] | .name as $topic | .operations[] |
    "\($client) \($topic) \(gsub("(?<a>[a-z])(?<b>[A-Z])"; "\(.a)_\(.b)") | ascii_upcase)"' | sort
}

same() {
  diff <(echo "$2") <(echo "$3") >&2 || fail "$1 differs (< wanted, > found)"
}

if ! reason="$(kafka_can_run "$1" 2>&1)"; then
  echo "skipped: $reason"
  exit 77
fi
kafka_prepare "$1"
test_up
declare -A pod=([kafka-0]=kafka-0) address=()
mapper_options=(--store "sqlite:$CLUSTER_DIR/map.db")
start_mapper
kafka_up shop kafka-0 --layout "$2" || fail "Kafka does not start"
service_up shop kafka-0 9092:9092 kafka-0
address[kafka-0]="$KAFKA_IP"
start_watcher
for name in worker owner admin auditor mallory curious; do
  client "$name" sleep infinity
done
set_up_topics
start_writer_and_reader
do_the_rest
for round in 1 2; do
  kill_and_wait KILL "$watcher_pid"
  sleep 2
  start_watcher
  kill_and_wait KILL "$mapper_pid"
  kafka_kill shop kafka-0
  sleep 1
  kill_and_wait KILL "$watcher_pid"
  start_mapper
  start_watcher
  wait_for 60 kafka_started $((round + 1)) || fail "Kafka does not come back"
  sleep 2
done
for name in writer reader; do
  pod_processes_down "$CLUSTER_DIR/pods/shop.${pod[$name]}"
done

wait_for 30 counts_are_complete || same "the counts" "$(logged_counts)" "$(counts)"
same "what the clients did, by the log," "$(wanted_uses)" "$(logged_uses)"
same "the map" "$(wanted_uses)" "$(uses)"
# Nothing comes twice.
sleep 2
same "the counts" "$(logged_counts)" "$(counts)"
counts

same "the export" "$(wanted_uses | grep -v mallory)" "$(exported)"
same "the export with attempts" "$(wanted_uses)" "$(exported --include-attempted)"
# What people read.
listed="$(on_node "$bin/network-mapper" list --quiet --mapper-url "$mapper_url" -n shop)"
grep -qxF "    - Kafka topic: receipts, operations: [consume produce describe]" <<< "$listed" || fail "list does not say what worker does: $listed"
grep -qxF "  - kafka-0 in namespace shop (attempted only)" <<< "$listed" || fail "list does not say that mallory only tried: $listed"
explained="$(on_node "$bin/network-mapper" explain mallory.shop kafka-0.shop --quiet --mapper-url "$mapper_url")"
for line in "strength *attempted (tried, and denied)" "Kafka topic *payroll: "; do
  grep -q "$line" <<< "$explained" || fail "explain does not say \"$line\": $explained"
done
