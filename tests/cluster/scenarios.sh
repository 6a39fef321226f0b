# shellcheck shell=bash disable=SC2154 # "cluster" is the caller's
# The scenarios of scripts/cluster-test. Each has a namespace of its own and up to three functions: manifest_NAME prints what
# is applied at first, act_NAME does something to it later, expect_NAME prints the edges that the map has to hold for clients
# of the namespace in the end, one "client -> server" a line, with the server's namespace where it is another.

# What resets the map or restarts the mapper comes first: what ended before it is not on its map any more.
# shellcheck disable=SC2034 # for scripts/cluster-test
SCENARIOS=(reset-right node-gone missing-right helm-upgrade map-survives kafka istio istio-exec aws mapper-restart shop statefulset daemonset short-job cronjob bare-pod static-pod host-network-client
  host-network-server host-port across-nodes host-network-across-nodes named-by-annotation named-by-label two-behind-one external-name api-server ipv6 dual-stack udp-only
  rolling-update reused-address node-drain api-restart sniffer-restart wrong-authority wrong-token
  kubectl-plugin one-right client-intents)
# Played before there are pods of others: a node that comes back gives its addresses out anew, and until all know of that, calls of
# whoever was there truly go to the wrong pods.
# shellcheck disable=SC2034 # for scripts/cluster-test
SCENARIOS_ALONE=(node-gone)

# One container, fields of a pod's spec: PROGRAM (default: shop_workload) with these arguments; CONTAINER_SPEC has further fields of it.
container() {
  local arguments
  arguments="$(printf ', "%s"' "$@")"
  echo "terminationGracePeriodSeconds: 1, containers: [{name: main, image: registry.local/workload:1, imagePullPolicy: Never," \
    "command: [/bin/${PROGRAM:-shop_workload}], args: [${arguments#, }], ${CONTAINER_SPEC:-}}]"
}

# deployment NAME ARGUMENT...: POD_METADATA and POD_SPEC hold further fields of the pod.
deployment() {
  controller Deployment "$@"
}

controller() {
  local kind="$1" name="$2"
  shift 2
  cat << END
---
apiVersion: apps/v1
kind: $kind
metadata: {name: $name}
spec:
  selector: {matchLabels: {app: $name}}
  ${CONTROLLER_SPEC:-}
  template:
    metadata: {labels: {app: $name, ${POD_LABELS:-}}, annotations: {${POD_ANNOTATIONS:-}}}
    spec: {$(container "$@"), ${POD_SPEC:-}}
END
}

pod() {
  local name="$1"
  shift
  cat << END
---
apiVersion: v1
kind: Pod
metadata: {name: $name, labels: {app: $name}}
spec: {$(container "$@"), ${POD_SPEC:-}}
END
}

job() {
  local name="$1"
  shift
  cat << END
---
apiVersion: batch/v1
kind: Job
metadata: {name: $name}
spec: {template: {spec: {restartPolicy: Never, $(container "$@"), ${POD_SPEC:-}}}}
END
}

# on_node NODE deployment|pod|job ARGUMENT...
on_node() {
  local POD_SPEC="nodeSelector: {kubernetes.io/hostname: $1}, ${POD_SPEC:-}"
  shift
  "$@"
}

