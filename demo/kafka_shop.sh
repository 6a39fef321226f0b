# shellcheck shell=bash
# What `scripts/demo --kafka` adds to the shop of shop.sh: a broker and who uses its topics. Source kafka.sh first.

# Starts all of it; the watcher is to read $KAFKA_LOG from its begin.
kafka_shop_up() {
  local namespace="$1"
  service_up "$namespace" kafka 9092:9092 kafka-0
  pod_up "$namespace" topicoperator -- sleep infinity
  printf 'create %s 1\n' orders invoices | kafka_client "$namespace" "$POD_NAME" > /dev/null
  # shellcheck disable=SC2016 # expanded in the pods
  {
    pod_up "$namespace" orderservice -- sh -c 'while sleep 1; do echo order | kcat -P -b kafka -t orders; done'
    pod_up "$namespace" invoiceservice -- sh -c 'kcat -C -u -b kafka -t orders | kcat -P -b kafka -t invoices'
    pod_up "$namespace" auditservice -- kcat -G audit -b kafka orders invoices
  }
}

# What `network-mapper list` has to print for it.
kafka_shop_expected_list() {
  local client uses use
  while IFS=: read -r client uses; do
    printf '%s in namespace %s calls:\n  - kafka-0 in namespace %s\n' "$client" "$1" "$1"
    for use in $uses; do
      echo "    - Kafka topic: ${use%%=*}, operations: [$(tr , ' ' <<< "${use#*=}")]"
    done
  done << END
auditservice: invoices=consume,describe orders=consume,describe
invoiceservice: invoices=describe,produce orders=consume,describe
orderservice: orders=describe,produce
topicoperator: invoices=describe_configs orders=describe_configs
END
}
