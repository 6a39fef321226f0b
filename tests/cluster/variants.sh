# shellcheck shell=bash disable=SC2154 # "cluster", "output" and "failures" are the caller's
# Other ways to install than the chart's defaults. After each the sniffers must be connected to the mapper and an edge on the map,
# and nothing may stay behind. A variant has up to five functions: values_NAME prints arguments of Helm, one a line; given_NAME
# prints what is in the namespace already; meanwhile_NAME runs beside the installation; check_NAME looks at what is special;
# end_NAME ends what given_NAME started, whether the variant works or not.

# shellcheck disable=SC2034 # for scripts/cluster-test
VARIANTS=(own-secret no-tls cert-manager disruption-budget network-policy service-monitor pod-monitor original-values plain-manifests postgres)

# certificate: tls.crt, tls.key and ca.crt in a folder of the variant, which it prints.
certificate() {
  local folder="$output/certificate-$variant"
  mkdir -p "$folder"
  cp deploy/make-certificate "$folder/"
  "$folder/make-certificate" > /dev/null
  echo "$folder/tls"
}

# tls_secret NAME FOLDER
tls_secret() {
  in_install create secret generic "$1" --type kubernetes.io/tls --dry-run=client -o yaml \
    "--from-file=tls.crt=$2/tls.crt" "--from-file=tls.key=$2/tls.key" "--from-file=ca.crt=$2/ca.crt"
}

# Whether the report stream shows the certificate of this file.
serves() {
  local address
  address="$(in_install get service otterize-network-mapper -o 'jsonpath={.spec.clusterIP}')"
  "$cluster" run openssl s_client -alpn h2 -connect "$address:9091" < /dev/null 2> /dev/null | openssl x509 -outform der |
    cmp -s - <(openssl x509 -in "$1" -outform der)
}

field() {
  in_install get "$1" -o "jsonpath={$2}"
}

given_own-secret() {
  local folder
  folder="$(certificate)"
  tls_secret team-certificate "$folder"
  echo "---"
  in_install create configmap team-authority --dry-run=client -o yaml "--from-file=$folder/ca.crt"
}
values_own-secret() {
  printf '%s\n' --set tls.source=secret --set tls.secretName=team-certificate --set tls.caConfigMapName=team-authority
}
check_own-secret() { serves "$output/certificate-own-secret/tls/tls.crt"; }

values_no-tls() { printf '%s\n' --set tls.enabled=false; }
check_no-tls() { [ -z "$(in_install get secret,configmap -o name | grep otterize)" ]; }

# In the place of cert-manager: makes the Secret that the Certificate asks for. Pods wait for it.
given_cert-manager() {
  printf 'apiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: {name: team-issuer}\nspec: {selfSigned: {}}\n'
}
values_cert-manager() { printf '%s\n' --set tls.source=certManager --set tls.certManager.issuerRef.name=team-issuer; }
meanwhile_cert-manager() {
  local folder name
  wait_until 60 in_install get certificate.cert-manager.io/otterize-network-mapper
  in_install get issuer.cert-manager.io "$(field certificate.cert-manager.io/otterize-network-mapper .spec.issuerRef.name)"
  folder="$(certificate)"
  for name in $(field certificate.cert-manager.io/otterize-network-mapper '.spec.dnsNames[*]'); do
    openssl verify -CAfile "$folder/ca.crt" -verify_hostname "$name" "$folder/tls.crt"
  done
  tls_secret "$(field certificate.cert-manager.io/otterize-network-mapper .spec.secretName)" "$folder" | in_install apply -f -
}
check_cert-manager() {
  serves "$output/certificate-cert-manager/tls/tls.crt"
  # As with cert-manager it stays when the Certificate goes.
  in_install delete secret otterize-network-mapper-tls
}

# With minAvailable 1 the only mapper may not be evicted.
values_disruption-budget() {
  printf '%s\n' --set mapper.podDisruptionBudget.enabled=true --set mapper.podDisruptionBudget.minAvailable=1
}
check_disruption-budget() {
  local answer node
  node="$(mapper_node)"
  wait_until 30 eval '[ "$(field pdb/otterize-network-mapper .status.currentHealthy)" = 1 ]'
  ! answer="$("$cluster" run kubectl drain "$node" --pod-selector app=otterize-network-mapper --delete-emptydir-data --timeout=3s 2>&1)"
  "$cluster" run kubectl uncordon "$node"
  grep "violate the pod's disruption budget" <<< "$answer"
}

