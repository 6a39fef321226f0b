# shellcheck shell=bash
# Kafka on the cluster of cluster.sh: brokers in pods, and clients. Source it after that, then:
#
#   kafka_can_run LINE               whether what that needs is installed; says what is missing
#   kafka_prepare LINE               fetches Kafka (demo/kafka/jars), release line LINE, and compiles the clients
#   kafka_up NAMESPACE NAME [option ...]     a pod NAME, which a StatefulSet might have made, with a broker (options of
#                                    demo/kafka/server); its process is started again whenever it ends; sets KAFKA_IP, KAFKA_LOG
#   kafka_kill NAMESPACE NAME        kills the broker (-9), which comes back
#   kafka_client NAMESPACE POD [user]    in that pod, does what standard input says (demo/kafka/Clients.java) and prints the outcomes

KAFKA_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")/kafka" && pwd)"

kafka_can_run() {
  local program programs=(java javac jq kcat)
  "$KAFKA_DIR/jars" --cached "$1" > /dev/null 2>&1 || programs+=(mvn)
  for program in "${programs[@]}"; do
    command -v "$program" > /dev/null || {
      echo "kafka: $program is missing: scripts/install-deps --kafka" >&2
      return 1
    }
  done
}

kafka_prepare() {
  KAFKA_LINE="$1"
  KAFKA_JARS="$("$KAFKA_DIR/jars" "$1")" || return 1
  # Kept by Kafka's version and the source's content, beside the jars.
  KAFKA_CLIENTS="$KAFKA_JARS/clients-$(sha256sum < "$KAFKA_DIR/Clients.java" | cut -c1-8)"
  [ -e "$KAFKA_CLIENTS/Clients.class" ] ||
    javac -nowarn -J-Xmx256m -cp "$KAFKA_JARS/*" -d "$KAFKA_CLIENTS" "$KAFKA_DIR/Clients.java" > /dev/null
}

kafka_up() {
  local namespace="$1" name="$2"
  shift 2
  KAFKA_IP="$POD_CIDR_PREFIX.$(< "$CLUSTER_DIR/next-pod")"
  # shellcheck disable=SC2016 # expanded in the pod
  POD_BARE=1 POD_IP_WANTED="$KAFKA_IP" pod_up "$namespace" "$name" -- sh -c 'while sleep 0.2; do "$@"; done' sh \
    "$KAFKA_DIR/server" --version "$KAFKA_LINE" --folder "$CLUSTER_DIR/kafka/$namespace.$name" --host "$KAFKA_IP" "$@"
  # shellcheck disable=SC2034 # for those who source this
  KAFKA_LOG="$CLUSTER_DIR/log/$namespace.$name.log"
  wait_for 60 kafka_started 1 || {
    tail -n 20 "$KAFKA_LOG" >&2
    return 1
  }
}

# Whether the broker has come up $1 times. It says so itself; whoever asked it would be in its log.
kafka_started() {
  [ "$(grep -cE 'Kafka Server started|KafkaServer id=1\] started' "$KAFKA_LOG")" -ge "$1" ]
}

kafka_kill() {
  local pid
  for pid in $(< "$(< "$CLUSTER_DIR/pods/$1.$2.cgroup")/cgroup.procs"); do
    ! grep -qa 'kafka\.Kafka' "/proc/$pid/cmdline" || kill -KILL "$pid"
  done
}

kafka_client() {
  local namespace="$1" pod="$2"
  shift 2
  in_pod "$namespace" "$pod" java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx256m -Dlog4j2.level=OFF -cp "$KAFKA_JARS/*:$KAFKA_CLIENTS" \
    Clients "$KAFKA_IP" "$@" 2> "$CLUSTER_DIR/log/clients.log" || {
    cat "$CLUSTER_DIR/log/clients.log" >&2
    return 1
  }
}
