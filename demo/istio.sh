# shellcheck shell=bash
# Workloads with Istio's proxies on the cluster of cluster.sh, by an ordinary Envoy (demo/istio/sidecar). Source it after that, then:
#
#   istio_can_run                    whether what that needs is installed; says what is missing
#   istio_prepare                    fetches Envoy (demo/istio/envoy)
#   istio_up NAMESPACE NAME [SERVICE ...]    a pod of workload NAME as Istio's injection makes it, which calls these services through its
#                                    proxy; sets what pod_up sets
#   istio_restart NAMESPACE POD      kills the proxy (-9) and starts it again
#   istio_call NAMESPACE POD SERVICE PATH [curl's option ...]    a call through the pod's proxy; prints the code of the answer

ISTIO_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")/istio" && pwd)"
# What the mapper needs to know of such proxies.
# shellcheck disable=SC2034 # for those who source this
ISTIO_MAPPER_OPTIONS=(--istio-metric-prefix envoy_istiocustom_)

istio_can_run() {
  command -v jq > /dev/null || {
    echo "istio: jq is missing: scripts/install-deps --istio" >&2
    return 1
  }
  "$ISTIO_DIR/envoy" --cached > /dev/null 2>&1 || python3 -m pip --version > /dev/null 2>&1 || {
    echo "istio: pip is missing: scripts/install-deps --istio" >&2
    return 1
  }
}

istio_prepare() {
  ISTIO_ENVOY="$("$ISTIO_DIR/envoy")"
}

istio_up() {
  local namespace="$1" name="$2"
  pod_up "$namespace" "$name" -- sleep infinity
  "$ISTIO_DIR/sidecar" "$@" > "$CLUSTER_DIR/istio.$namespace.$POD_NAME.yaml"
  wait_for 10 in_pod "$namespace" "$POD_NAME" true
  istio_start "$namespace" "$POD_NAME"
}

istio_start() {
  local namespace="$1" pod="$2" started
  started="$(now_rfc3339)"
  in_pod "$namespace" "$pod" "$ISTIO_ENVOY" -c "$CLUSTER_DIR/istio.$namespace.$pod.yaml" --concurrency 1 --log-level error \
    --disable-hot-restart >> "$CLUSTER_DIR/log/$namespace.$pod.istio-proxy.log" 2>&1 9>&- &
  disown
  wait_for 20 in_pod "$namespace" "$pod" curl -sf --max-time 2 -o /dev/null "http://127.0.0.1:15090/stats/prometheus?usedonly" || {
    tail -n 5 "$CLUSTER_DIR/log/$namespace.$pod.istio-proxy.log" >&2
    return 1
  }
  istio_say "$namespace" "$pod" true "{running: {startedAt: \"$started\"}}"
}

# As the kubelet says it, and on what injection made. Arguments: namespace, pod, whether the proxy is ready, its container's state
istio_say() {
  on_node curl -sS --fail-with-body --max-time 10 "$CLUSTER_API/api/v1/namespaces/$1/pods/$2" | jq '. + {apiVersion: "v1", kind: "Pod"} |
    .metadata.labels += {"security.istio.io/tlsMode": "istio", "service.istio.io/canonical-name": .metadata.labels.app} |
    .metadata.annotations += {"prometheus.io/scrape": "true", "prometheus.io/port": "15020", "prometheus.io/path": "/stats/prometheus"} |
    .spec.containers |= [.[] | select(.name != "istio-proxy")] + [{name: "istio-proxy", image: "registry.local/proxyv2:1",
      ports: [{name: "http-envoy-prom", containerPort: 15090, protocol: "TCP"}]}] |
    .status.containerStatuses = [{name: "istio-proxy", ready: '"$3, state: $4"'}]' | api_apply
}

istio_restart() {
  local pid
  istio_say "$1" "$2" false "{waiting: {reason: \"CrashLoopBackOff\"}}"
  for pid in $(< "$(< "$CLUSTER_DIR/pods/$1.$2.cgroup")/cgroup.procs"); do
    ! [ "/proc/$pid/exe" -ef "$ISTIO_ENVOY" ] || kill -KILL "$pid"
  done
  # A container that ended within the second it started in would be the same one to the mapper.
  sleep 1
  istio_start "$1" "$2"
}

istio_call() {
  local namespace="$1" pod="$2" service="$3" path="$4"
  shift 4
  in_pod "$namespace" "$pod" curl -sS -g --max-time 10 -o /dev/null -w '%{http_code}\n' -H "Host: $service" "$@" "http://127.0.0.1:15001$path"
}
