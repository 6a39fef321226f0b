# shellcheck shell=bash disable=SC2154 # "cluster" and "output" are the caller's
# The scenario of a real Kafka 4, whose watcher the chart installs: brokers' logs are read through the API server. While clients
# work, the broker's log is rotated, the broker crashes and the watcher is killed; then every line of the log counts once.

# The broker and its clients: a Java made by jlink, Kafka's jars, demo/kafka/server and what that calls, kcat.
kafka_image() {
  local root="$output/images/kafka" jars program
  jars="$(demo/kafka/jars 4)"
  root_of "$root" /bin/bash /bin/busybox /usr/bin/kcat
  for program in sh cat dirname mkdir sed sleep timeout; do
    ln -s busybox "$root/bin/$program"
  done
  jlink --add-modules java.se,jdk.unsupported --strip-debug --no-header-files --no-man-pages --output "$root/java"
  for program in "$root"/java/bin/java "$root"/java/lib/*.so "$root"/java/lib/server/*.so; do
    ldd "$program" 2> /dev/null | sed -nE 's|.*[[:space:]](/[^ ]+) .*|\1|p'
  done | sort -u | grep -v "$root" | while read -r program; do
    mkdir -p "$root$(dirname "$program")"
    cp -Lu "$program" "$root$program"
  done
  mkdir -p "$root/kafka" "$root/data"
  cp -r "$jars" "$root/kafka/jars"
  cp demo/kafka/server "$root/kafka/"
  "$cluster" image registry.local/kafka:1 "$root"
}

manifest_kafka() {
  SELECTOR="app.kubernetes.io/name: kafka" SERVICE_SPEC="clusterIP: None" service kafka 9092:9092
  cat << END
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: kafka}
spec:
  serviceName: kafka
  selector: {matchLabels: {app.kubernetes.io/name: kafka}}
  template:
    metadata: {labels: {app.kubernetes.io/name: kafka}}
    spec:
      containers:
        - name: kafka
          image: registry.local/kafka:1
          imagePullPolicy: Never
          command: [/bin/bash, /kafka/server, --jars, /kafka/jars, --folder, /data, --host, \$(POD_IP), --layout, strimzi]
          env: [{name: PATH, value: "/java/bin:/bin"}, {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
          volumeMounts: [{name: data, mountPath: /data}]
      volumes: [{name: data, emptyDir: {}}]
      terminationGracePeriodSeconds: 1
END
}

# kafka_user NAME COMMAND: a Deployment that goes on doing that.
kafka_user() {
  cat << END | apply
apiVersion: apps/v1
kind: Deployment
metadata: {name: $1}
spec:
  selector: {matchLabels: {app: $1}}
  template:
    metadata: {labels: {app: $1}}
    spec:
      containers: [{name: main, image: registry.local/kafka:1, imagePullPolicy: Never, command: [/bin/sh, -c, "while sleep 0.5; do $2; done"]}]
      terminationGracePeriodSeconds: 1
END
  in_namespace rollout status "deployment/$1" --timeout=60s
}

act_kafka() {
  local node logs name clients=()
  in_namespace rollout status statefulset/kafka --timeout=120s
  helm upgrade network-mapper charts/network-mapper --reuse-values --set kafkawatcher.enable=true \
    --set 'kafkawatcher.kafkaNamespaces={kafka}' --set kafkawatcher.kafkaReportInterval=2s --wait --timeout 5m
  node="$(in_namespace get pod kafka-0 -o 'jsonpath={.spec.nodeName}')"
  logs="/var/log/pods/kafka_kafka-0_$(in_namespace get pod kafka-0 -o 'jsonpath={.metadata.uid}')/kafka"
  kafka_user producer "echo one | timeout 20 kcat -P -b kafka -t orders"
  kafka_user consumer "timeout 30 kcat -C -b kafka -t orders"
  # A fetch is a line, so this fills the log.
  kafka_user filler "timeout 30 kcat -C -b kafka -t orders -X fetch.wait.max.ms=2"
  for name in producer consumer filler; do
    clients+=("$name $(in_namespace get pod -l "app=$name" -o 'jsonpath={.items[0].status.podIP}')")
  done
  wait_until 120 kafka_log_is_rotated "$node" "$logs"
  in_namespace scale deployment filler --replicas=0

  # shellcheck disable=SC2016 # expanded inside
  "$cluster" run-on "$node" sh -c 'kill -KILL $(pgrep -f "[k]afka.Kafka /data/server.properties")'
  wait_until 60 kafka_has_restarted
  sleep 5
  in_install delete pod -l app=otterize-kafka-watcher --grace-period=0 --force
  in_install rollout status deployment/otterize-kafka-watcher --timeout=60s
  sleep 5
  in_namespace scale deployment producer consumer --replicas=0
  wait_until 60 kafka_counts_are_exact "$node" "$logs" "${clients[@]}" || true
  kafka_counts_are_exact "$node" "$logs" "${clients[@]}"
  # The other scenarios count the sniffers' streams.
  helm upgrade network-mapper charts/network-mapper --reuse-values --set kafkawatcher.enable=false --wait --timeout 5m
}

kafka_log_is_rotated() {
  "$cluster" run-on "$1" ls "$2" | grep -F 0.log.
}

kafka_has_restarted() {
  [ "$(in_namespace get pod kafka-0 -o 'jsonpath={.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready}')" = "1 true" ]
}

# kafka_counts_are_exact NODE FOLDER "CLIENT ADDRESS"...: by the files that the kubelet keeps, rotated ones and the crashed
# container's included.
kafka_counts_are_exact() {
  local node="$1" folder="$2" name address logged counted result=0
  shift 2
  while read -r name address; do
    logged="$("$cluster" run-on "$node" sh -c "zcat -f $folder/*" < /dev/null |
      grep -c " from host = $address on resource = Topic:LITERAL:orders for request = [A-Za-z]* with resourceRefCount = [1-9]")"
    counted="$(count_of kafka "$name" kafka < /dev/null)"
    echo "$name: $logged lines in the log, $counted on the map"
    [ "$logged" -eq "$counted" ] || result=1
  done <<< "$(printf '%s\n' "$@")"
  return "$result"
}

# Each by its connection and by its topics; the broker is its own controller.
expect_kafka() {
  printf '%s\n' "consumer -> kafka" "consumer -> kafka" "filler -> kafka" "filler -> kafka" "producer -> kafka" "producer -> kafka" "kafka -> kafka"
}