# The bridge plugin of this cluster enforces no policies: that Kubernetes takes it as it was meant is all that is seen here.
values_network-policy() {
  printf '%s\n' --set networkPolicy.enabled=true --set 'networkPolicy.nodeCIDRs={192.168.88.0/24}'
}
check_network-policy() {
  [ "$(field networkpolicy/otterize-network-mapper .spec.podSelector.matchLabels.app)" = otterize-network-mapper ]
  [ "$(field networkpolicy/otterize-network-mapper '.spec.ingress[?(@.ports[0].port==9091)].from[*].ipBlock.cidr')" = 192.168.88.0/24 ]
}

# matching RESOURCE SELECTOR_OF: names of what the selector of a monitor selects.
matching() {
  in_install get "$1" -o name -l "$(in_install get "$2" -o json |
    jq -r '.spec.selector.matchLabels | to_entries | map("\(.key)=\(.value)") | join(",")')"
}

values_service-monitor() { printf '%s\n' --set serviceMonitor.enabled=true; }
check_service-monitor() {
  local part port address addresses
  for part in mapper sniffer; do
    [ "$(matching services "servicemonitor/otterize-network-$part")" = "service/otterize-network-$part" ]
    port="$(field "servicemonitor/otterize-network-$part" '.spec.endpoints[0].port')"
    addresses="$(in_install get endpointslices -l "kubernetes.io/service-name=otterize-network-$part" -o json |
      jq -r --arg port "$port" '.items[] | select(.addressType == "IPv4") |
        .endpoints[].addresses[0] + ":" + (.ports[] | select(.name == $port).port | tostring)')"
    for address in $addresses; do
      "$cluster" run busybox wget -qO- "http://$address/metrics" | grep "^network_mapper_"
    done
  done
  [ "$(wc -l <<< "$addresses")" = "$("$cluster" nodes | wc -l)" ]
}

# The address is made as the PodMonitor says, out of the pod's.
values_pod-monitor() { printf '%s\n' --set podMonitor.enabled=true --set serviceMonitor.enabled=true --set sniffer.metricsPort=2112; }
check_pod-monitor() {
  local pod address rule
  [ "$(in_install get servicemonitors -o name)" = servicemonitor.monitoring.coreos.com/otterize-network-mapper ]
  rule='.spec.podMetricsEndpoints[0].relabelings[0]'
  [ "$(field podmonitor/otterize-network-sniffer "$rule.targetLabel")" = __address__ ]
  [ "$(matching pods podmonitor/otterize-network-sniffer | wc -l)" = "$("$cluster" nodes | wc -l)" ]
  for pod in $(matching pods podmonitor/otterize-network-sniffer); do
    address="$(sed -E "s/^$(field podmonitor/otterize-network-sniffer "$rule.regex")\$/$(
      field podmonitor/otterize-network-sniffer "$rule.replacement" | sed 's/\$/\\/g')/" <<< "$(field "$pod" .status.podIP)")"
    "$cluster" run busybox wget -qO- "http://$address/metrics" | grep "^network_mapper_"
  done
}

# A values file of the original's chart, without the names of its images, and the names of its objects.
# Its Kafka, which is not there, has a namespace.
given_original-values() {
  printf '%s\n' 'apiVersion: v1' 'kind: Namespace' 'metadata: {name: kafka}'
}
values_original-values() {
  printf '%s\n' -f tests/chart/values/original.yaml --set mapper.repository= --set mapper.tag= --set sniffer.repository= --set sniffer.tag= \
    --set kafkawatcher.repository= --set kafkawatcher.tag=
}
check_original-values() {
  in_install get deployment,service,serviceaccount,clusterrole,clusterrolebinding otterize-network-mapper
  in_install get daemonset,serviceaccount otterize-network-sniffer
  in_install get deployment,serviceaccount otterize-kafka-watcher
  [ "$(field service/otterize-network-mapper '.spec.ports[?(@.name=="http")].port')" = 9090 ]
  [ "$(in_install get pods -l app=otterize-network-mapper -o name | wc -l)" = 1 ]
  [ "$(in_install get pods -l app=otterize-network-sniffer -o name | wc -l)" = "$("$cluster" nodes | wc -l)" ]
}

