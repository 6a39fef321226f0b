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
    pod_up "$namespace" invoiceservice -- sh -c 'kcat -C -u -b kafka -t orders |
      while read -r order; do echo "invoice of $order" | kcat -P -b kafka -t invoices; done'
    pod_up "$namespace" auditservice -- kcat -G audit -b kafka orders invoices
  }
}

# What `network-mapper list` has to print for it: each calls the broker, and uses its topics. The broker calls itself, too: it is its
# own controller.
kafka_shop_expected_list() {
  local client topic operations last=""
  while read -r client topic operations; do
    if [ "$client" != "$last" ]; then
      echo "$client in namespace $1 calls:"
      echo "  - kafka-0 in namespace $1"
      echo "  - kafka-0 in namespace $1"
    fi
    echo "    - Kafka topic: $topic, operations: [$operations]"
    last="$client"
  done << END
auditservice invoices consume describe
auditservice orders consume describe
invoiceservice invoices produce describe
invoiceservice orders consume describe
kafka-0 __consumer_offsets DescribeConfigs
orderservice orders produce describe
topicoperator invoices DescribeConfigs
topicoperator orders DescribeConfigs
END
}