# service NAME PORT:TARGET_PORT: SELECTOR instead of "app: NAME", SERVICE_SPEC for further fields.
service() {
  cat << END
---
apiVersion: v1
kind: Service
metadata: {name: $1}
spec: {selector: {${SELECTOR:-app: $1}}, ports: [{port: ${2%:*}, targetPort: ${2#*:}}], ${SERVICE_SPEC:-}}
END
}

# What most scenarios call.
server() {
  deployment server --listen 8080
  service server 80:8080
}

manifest_shop() {
  local entry fields listen
  for entry in "${SHOP_WORKLOADS[@]}"; do
    read -r -d '' -a fields <<< "$entry" || true
    listen=()
    [ "${fields[2]}" = - ] || listen=(--listen "${fields[2]}")
    deployment "${fields[0]}" "${listen[@]}" "${fields[@]:3}"
    [ "${fields[1]}" = - ] || service "${fields[0]}" "${fields[1]}:${fields[2]}"
  done
}
expect_shop() {
  local entry fields i
  for entry in "${SHOP_WORKLOADS[@]}"; do
    read -r -d '' -a fields <<< "$entry" || true
    for ((i = 4; i < ${#fields[@]}; i += 2)); do
      echo "${fields[0]} -> ${fields[$i]%%:*}"
    done
  done
}

manifest_statefulset() {
  CONTROLLER_SPEC="serviceName: database" controller StatefulSet database --listen 5432
  SERVICE_SPEC="clusterIP: None" service database 5432:5432
  deployment client --call database-0.database:5432
}
expect_statefulset() { echo "client -> database"; }

manifest_daemonset() {
  server
  controller DaemonSet agent --call server:80
}
expect_daemonset() { echo "agent -> server"; }

# Two seconds from the first packet to the end.
manifest_short-job() { server; }
act_short-job() { job import --call server:80 --calls 1 --linger-ms 2000 --every-ms 0 | apply; }
expect_short-job() { echo "import -> server"; }

manifest_cronjob() {
  server
  cat << END
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 1 1 *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, $(container --call server:80 --calls 1)}}}}
END
}
act_cronjob() { in_namespace create job nightly-28900000 --from cronjob/nightly; }
expect_cronjob() { echo "nightly -> server"; }

manifest_bare-pod() {
  server
  pod debug --call server:80
}
expect_bare-pod() { echo "debug -> server"; }

# On node-1, where files are put. The kubelet adds the node's name to the pod's; the map leaves it out.
manifest_static-pod() { server; }
act_static-pod() {
  pod watchdog --call server.static-pod.svc.cluster.local:80 |
    sed 's/^metadata: {/&namespace: static-pod, /; s/^spec: {/&dnsPolicy: ClusterFirst, /' |
    "$cluster" run tee /run/node/static-pods/watchdog.yaml
}
expect_static-pod() { echo "watchdog -> server"; }

manifest_host-network-client() {
  server
  POD_SPEC="hostNetwork: true, dnsPolicy: ClusterFirstWithHostNet" deployment node-agent --call server:80
}
expect_host-network-client() { echo "node-agent -> server"; }

manifest_host-network-server() {
  POD_SPEC="hostNetwork: true" deployment exporter --listen 19100
  service exporter 9100:19100
  deployment scraper --call exporter:9100
}
expect_host-network-server() { echo "scraper -> exporter"; }

# Called by the node's address, from the same node and from the other. The datagram port leads elsewhere.
manifest_host-port() {
  CONTAINER_SPEC="ports: [{containerPort: 8080, hostPort: 18080}]" on_node node-2 deployment edge --listen 8080
  CONTAINER_SPEC="ports: [{containerPort: 8080, hostPort: 18080, protocol: UDP}]" on_node node-2 deployment datagrams --listen 8080
  on_node node-1 deployment visitor --call 192.168.88.11:18080
  on_node node-2 deployment neighbour --call 192.168.88.11:18080
}
expect_host-port() { printf '%s\n' "visitor -> edge" "neighbour -> edge"; }

# Packets between nodes are seen by the sniffers of both, and each call counts once. By a service and by the pod's own address.
manifest_across-nodes() {
  local name
  on_node node-1 deployment east --listen 8080
  on_node node-2 deployment west --listen 8080
  for name in east west; do
    service "$name" 80:8080
    SERVICE_SPEC="clusterIP: None" SELECTOR="app: $name" service "$name-pods" 8080:8080
  done
}
act_across-nodes() {
  local calls=20 client server
  in_namespace rollout status deployment/east --timeout=60s
  in_namespace rollout status deployment/west --timeout=60s
  for server in east west; do
    on_node node-1 job "node-1-to-$server" --call "$server:80" --calls "$calls" --every-ms 100 --linger-ms 0 | apply
    on_node node-1 job "node-1-to-$server-pods" --call "$server-pods:8080" --calls "$calls" --every-ms 100 --linger-ms 0 | apply
    on_node node-2 job "node-2-to-$server" --call "$server:80" --calls "$calls" --every-ms 100 --linger-ms 0 | apply
    on_node node-2 job "node-2-to-$server-pods" --call "$server-pods:8080" --calls "$calls" --every-ms 100 --linger-ms 0 | apply
  done
  in_namespace wait --for=condition=Complete job --all --timeout=60s
  wait_until 30 is_complete across-nodes
  # What is too much comes with the next reports.
  sleep 3
  expect_across-nodes | while read -r client _ server; do
    echo "$client: $(count_of tcp_syn "$client" "$server") connections, $(count_of dns "$client" "$server") answers"
  done | tee "$output/across-nodes.counts"
  [ "$(grep -c ": $calls connections" "$output/across-nodes.counts")" -eq 8 ]
  # Each client asks the same number of times, and the name server is on one node.
  [ "$(sed 's/.*, //' "$output/across-nodes.counts" | sort -u | wc -l)" -eq 1 ]
}
expect_across-nodes() {
  local node server
  for node in node-1 node-2; do
    for server in east west; do
      printf '%s\n' "$node-to-$server -> $server" "$node-to-$server-pods -> $server"
    done
  done
}

# A node's address is that of all pods on its network; from the other node nothing else is seen of them.
manifest_host-network-across-nodes() {
  on_node node-2 deployment server --listen 8080
  service server 80:8080
  POD_SPEC="hostNetwork: true, dnsPolicy: ClusterFirstWithHostNet" on_node node-1 deployment node-agent --call server:80
  POD_SPEC="hostNetwork: true" on_node node-1 deployment exporter --listen 19200
  service exporter 9200:19200
  on_node node-2 deployment scraper --call exporter:9200
  on_node node-2 deployment behind-port --listen 8080
  SERVICE_SPEC="type: NodePort" service behind-port 80:8080 | sed 's/targetPort: 8080/&, nodePort: 30808/'
  # Through the other node and back: there its address is replaced by the node's.
  on_node node-2 deployment visitor --call 192.168.88.10:30808
  on_node node-1 deployment neighbour --call 192.168.88.11:30808
}
expect_host-network-across-nodes() {
  printf '%s\n' "node-agent -> server" "scraper -> exporter" "visitor -> behind-port" "neighbour -> behind-port"
}

manifest_named-by-annotation() {
  POD_ANNOTATIONS="intents.otterize.com/workload-name: ledger" deployment server-blue --listen 8080
  SELECTOR="app: server-blue" service server 80:8080
  POD_ANNOTATIONS="intents.otterize.com/workload-name: till" deployment client-blue --call server:80
}
expect_named-by-annotation() { echo "till -> ledger"; }

manifest_named-by-label() {
  server
  POD_LABELS="otterize/service-name: storefront" deployment client-green --call server:80
}
expect_named-by-label() { echo "storefront -> server"; }

manifest_two-behind-one() {
  POD_LABELS="tier: back" deployment stable --listen 8080
  POD_LABELS="tier: back" deployment canary --listen 8080
  SELECTOR="tier: back" service server 80:8080
  deployment client --call server:80
}
expect_two-behind-one() { printf '%s\n' "client -> stable" "client -> canary"; }

manifest_external-name() {
  server
  cat << END
---
apiVersion: v1
kind: Service
metadata: {name: alias}
spec: {type: ExternalName, externalName: server.external-name.svc.cluster.local}
END
  deployment client --call alias:80
}
expect_external-name() { echo "client -> server"; }

manifest_api-server() { deployment operator --call kubernetes.default.svc.cluster.local:443; }
expect_api-server() { echo "operator -> kubernetes.default"; }

manifest_ipv6() {
  deployment server --listen 8080
  SERVICE_SPEC="ipFamilies: [IPv6], ipFamilyPolicy: SingleStack" service server 80:8080
  deployment client --call server:80
}
expect_ipv6() { echo "client -> server"; }

# One client speaks IPv4, one IPv6, without asking for a name; the third asks for both kinds of address.
manifest_dual-stack() {
  deployment server --listen 8080
  SERVICE_SPEC="ipFamilyPolicy: RequireDualStack, clusterIP: 10.96.0.200, clusterIPs: [10.96.0.200, 'fd00:96::200']" service server 80:8080
  deployment client-ipv4 --call 10.96.0.200:80
  deployment client-ipv6 --call fd00:96::200:80
  deployment client --call server:80
}
expect_dual-stack() { printf '%s\n' "client-ipv4 -> server" "client-ipv6 -> server" "client -> server"; }

# It asks for the name and sends datagrams only: nothing but the DNS answer tells.
manifest_udp-only() {
  server
  PROGRAM=busybox deployment client sh -c "while true; do busybox timeout 1 busybox tftp -g -l /tmp/file -r file server 80; busybox sleep 1; done"
}
expect_udp-only() { echo "client -> server"; }

manifest_rolling-update() {
  server
  deployment client --call server:80 --every-ms 100
}
act_rolling-update() {
  local round
  for round in 1 2; do
    in_namespace patch deployment server -p "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"round\":\"$round\"}}}}}"
    in_namespace rollout status deployment/server --timeout=60s
  done
}
expect_rolling-update() { echo "client -> server"; }

# A pod goes; the next one, of another workload, gets its address and is called at once.
manifest_reused-address() {
  on_node node-1 pod first --listen 8080
  deployment early --call first:80 --every-ms 200
  SELECTOR="app: first" service first 80:8080
}
act_reused-address() {
  local address reused
  wait_until 30 has_edge reused-address "early -> first"
  address="$(in_namespace get pod first -o 'jsonpath={.status.podIP}')"
  in_namespace delete pod/first service/first deployment/early --wait --cascade=foreground --timeout=60s
  # The address after this one is handed out next.
  "$cluster" run sh -c "printf %s ${address%.*}.$((${address##*.} - 1)) > /run/cni/pods/last_reserved_ip.0"
  on_node node-1 pod second --listen 8080 | apply
  in_namespace wait --for=condition=Ready pod/second --timeout=30s
  reused="$(in_namespace get pod second -o 'jsonpath={.status.podIP}')"
  [ "$reused" = "$address" ] || { echo "the address was not reused: $address, then $reused" >&2; return 1; }
  { SELECTOR="app: second" service second 80:8080; deployment late --call second:80; } | apply
}
expect_reused-address() { printf '%s\n' "early -> first" "late -> second"; }

manifest_node-drain() {
  server
  deployment client --call server:80
}
act_node-drain() {
  local node
  node="$(in_namespace get pods -l app=client -o 'jsonpath={.items[0].spec.nodeName}')"
  "$cluster" run kubectl drain "$node" --pod-selector 'app in (server, client)' --ignore-daemonsets --force --timeout=120s
  "$cluster" run kubectl uncordon "$node"
  in_namespace rollout status deployment/server --timeout=60s
}
expect_node-drain() { echo "client -> server"; }

# A workload that nobody saw before the restart. The kubelet itself may need two minutes after one of the API server.
newcomer() {
  deployment newcomer --call server:80 | apply
  in_namespace rollout status deployment/newcomer --timeout=180s
}

# By now the mapper has followed all that went before by its watches alone.
manifest_api-restart() { server; }
act_api-restart() {
  mapper_listed_once
  # It would keep its open connections for a minute.
  # shellcheck disable=SC2016 # expanded inside
  "$cluster" run sh -c 'old=$(cat /run/node/kube-apiserver.pid); kill "$old"; timeout 5 tail --pid="$old" -f /dev/null || kill -KILL "$old"'
  wait_until 60 in_namespace get --raw /readyz
  newcomer
}
expect_api-restart() { echo "newcomer -> server"; }

# One client calls again and again, the other holds a connection that the new mapper did not see opening.
manifest_mapper-restart() {
  server
  deployment client --call server:80
  deployment holder --hold server:80
}
act_mapper-restart() {
  "$cluster" run kubectl -n otterize-system rollout restart deployment/otterize-network-mapper
  "$cluster" run kubectl -n otterize-system rollout status deployment/otterize-network-mapper --timeout=60s
  newcomer
}
expect_mapper-restart() { printf '%s\n' "client -> server" "holder -> server" "newcomer -> server"; }

manifest_sniffer-restart() { manifest_mapper-restart; }
act_sniffer-restart() {
  "$cluster" run kubectl -n otterize-system rollout restart daemonset/otterize-network-sniffer
  "$cluster" run kubectl -n otterize-system rollout status daemonset/otterize-network-sniffer --timeout=60s
  newcomer
}
expect_sniffer-restart() { expect_mapper-restart; }

# A machine dies: what was seen there stays on the map, and what happens elsewhere is still seen. When it is back, so is all else.
manifest_node-gone() {
  on_node node-1 deployment server --listen 8080
  service server 80:8080
  on_node node-2 deployment client --call server:80
}
act_node-gone() {
  if [ "$(mapper_node)" != node-1 ]; then
    "$cluster" run kubectl drain node-2 --pod-selector app=otterize-network-mapper --delete-emptydir-data --timeout=60s
    "$cluster" run kubectl uncordon node-2
    in_install rollout status deployment/otterize-network-mapper --timeout=60s
  fi
  wait_until 60 has_edge node-gone "client -> server"
  "$cluster" off node-2
  on_node node-1 deployment newcomer --call server:80 | apply
  in_namespace rollout status deployment/newcomer --timeout=60s
  wait_until 60 has_edge node-gone "newcomer -> server"
  "$cluster" run kubectl wait --for=condition=Ready=Unknown node/node-2 --timeout=90s
  has_edge node-gone "client -> server"
  [ "$(sniffer_metric node-1 network_mapper_report_client_connected)" = 1 ]
  mapper_lacks_nothing
  "$cluster" on node-2
  "$cluster" run kubectl wait --for=condition=Ready node/node-2 --timeout=90s
  on_node node-2 deployment returned --call server:80 | apply
  in_namespace rollout status deployment/returned --timeout=60s
  wait_until 60 has_edge node-gone "returned -> server"
}
expect_node-gone() { printf '%s\n' "client -> server" "newcomer -> server" "returned -> server"; }

# The mapper may not list Jobs and CronJobs any more; the next upgrade gives the right back. docs/regressions.md P13
manifest_missing-right() { server; }
act_missing-right() {
  in_install patch clusterrole otterize-network-mapper --type json \
    -p '[{"op": "test", "path": "/rules/3/resources/0", "value": "jobs"}, {"op": "replace", "path": "/rules/3/verbs", "value": ["get", "watch"]}]'
  in_install rollout restart deployment/otterize-network-mapper
  in_install rollout status deployment/otterize-network-mapper --timeout=60s
  wait_until 30 mapper_lacks 'list.*jobs'
  in_install logs deployment/otterize-network-mapper | grep -iE 'list.*jobs'
  newcomer
  wait_until 60 has_edge missing-right "newcomer -> server"
  helm upgrade network-mapper charts/network-mapper --wait --timeout 5m
  wait_until 60 mapper_lacks_nothing
}
mapper_lacks() { mapper_says http readyz | grep -iE "$1"; }
mapper_lacks_nothing() { [ "$(mapper_says http readyz | wc -l)" -eq 1 ]; }
expect_missing-right() { echo "newcomer -> server"; }

# One value for both parts.
manifest_helm-upgrade() { manifest_mapper-restart; }
act_helm-upgrade() {
  local secret part
  secret="$(in_install get secret otterize-network-mapper-tls -o 'jsonpath={.data}')"
  helm upgrade network-mapper charts/network-mapper --set debug=true --wait --timeout 5m
  [ "$(in_install get secret otterize-network-mapper-tls -o 'jsonpath={.data}')" = "$secret" ]
  in_install rollout status daemonset/otterize-network-sniffer --timeout=60s
  for part in deployment/otterize-network-mapper daemonset/otterize-network-sniffer; do
    wait_until 30 eval "in_install logs $part | grep -i debug"
  done
  newcomer
}
expect_helm-upgrade() { expect_mapper-restart; }

# Sniffers that trust another authority than the mapper's do not report; with the right one again they report what they kept.
manifest_wrong-authority() { server; }
act_wrong-authority() {
  local before authority pod node
  before="$(mapper_metric network_mapper_report_server_failed_handshakes_total)"
  authority="$(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=other -days 1 -keyout /dev/null 2> /dev/null)"
  in_install patch configmap otterize-network-mapper-ca -p "$(jq -n --arg ca "$authority" '{data: {"ca.crt": $ca}}')"
  in_install rollout restart daemonset/otterize-network-sniffer
  in_install rollout status daemonset/otterize-network-sniffer --timeout=60s
  newcomer
  for node in $("$cluster" nodes); do
    wait_until 30 eval '[ "$(sniffer_metric "$node" network_mapper_report_client_failed_connections_total)" -ge 3 ]'
    [ "$(sniffer_metric "$node" network_mapper_report_client_connected)" = 0 ]
  done
  for pod in $(in_install get pods -l app=otterize-network-sniffer -o name); do
    [ "$(in_install logs "$pod" | grep -c 'check that --tls-ca-file holds the authority')" = 1 ]
  done
  [ "$(mapper_metric network_mapper_report_server_failed_handshakes_total)" -ge $((before + 6)) ]
  # One line for each address.
  [ "$(in_install logs deployment/otterize-network-mapper --since=60s | grep -c 'a collector hung up during the TLS handshake')" -eq 2 ]
  [ -z "$(edges wrong-authority)" ]
  helm upgrade network-mapper charts/network-mapper --reuse-values --wait --timeout 5m
  # The kubelet renews what it has mounted when something about the pod changes, else within a minute or two.
  in_install annotate pod -l app=otterize-network-sniffer --overwrite "renewed=$SECONDS"
  # Of all nodes, before the next scenario restarts them with what they kept.
  wait_until 150 are_connected
}
expect_wrong-authority() { echo "newcomer -> server"; }

# A sniffer of somebody else: its token is the scenario's, for the audience that the second argument names.
impostor() {
  local version
  version="$(sed -nE 's/^appVersion: "?([0-9.]+)"?$/\1/p' charts/network-mapper/Chart.yaml)"
  cat << END
---
apiVersion: v1
kind: Pod
metadata: {name: $1}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: localhost/network-mapper-sniffer:$version
      imagePullPolicy: Never
      args: [--mapper-address=otterize-network-mapper.otterize-system:9091, --tls-ca-file=/ca/ca.crt,
        --tls-server-name=otterize-network-mapper, --token-file=/token/token, --host-proc-dir=/proc,
        --enable-dns=false, --enable-tcp=false]
      volumeMounts: [{name: ca, mountPath: /ca}, {name: token, mountPath: /token}]
  volumes:
    - {name: ca, configMap: {name: authority}}
    - {name: token, projected: {sources: [{serviceAccountToken: {audience: $2, path: token}}]}}
END
}

closed_streams() {
  mapper_metric "network_mapper_report_server_closed_streams_total{reason=\"$1\"}"
}

# Who has no collector's token does not report. Without the right to have tokens checked the mapper says so, sniffers keep their
# reports, and deliver them once it is back.
manifest_wrong-token() { server; }
act_wrong-token() {
  in_install get configmap otterize-network-mapper-ca -o 'jsonpath={.data.ca\.crt}' > "$output/ca.crt"
  jq -n --rawfile ca "$output/ca.crt" '{apiVersion: "v1", kind: "ConfigMap", metadata: {name: "authority"}, data: {"ca.crt": $ca}}' | apply
  { impostor stranger network-mapper; impostor misled vault; } | apply
  wait_until 60 eval '[ "$(closed_streams not_a_collector)" -ge 2 ] && [ "$(closed_streams bad_token)" -ge 2 ]'
  [ "$(in_install logs deployment/otterize-network-mapper | grep -c 'system:serviceaccount:wrong-token:default is not among')" -eq 1 ]
  [ "$(in_install logs deployment/otterize-network-mapper | grep -c 'the token is not valid for audience network-mapper')" -eq 1 ]
  in_namespace logs stranger | grep collector-service-accounts
  in_namespace logs misled | grep token-audience
  in_namespace delete pod stranger misled --now

  in_install patch clusterrole otterize-network-mapper --type json \
    -p '[{"op": "test", "path": "/rules/5/resources/0", "value": "tokenreviews"}, {"op": "remove", "path": "/rules/5"}]'
  in_install rollout restart daemonset/otterize-network-sniffer
  in_install rollout status daemonset/otterize-network-sniffer --timeout=60s
  newcomer
  wait_until 30 mapper_lacks 'create.*tokenreviews'
  [ "$(in_install logs deployment/otterize-network-mapper | grep -c 'tokens cannot be checked')" -eq 1 ]
  [ "$(edges wrong-token | grep -c newcomer)" -eq 0 ]
  helm upgrade network-mapper charts/network-mapper --reuse-values --wait --timeout 5m
  wait_until 60 mapper_lacks_nothing
}
# The strangers' own calls are calls like any other.
expect_wrong-token() {
  printf '%s\n' "newcomer -> server" "stranger -> otterize-network-mapper.otterize-system" "misled -> otterize-network-mapper.otterize-system"
}

# The command line as kubectl's plugin, with kubectl's own flags and completion.
manifest_kubectl-plugin() { manifest_node-drain; }
act_kubectl-plugin() {
  local context answer
  wait_until 60 has_edge kubectl-plugin "client -> server"
  mkdir -p "$output/plugin"
  ln -sf "$(realpath "$bin")/network-mapper" "$output/plugin/kubectl-network_mapper"
  ln -sf "$(realpath "$bin")/network-mapper" "$output/plugin/kubectl_complete-network_mapper"
  context="$("$cluster" run kubectl config current-context)"
  plugin plugin list | grep -x '.*/plugin/kubectl-network_mapper'
  plugin network-mapper list --context "$context" --namespace kubectl-plugin | grep -v '(attempted only)$' | diff - <(printf '%s\n' \
    'client in namespace kubectl-plugin calls:' '  - server in namespace kubectl-plugin')
  plugin network-mapper list --help | grep -x '  kubectl network-mapper list \[flags\]'
  [ "$(plugin __complete network-mapper li 2> /dev/null | head -n 1)" = list ]
  ! answer="$(plugin network-mapper list --context no-such-context 2>&1)"
  grep no-such-context <<< "$answer"
}
plugin() {
  # shellcheck disable=SC2016 # expanded inside
  "$cluster" run sh -c 'PATH="$PWD/$0:$PATH" exec kubectl "$@"' "$output/plugin" "$@"
}
expect_kubectl-plugin() { echo "client -> server"; }

# The command line takes the way to the mapper that its user's rights allow, and names what is missing where none does.
manifest_one-right() {
  manifest_node-drain
  printf -- '---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: %s}\n' proxy forward lister nobody
}
act_one-right() {
  local user answer
  in_install delete role,rolebinding --ignore-not-found proxy forward lister
  grant proxy create services/proxy
  grant forward list,get,create pods,pods/portforward
  grant lister list pods
  wait_until 60 has_edge one-right "client -> server"
  for user in proxy forward; do
    list_as "$user" | grep -v '(attempted only)$' | diff - <(printf '%s\n' 'client in namespace one-right calls:' '  - server in namespace one-right')
  done
  for user in lister nobody; do
    ! answer="$(list_as "$user" 2>&1)"
    grep "right to create services/proxy; .* rights to list pods and to get and create pods/portforward" <<< "$answer"
    grep "cannot create resource .services/proxy.* in the namespace .otterize-system" <<< "$answer"
  done
  in_install delete role,rolebinding proxy forward lister
}
# grant NAME VERBS RESOURCES: in the mapper's namespace, to the scenario's ServiceAccount of this name.
grant() {
  in_install create role "$1" "--verb=$2" "--resource=$3"
  in_install create rolebinding "$1" "--role=$1" "--serviceaccount=one-right:$1"
}
list_as() {
  command_as "$1" list -n one-right
}
# command_as SERVICEACCOUNT ARGUMENT...: with the administrator's cluster and this ServiceAccount's token.
command_as() {
  local config="$output/$1.kubeconfig"
  "$cluster" run kubectl config view --raw --minify -o json |
    jq --arg token "$(in_namespace create token "$1")" '.users[0].user = {token: $token}' > "$config"
  command_line "${@:2}" --kubeconfig "$config"
}
expect_one-right() { echo "client -> server"; }

# What the command line exports is what ClientIntents are: the API server takes the whole map, by their schema and nothing beyond it,
# and gives it back as it was. Last of all, since the map then holds all that scenarios did.
manifest_client-intents() { manifest_node-drain; }
act_client-intents() {
  local crd=tests/cluster/config/client-intents.yaml refused name
  wait_until 60 has_edge client-intents "client -> server"
  "$cluster" run kubectl apply -f "$crd"
  "$cluster" run kubectl wait --for=condition=Established crd/clientintents.k8s.otterize.com --timeout=30s
  intents_are_accepted
  intents_are_accepted --as-kubernetes-service
  for name in kafka istio; do
    [[ " ${selected[*]} " != *" $name "* ]] || grep -A20 "namespace: $name" "$output/intents.yaml" | grep -E '^ +(topics|http):'
  done
  # It would say so if it did not.
  for refused in '{path: /, methods: [HEAD]}' '{path: /}' '{path: /, methods: [GET], query: all}'; do
    ! client_intents "$refused" | apply_intents || { echo "taken: $refused" >&2; return 1; }
  done
  client_intents '{path: /, methods: []}' | apply_intents
  "$cluster" run kubectl delete -f "$crd" --timeout=60s
}
expect_client-intents() { echo "client -> server"; }

# intents_are_accepted [EXPORT'S OPTION...]: by name and namespace, what was sent is what is there.
intents_are_accepted() {
  command_line export --quiet "$@" > "$output/intents.yaml"
  command_line export --quiet --format json "$@" > "$output/intents.json"
  "$cluster" run kubectl delete clientintents --all --all-namespaces
  apply_intents < "$output/intents.yaml"
  "$cluster" run kubectl get clientintents --all-namespaces -o json | jq '.items' | intents_only > "$output/intents.taken"
  intents_only < "$output/intents.json" | diff - "$output/intents.taken"
}
intents_only() {
  jq -S 'map({name: .metadata.name, namespace: .metadata.namespace, spec}) | sort_by(.namespace, .name)[]'
}
apply_intents() {
  "$cluster" run kubectl apply --server-side --validate=strict -f -
}
client_intents() {
  cat << END
{apiVersion: k8s.otterize.com/v2beta1, kind: ClientIntents, metadata: {name: other, namespace: client-intents}, spec: {workload: {name: other},
  targets: [{kubernetes: {name: server, http: [$1]}}]}}
END
}

# On a volume the map outlives the mapper: an edge whose client is gone is still there after the mapper was killed and replaced.
manifest_map-survives() { server; }
act_map-survives() {
  map_on_volume
  job last --call server:80 --calls 3 --linger-ms 2000 --every-ms 0 | apply
  wait_until 60 has_edge map-survives "last -> server"
  in_namespace wait --for=condition=Complete job/last --timeout=60s
  in_namespace delete job last --wait
  # As a machine that fails does it.
  "$cluster" run-on "$(mapper_node)" sh -c 'kill -KILL $(pgrep -xf /usr/bin/network-mapper-mapper)'
  in_install delete pod -l app=otterize-network-mapper --grace-period=0 --force
  in_install rollout status deployment/otterize-network-mapper --timeout=60s
  [ "$(in_install get pod -l app=otterize-network-mapper -o 'jsonpath={.items[0].status.containerStatuses[0].restartCount}')" -eq 0 ]
  wait_until 30 has_edge map-survives "last -> server"
}
# map_on_volume [HELM'S OPTION...]: an upgrade that also puts the map on a volume. A folder that both nodes have stands for one, since
# nothing in this cluster makes one. In a cluster that was kept it may be an earlier installation's.
map_on_volume() {
  in_install get persistentvolumeclaim otterize-network-mapper ||
    "$cluster" run sh -c 'kubectl delete persistentvolume map --ignore-not-found && rm -rf /run/cluster/map'
  "$cluster" run sh -c 'mkdir -p /run/cluster/map && chmod 777 /run/cluster/map'
  "$cluster" run kubectl apply -f - << END
{apiVersion: v1, kind: PersistentVolume, metadata: {name: map}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce],
  storageClassName: "", hostPath: {path: /run/cluster/map}}}
END
  helm upgrade network-mapper charts/network-mapper --set mapper.store.persistence.enabled=true \
    --set mapper.store.persistence.storageClassName=- "$@" --wait --timeout 5m
}
expect_map-survives() { echo "last -> server"; }

# Nobody changes the map without a token for it; who may reset is who may create one. docs/regressions.md P16
manifest_reset-right() { server; }
act_reset-right() {
  local answer
  deployment before --call server:80 | apply
  wait_until 120 has_edge reset-right "before -> server"
  [ "$(reset_with "")" = 401 ]
  [ "$(reset_with nonsense)" = 401 ]
  [ "$(reset_with "$(in_namespace create token default)")" = 401 ]
  [ "$(reset_with "$(in_namespace create token default --audience network-mapper)")" = 403 ]
  [ "$(reset_with "$(in_install create token otterize-network-sniffer --audience network-mapper)")" = 403 ]
  in_namespace create serviceaccount person
  in_install create role reset-proxy --verb=create --resource=services/proxy
  in_install create rolebinding reset-proxy --role=reset-proxy --serviceaccount=reset-right:person
  ! answer="$(command_as person reset 2>&1)"
  grep "right to create serviceaccounts/token" <<< "$answer"
  has_edge reset-right "before -> server"
  [ "$(mapper_metric 'network_mapper_api_mutation_refusals_total{reason="bad_token"}')" -ge 3 ]

  in_namespace delete deployment before --cascade=foreground --wait
  sleep 5
  in_install create role reset-map --verb=create --resource=serviceaccounts/token --resource-name=otterize-network-mapper-admin
  in_install create rolebinding reset-map --role=reset-map --serviceaccount=reset-right:person
  command_as person reset
  [ -z "$(edges reset-right)" ]
  in_install delete role,rolebinding reset-map reset-proxy
  newcomer
}
# The status of a reset with this token, past the API server.
reset_with() {
  "$cluster" run curl -s --max-time 10 -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' -H "Authorization: Bearer $1" \
    --data '{"query": "mutation { resetCapture }"}' \
    "http://$(in_install get service otterize-network-mapper -o 'jsonpath={.spec.clusterIP}'):9090/query"
}
expect_reset-right() { echo "newcomer -> server"; }