install_plain-manifests() {
  cp -r deploy "$output/"
  "$output/deploy/make-certificate"
  "$cluster" run kubectl apply -k "$output/deploy"
  in_install rollout status deployment/otterize-network-mapper --timeout=60s
  in_install rollout status daemonset/otterize-network-sniffer --timeout=60s
}
uninstall_plain-manifests() {
  "$cluster" run kubectl delete -k "$output/deploy" --wait --timeout=60s
}
check_plain-manifests() { serves "$output/deploy/tls/tls.crt"; }

# Two mappers, and PostgreSQL beside node-1's kubelet, whose certificate is of an authority of its own.
postgres_url="postgresql://mapper:s3cret@192.168.88.10:25432/postgres?sslmode=verify-full"
postgres() {
  local programs
  programs="$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin | sort -V | tail -n 1)"
  "$cluster" run setpriv --reuid=65534 --regid=65534 --clear-groups "$programs/$1" "${@:2}"
}
start_postgres() {
  local folder
  folder="$(mktemp -d /var/tmp/network-mapper-postgres.XXXXXX)"
  echo "$folder" > "$output/postgres-folder"
  echo s3cret > "$folder/password"
  openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj "/CN=postgres" -addext "subjectAltName=IP:192.168.88.10" \
    -keyout "$folder/server.key" -out "$folder/server.crt"
  cp "$folder/server.crt" "$output/postgres-authority.crt"
  chown -R 65534:65534 "$folder"
  postgres initdb -D "$folder/data" -U mapper -A scram-sha-256 --pwfile "$folder/password" --no-sync
  echo "hostssl all all 0.0.0.0/0 scram-sha-256" >> "$folder/data/pg_hba.conf"
  postgres pg_ctl -D "$folder/data" -l "$folder/log" -w start -o "-p 25432 -c listen_addresses=192.168.88.10 -c unix_socket_directories= \
    -c ssl=on -c ssl_cert_file=$folder/server.crt -c ssl_key_file=$folder/server.key"
}
end_postgres() {
  local folder
  folder="$(cat "$output/postgres-folder")"
  postgres pg_ctl -D "$folder/data" -m fast -w stop
  rm -rf "$folder"
}
given_postgres() {
  start_postgres > "$output/postgres.log" 2>&1
  in_install create secret generic map-store --dry-run=client -o yaml --from-literal "url=$postgres_url"
  echo "---"
  in_install create secret generic map-store-authority --dry-run=client -o yaml "--from-file=ca.crt=$output/postgres-authority.crt"
}
values_postgres() {
  printf '%s\n' --set mapper.store.type=postgres --set mapper.store.postgres.secretName=map-store --set mapper.replicas=2 \
    --set mapper.store.postgres.caSecretName=map-store-authority
}
# Whichever mapper a sniffer is connected to, each shows what all report.
knows_everything() {
  local command=("$cluster" run "$(realpath "$bin")/network-mapper" --mapper-url "http://$1:9090")
  "${command[@]}" list --quiet | grep -A1 "^client in namespace variants calls" | grep -- "- server"
  "${command[@]}" status | grep "2 of 2 nodes reporting"
}
check_postgres() {
  local address addresses
  addresses="$(in_install get pods -l app=otterize-network-mapper -o 'jsonpath={.items[*].status.podIP}')"
  [ "$(wc -w <<< "$addresses")" = 2 ]
  for address in $addresses; do
    wait_until 30 knows_everything "$address"
  done
  diff <({ documented_rights; printf '%s\n' "leases get" "leases update"; } | sort) <(rights_of otterize-network-mapper)
  takes_over
  ! in_install logs -l app=otterize-network-mapper --tail=-1 | grep s3cret
}
# The pod that leads, when all agree on it: each has a name in the Lease that begins with its pod's.
leader() {
  local address holder name
  holder="$(field lease/otterize-network-mapper .spec.holderIdentity)"
  name="${holder%_*}"
  [ -n "$name" ] && in_install get pod "$name" > /dev/null || return 1
  for address in $(in_install get pods -l app=otterize-network-mapper -o 'jsonpath={.items[*].status.podIP}'); do
    "$cluster" run busybox wget -qO- "http://$address:9090/readyz" | grep -F "\"leader\":\"ok, $holder leads\"" > /dev/null || return 1
    "$cluster" run busybox wget -qO- "http://$address:2112/metrics" | sed -n 's/^network_mapper_lease_is_leader //p'
  done | paste -sd+ | grep -xE '0\+1|1\+0' > /dev/null || return 1
  echo "$name"
}
has_other_leader() {
  local name
  name="$(leader)" && [ "$name" != "$1" ]
}
# Who is asked to end releases the Lease; who is killed, with its node's power still on, is missed after 15 s.
takes_over() {
  local first second
  wait_until 40 leader
  first="$(leader)"
  in_install delete pod "$first" --wait=false
  wait_until 20 has_other_leader "$first"
  wait_until 60 leader
  second="$(leader)"
  in_install delete pod "$second" --grace-period=0 --force
  wait_until 60 has_other_leader "$second"
}

