# shellcheck shell=bash disable=SC2154 # "cluster", "output" and "bin" are the caller's
# The scenario of a mesh: pods as Istio's injection makes them, with a real Envoy that counts as Istio's does (demo/istio/sidecar) and
# that the mapper reads, and an application that answers HTTP/1.1 and gRPC. What was called before is not on the map; what is called
# then counts once, over the end of proxies, pods and the mapper.

mesh_image() {
  local root="$output/images/mesh" program
  root_of "$root" "$(demo/istio/envoy)" "$bin/mesh_workload" /bin/busybox /usr/bin/curl
  for program in sh sleep; do
    ln -s busybox "$root/bin/$program"
  done
  "$cluster" image registry.local/mesh:1 "$root"
}

manifest_istio() {
  service cart 80:15006
  mesh_workload native cart --http 8080 --grpc 8081
  CALLS=cart mesh_workload plain web
  CALLS=cart mesh_workload native mallory
}

# mesh_workload plain|native NAME [ARGUMENT...]: a Deployment whose proxy is a container beside the application, or one that is
# started before it, as Istio makes it where Kubernetes can; CALLS are the services that it calls. Without arguments the application
# waits for what it is told.
mesh_workload() {
  local kind="$1" name="$2" command proxy
  shift 2
  command="$(printf ', "%s"' /bin/mesh_workload "$@")"
  [ $# -gt 0 ] || command=', /bin/sleep, "1000000"'
  proxy="{name: istio-proxy, image: registry.local/mesh:1, imagePullPolicy: Never, $([ "$kind" = plain ] || echo "restartPolicy: Always,")
          command: [/bin/envoy, -c, /etc/istio/$name.yaml, --concurrency, '1', --log-level, error, --disable-hot-restart],
          ports: [{name: http-envoy-prom, containerPort: 15090, protocol: TCP}], volumeMounts: [{name: proxy, mountPath: /etc/istio}]}"
  cat << END
---
apiVersion: v1
kind: ConfigMap
metadata: {name: $name-proxy}
data:
  $name.yaml: |
$(demo/istio/sidecar --application 8080 8081 istio "$name" ${CALLS:-} | sed 's/^/    /')
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: $name}
spec:
  replicas: 0
  selector: {matchLabels: {app: $name}}
  strategy: {type: Recreate}
  template:
    metadata:
      labels: {app: $name, security.istio.io/tlsMode: istio, service.istio.io/canonical-name: $name,
        service.istio.io/canonical-revision: latest}
      annotations:
        istio.io/rev: default
        prometheus.io/scrape: "true"
        prometheus.io/port: "15020"
        prometheus.io/path: /stats/prometheus
        sidecar.istio.io/status: '{"initContainers":[$([ "$kind" = plain ] || echo '"istio-proxy"')],"containers":[$([ "$kind" = native ] ||
          echo '"istio-proxy"')],"volumes":["proxy"],"imagePullSecrets":null,"revision":"default"}'
    spec:
      terminationGracePeriodSeconds: 1
      initContainers: [$([ "$kind" = plain ] || echo "$proxy")]
      containers:
        - {name: main, image: registry.local/mesh:1, imagePullPolicy: Never, command: [${command#, }]}
$([ "$kind" = native ] || echo "        - $proxy")
      volumes: [{name: proxy, configMap: {name: $name-proxy}}]
END
}

in_mesh() {
  local name="$1"
  shift
  in_namespace exec "deployment/$name" -c main -- "$@"
}

# http_calls CLIENT TIMES CODE PATH [curl's option ...]: calls of cart that are all answered so.
http_calls() {
  local client="$1" times="$2" code="$3" path="$4" answers
  shift 4
  # shellcheck disable=SC2016 # expanded in the pod
  answers="$(in_mesh "$client" sh -c 'i=0; while [ $((i += 1)) -le "$0" ]; do
    curl -sS -g --max-time 10 -o /dev/null -w "%{http_code}\n" -H "Host: cart" "$@"; done' "$times" "$@" "http://127.0.0.1:15001$path")"
  [ "$(sort <<< "$answers" | uniq -c | xargs)" = "$times $code" ] || { echo "$client was answered so for $path: $answers" >&2; return 1; }
  sent[$client]=$((sent[$client] + times))
}

# grpc_calls CLIENT TIMES METHOD
grpc_calls() {
  [ "$(in_mesh "$1" /bin/mesh_workload --call 127.0.0.1:15001 --authority cart --method "$3" --calls "$2")" = "$2" ]
  sent[$1]=$((sent[$1] + $2))
}

proxies_are_there() {
  local name
  for name in "${!sent[@]}" cart; do
    in_namespace rollout status "deployment/$name" --timeout=60s
    wait_until 30 in_mesh "$name" curl -sf --max-time 2 -o /dev/null http://127.0.0.1:15090/stats/prometheus
  done
}

# As a fault does it. The kubelet starts it again.
kill_proxy() {
  local name="$1" restarts
  restarts="$(proxy_restarts "$name")"
  # shellcheck disable=SC2016 # expanded inside
  "$cluster" run-on "$(in_namespace get pod -l "app=$name" -o 'jsonpath={.items[0].spec.nodeName}')" sh -c \
    'kill -KILL $(pgrep -f "^/bin/envoy -c /etc/istio/$0.yaml")' "$name"
  wait_until 60 eval '[ "$(proxy_restarts "$name")" -gt "$restarts" ]'
  proxies_are_there
}

proxy_restarts() {
  in_namespace get pod -l "app=$1" -o json | jq '[.items[0].status | (.containerStatuses + .initContainerStatuses)[] |
    select(.name == "istio-proxy" and .state.running) | .restartCount] | add // 0'
}

kill_mapper() {
  in_install delete pod -l app=otterize-network-mapper --grace-period=0 --force
}

mapper_is_back() {
  in_install rollout status deployment/otterize-network-mapper --timeout=60s
}

# "CLIENT SERVER COUNT STRENGTH", sorted, of what the Istio watcher saw.
mesh_counts() {
  ask_map '{ client { name } server { name } evidence { collector strength count } }' | jq -r '.data.intents[] |
    .client.name as $client | .server.name as $server | .evidence[] | select(.collector == "istio") |
    "\($client) \($server) \(.count) \(.strength | ascii_downcase)"' | sort
}

mesh_counts_are_exact() {
  [ "$(mesh_counts)" = "$1" ]
}

# Soon, and nothing comes twice.
expect_mesh_counts() {
  local wanted=""
  [ "${sent[mallory]}" = 0 ] || wanted+="mallory cart ${sent[mallory]} attempted"$'\n'
  [ "${sent[web]}" = 0 ] || wanted+="web cart ${sent[web]} used"$'\n'
  wanted="${wanted%$'\n'}"
  wait_until 30 mesh_counts_are_exact "$wanted" || true
  sleep 3
  mesh_counts_are_exact "$wanted" || { printf '%s wanted, and on the map:\n%s\n%s\n' "$1" "$wanted" "$(mesh_counts)" >&2; return 1; }
}

# By the command line: who is what, and what an export grants. What was denied is not among it.
paths_are_on_the_map() {
  local wanted
  wanted="$(printf '    - path %s\n' '/fifth, methods: [GET]' '/fourth, methods: [GET]' '/items, methods: [GET,POST]' \
    '/items/7, methods: [DELETE]' '/missing, methods: [GET]' '/second, methods: [GET]' '/shop.cart.v1.CartService/GetCart, methods: [POST]' \
    '/third, methods: [GET]')"
  command_line list --quiet -n istio > "$output/istio.list"
  grep -A20 '^web in namespace istio calls:' "$output/istio.list" | diff - <(printf '%s\n' 'web in namespace istio calls:' \
    '  - cart in namespace istio' "$wanted")
  grep -x '  - cart in namespace istio (attempted only)' "$output/istio.list"
  # Not even by the connection to the proxy that denied it.
  command_line export --quiet -n istio --format json | jq -r '.[].metadata.name' | diff - <(echo web)
  command_line explain mallory.istio cart.istio | grep 'istio: attempted (tried, and denied or not answered)'
}

act_istio() {
  local -A sent=([web]=0 [mallory]=0)
  # Nobody watches; with the chart's defaults the mapper reads such proxies, and knows them from then on.
  map_on_volume --reuse-values --set enableIstioCollection=false
  in_namespace scale deployment web mallory cart --replicas=1
  proxies_are_there
  http_calls web 3 200 /before
  grpc_calls web 2 /shop.cart.v1.CartService/Before
  http_calls mallory 2 403 /denied
  sent=([web]=0 [mallory]=0)
  # Only proxies of this namespace, so that watching begins here, whatever the mapper watched before.
  helm upgrade network-mapper charts/network-mapper --reuse-values --wait --timeout 5m --set enableIstioCollection=true --set-json 'mapper.extraEnvVars=[
    {"name": "OTTERIZE_ISTIO_RESTRICT_COLLECTION_TO_NAMESPACE", "value": "istio"},
    {"name": "OTTERIZE_ISTIO_METRIC_PREFIX", "value": "envoy_istiocustom_"},
    {"name": "OTTERIZE_ISTIO_REPORT_INTERVAL", "value": "1s"}, {"name": "OTTERIZE_ISTIO_COOLDOWN_INTERVAL", "value": "100ms"}]'
  # Proxies that are older than the watching have been read then.
  wait_until 60 eval '[ "$(mapper_metric network_mapper_istio_scrapes_total)" -ge 6 ]'
  expect_mesh_counts "before"

  http_calls web 3 200 "/items?page=2"
  http_calls web 2 200 /items -X POST
  http_calls web 1 200 /items/7 -X DELETE
  http_calls web 4 200 /items --http2-prior-knowledge
  http_calls web 1 404 /missing
  http_calls web 2 403 /denied
  grpc_calls web 5 /shop.cart.v1.CartService/GetCart
  http_calls mallory 2 403 /denied
  # These do not leave the proxy, so that they are known from no other.
  http_calls mallory 3 503 /unavailable
  expect_mesh_counts "watched"

  kill_proxy cart
  kill_proxy web
  http_calls web 2 200 /second
  expect_mesh_counts "after proxies were killed"

  kill_mapper
  http_calls web 4 200 /third
  grpc_calls web 3 /shop.cart.v1.CartService/GetCart
  mapper_is_back
  expect_mesh_counts "after the mapper was killed"

  in_namespace delete pod -l app=web --wait
  proxies_are_there
  http_calls web 5 200 /fourth
  expect_mesh_counts "after another pod came"

  kill_mapper
  kill_proxy mallory
  http_calls mallory 1 403 /denied
  http_calls web 2 200 /fifth
  mapper_is_back
  expect_mesh_counts "after proxy and mapper were killed"

  paths_are_on_the_map
  in_namespace scale deployment web mallory cart --replicas=0
  # The other scenarios go by the chart's defaults.
  helm upgrade network-mapper charts/network-mapper --reuse-values --set-json "mapper.extraEnvVars=[]" --wait --timeout 5m
  expect_mesh_counts "in the end"
}

# The other client's calls were attempts.
expect_istio() { echo "web -> cart"; }
