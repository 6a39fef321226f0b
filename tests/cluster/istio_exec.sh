# shellcheck shell=bash disable=SC2154 # "scenario" is the caller's
# The scenario of a proxy whose metrics are for its own pod: port 15090 is closed, and 15020 answers 403, as with Istio's
# METRICS_LOCALHOST_ACCESS_ONLY. What it counted is known from pilot-agent alone, by pods/exec of the real API server; here that is
# a script whose counter the scenario sets.

manifest_istio-exec() {
  PROGRAM=busybox deployment cart sleep 1000000
  cat << 'END_OF_AGENT'
---
apiVersion: v1
kind: ConfigMap
metadata: {name: agent}
data:
  # Nobody is let in.
  httpd.conf: "D:*"
  pilot-agent: |
    #!/bin/busybox sh
    if [ "$#|$*" != "3|request GET stats/prometheus?filter=istio_requests_total" ]; then
      echo "no such request: $*" >&2
      exit 64
    fi
    echo reading >> /tmp/readings
    echo '# TYPE istio_requests_total counter'
    echo "istio_requests_total{reporter=\"source\",source_workload=\"web\",source_workload_namespace=\"istio-exec\",destination_workload=\"cart\",destination_workload_namespace=\"istio-exec\",request_protocol=\"http\",response_code=\"200\",response_flags=\"-\",request_method=\"GET\",request_path=\"/items\"} $(busybox cat /tmp/calls 2> /dev/null || echo 0)"
END_OF_AGENT
  cat << 'END_OF_WEB'
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  strategy: {type: Recreate}
  template:
    metadata:
      labels: {app: web, security.istio.io/tlsMode: istio, service.istio.io/canonical-name: web}
      annotations: {prometheus.io/scrape: "true", prometheus.io/port: "15020", prometheus.io/path: /stats/prometheus}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - {name: main, image: registry.local/workload:1, imagePullPolicy: Never, command: [/bin/busybox, sleep, "1000000"]}
        - name: istio-proxy
          image: registry.local/workload:1
          imagePullPolicy: Never
          command: [/bin/busybox, httpd, -f, -p, "15020", -c, /etc/istio/httpd.conf]
          volumeMounts: [{name: agent, mountPath: /etc/istio}, {name: agent, mountPath: /bin/pilot-agent, subPath: pilot-agent}]
      volumes: [{name: agent, configMap: {name: agent, defaultMode: 0755}}]
END_OF_WEB
}

# mesh_for_its_own_pods [HELM'S OPTION ...]: with a map that outlives the mapper, and only proxies of this namespace, so that watching
# begins here.
mesh_for_its_own_pods() {
  map_on_volume --reuse-values --set enableIstioCollection=true "$@" --set-json "mapper.extraEnvVars=[${MORE_VARIABLES:-}
    {\"name\": \"OTTERIZE_ISTIO_RESTRICT_COLLECTION_TO_NAMESPACE\", \"value\": \"istio-exec\"},
    {\"name\": \"OTTERIZE_ISTIO_EXEC_INTERVAL\", \"value\": \"5s\"},
    {\"name\": \"OTTERIZE_ISTIO_REPORT_INTERVAL\", \"value\": \"1s\"}, {\"name\": \"OTTERIZE_ISTIO_COOLDOWN_INTERVAL\", \"value\": \"100ms\"}]"
}

# has_called TIMES: since the proxy started.
has_called() {
  in_namespace exec deployment/web -c istio-proxy -- busybox sh -c "echo $1 > /tmp/calls"
}

another_web() {
  in_namespace delete pod -l app=web --wait
  in_namespace rollout status deployment/web --timeout=60s
}

readings() {
  in_namespace exec deployment/web -c istio-proxy -- busybox sh -c 'busybox cat /tmp/readings 2> /dev/null | busybox wc -l'
}

was_read() {
  [ "$(readings)" -gt "$1" ]
}

failed_for() {
  [ "$(mapper_metric "network_mapper_istio_scrape_failures_total{reason=\"$1\"}")" -ge 2 ]
}

counts_calls() {
  [ "$(count_of istio web cart)" = "$1" ]
}

# Soon, and after two more readings no more than that.
expect_calls() {
  local read
  wait_until 30 counts_calls "$1" || true
  read="$(readings)"
  wait_until 30 was_read $((read + 1))
  sleep 1
  counts_calls "$1" || { echo "$1 calls wanted, and on the map: $(count_of istio web cart)" >&2; return 1; }
}

act_istio-exec() {
  local options='{"name": "OTTERIZE_ISTIO_EXEC_FALLBACK", "value": "true"},'
  mesh_for_its_own_pods --set istioExecFallback=false
  in_namespace scale deployment web --replicas=1
  in_namespace rollout status deployment/web --timeout=60s
  # Without the option it says what is the matter and which value to set, and runs nothing in any pod.
  wait_until 60 failed_for forbidden
  wait_until 30 mapper_lacks 'METRICS_LOCALHOST_ACCESS_ONLY.*istioExecFallback'
  [ "$(readings)" -eq 0 ]

  # With the option, but not the right.
  MORE_VARIABLES="$options" mesh_for_its_own_pods
  wait_until 60 failed_for exec_forbidden
  wait_until 30 mapper_lacks 'pods/exec.*istioExecFallback'
  [ "$(readings)" -eq 0 ]

  # This proxy is younger than the watching, and what it counts is known later.
  another_web
  has_called 4
  counts_calls 0
  mesh_for_its_own_pods --set istioExecFallback=true
  expect_calls 4
  wait_until 30 mapper_lacks_nothing
  has_called 9
  expect_calls 9
  [ "$(mapper_metric network_mapper_istio_commands_total)" -ge 2 ]

  kill_mapper
  has_called 11
  mapper_is_back
  expect_calls 11
  another_web
  has_called 2
  expect_calls 13
  command_line list --quiet -n istio-exec > "$output/istio-exec.list"
  grep -A2 '^web in namespace istio-exec calls:' "$output/istio-exec.list" |
    diff - <(printf '%s\n' 'web in namespace istio-exec calls:' '  - cart in namespace istio-exec' '    - path /items, methods: [GET]')

  in_namespace scale deployment web --replicas=0
  # The other scenarios go by the chart's defaults.
  helm upgrade network-mapper charts/network-mapper --reuse-values --set istioExecFallback=false --set-json "mapper.extraEnvVars=[]" --wait --timeout 5m
}
expect_istio-exec() { echo "web -> cart"; }