exists() {
  declare -F "$1" > /dev/null
}

install_variant() {
  local arguments=()
  if exists "install_$variant"; then
    "install_$variant"
    return
  fi
  mapfile -t arguments < <("values_$variant")
  helm install network-mapper charts/network-mapper --create-namespace --wait --timeout 2m "${arguments[@]}"
}

uninstall_variant() {
  if exists "uninstall_$variant"; then
    "uninstall_$variant"
  else
    helm uninstall network-mapper --wait --timeout 2m
  fi
}

make_namespace() {
  "$cluster" run kubectl get namespace "$1" > /dev/null 2>&1 || "$cluster" run kubectl create namespace "$1"
}

play_variant() {
  local meanwhile=""
  make_namespace "$install_namespace"
  cluster_wide > "$output/cluster-wide.before"
  if exists "given_$variant"; then
    "given_$variant" > "$output/given-$variant.yaml"
    in_install apply -f "$output/given-$variant.yaml"
  fi
  if exists "meanwhile_$variant"; then
    "meanwhile_$variant" &
    meanwhile=$!
  fi
  install_variant
  [ -z "$meanwhile" ] || wait "$meanwhile"
  wait_until 30 are_connected || { echo "not all sniffers are connected"; return 1; }
  wait_until 60 has_edge variants "client -> server" || { echo "no edge is on the map"; return 1; }
  ! exists "check_$variant" || "check_$variant"
  uninstall_variant
  [ ! -e "$output/given-$variant.yaml" ] || in_install delete -f "$output/given-$variant.yaml"
  wait_until 60 nothing_is_left || { echo "left behind: $(in_namespace_left) $(comm -13 "$output/cluster-wide.before" <(cluster_wide))"; return 1; }
}

# play_variants NAME...: none may be installed.
play_variants() {
  local variant scenario=variants began works
  [ $# -gt 0 ] || return 0
  helm uninstall network-mapper --ignore-not-found --wait > /dev/null 2>&1
  "$cluster" run kubectl apply -f tests/cluster/config/operators.yaml > /dev/null
  make_namespace variants > /dev/null
  { server; deployment client --call server:80; } | apply > /dev/null
  for variant in "$@"; do
    began=$SECONDS
    # Beside this shell, since a condition would let it go on after a command that failed.
    (set -ex; play_variant) > "$output/variant-$variant.log" 2>&1 &
    wait $! && works=1 || works=""
    ! exists "end_$variant" || "end_$variant" >> "$output/variant-$variant.log" 2>&1 || true
    if [ -n "$works" ]; then
      printf '%-22s works, in %d s\n' "$variant" $((SECONDS - began))
      continue
    fi
    failures=$((failures + 1))
    echo "cluster-test: variant $variant does not work: $(tail -2 "$output/variant-$variant.log")" >&2
    in_install get all,events > "$output/variant-$variant.objects" 2>&1 || true
    (uninstall_variant; "$cluster" run kubectl delete namespace "$install_namespace" --wait) > /dev/null 2>&1 || true
  done
}
