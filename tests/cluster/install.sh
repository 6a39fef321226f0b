# shellcheck shell=bash disable=SC2154 # "cluster", "output" and "helm_program" are the caller's
# How scripts/cluster-test installs the network mapper and takes it away, by Helm and the chart, as a user does; and what is
# asked of it while it runs.

install_namespace=otterize-system

helm() {
  "$cluster" run "$helm_program" -n "$install_namespace" "$@"
}

in_install() {
  "$cluster" run kubectl -n "$install_namespace" "$@"
}

install_network_mapper() {
  # In a cluster that was kept, the images are other ones under the same names.
  helm uninstall network-mapper --ignore-not-found --wait > /dev/null 2>&1
  cluster_wide > "$output/cluster-wide.before"
  helm install network-mapper charts/network-mapper --create-namespace --wait --timeout 5m > "$output/helm-install"
}

# What is outside namespaces. Namespaces, volumes and the addresses of services are the scenarios' own.
cluster_wide() {
  local kinds
  kinds="$("$cluster" run kubectl api-resources --namespaced=false --verbs=list -o name |
    grep -vE '^(namespaces|persistentvolumes|ipaddresses\.|componentstatuses)' | paste -sd,)"
  "$cluster" run kubectl get "$kinds" -o name | sort
}

# What is in the namespace of the network mapper, but for what Kubernetes puts into each.
in_namespace_left() {
  local kinds
  kinds="$("$cluster" run kubectl api-resources --namespaced --verbs=list -o name | grep -vE '^(events|endpoints$)' | paste -sd,)"
  in_install get "$kinds" -o name | grep -vxE 'configmap/kube-root-ca.crt|serviceaccount/default' || true
}

nothing_is_left() {
  [ -z "$(in_namespace_left)" ] && [ "$(cluster_wide)" = "$(cat "$output/cluster-wide.before")" ]
}

uninstall_network_mapper() {
  # What is looked for must be found while it is there. Helm keeps the last ten.
  in_namespace_left | grep -xE 'secret/sh\.helm\.release\.v1\.network-mapper\.v[0-9]+' > /dev/null || fail "Helm's own record of the release is not found"
  cluster_wide | grep -x clusterrole.rbac.authorization.k8s.io/otterize-network-mapper > /dev/null || fail "the mapper's ClusterRole is not found"
  helm uninstall network-mapper --wait --timeout 5m > /dev/null
  wait_until 60 nothing_is_left || fail "helm uninstall leaves behind: $(in_namespace_left | paste -sd' ')" \
    "$(comm -13 "$output/cluster-wide.before" <(cluster_wide) | paste -sd' ')"
}

# What a ServiceAccount may do beyond what each may, one "resource verb" a line.
rights_of() {
  comm -23 <(may "$1") <(may default)
}

may() {
  in_install auth can-i --list --no-headers "--as=system:serviceaccount:$install_namespace:$1" | awk '
    match($0, /\[[^][]*\]$/) {
      resource = $1; sub(/\..*/, "", resource)
      split(substr($0, RSTART + 1, RLENGTH - 2), verbs, " ")
      for (i in verbs) print resource, verbs[i]
    }' | sort
}

# The rows of docs/security.md whose first column is nothing but names of resources: those without a condition.
documented_rights() {
  awk -F'|' '
    $2 ~ /^ `[a-z]+`(, `[a-z]+`)* $/ && $3 ~ /^ [a-z]+(, [a-z]+)* $/ {
      gsub(/[` ]/, "", $2); gsub(/ /, "", $3)
      r = split($2, resources, ","); v = split($3, verbs, ",")
      for (i = 1; i <= r; i++) for (j = 1; j <= v; j++) print resources[i], verbs[j]
    }' docs/security.md | sort
}

# docs/regressions.md P13
check_rights() {
  local rights
  rights="$(rights_of otterize-network-mapper)"
  diff <(documented_rights) <(echo "$rights") || fail "the mapper's rights (right) are not those of docs/security.md (left)"
  rights="$(rights_of otterize-network-sniffer)"
  [ -z "$rights" ] || fail "the sniffer has rights, against docs/security.md: $rights"
}

# The node that the mapper is on.
mapper_node() {
  in_install get pods -l app=otterize-network-mapper -o 'jsonpath={.items[0].spec.nodeName}'
}

# proc NODE PROGRAM FILE: what the kernel says about a container.
proc() {
  # shellcheck disable=SC2016 # expanded inside
  "$cluster" run-on "$1" sh -c 'cat "/proc/$(pgrep -xf "/usr/bin/$1" | head -n 1)/$2"' - "$2" "$3"
}

# process_status NODE PROGRAM NAME: one value of its state, such as CapEff.
process_status() {
  proc "$1" "$2" status | sed -n "s/^$3:[[:space:]]*//p"
}

# processor_ticks NODE PROGRAM: of user and system, since the process started.
processor_ticks() {
  proc "$1" "$2" stat | sed 's/.*) //' | awk '{ print $12 + $13 }'
}

# That the pods run as docs/security.md says, by the kernel's word. Capabilities are a mask: 13 is NET_RAW, 19 SYS_PTRACE.
check_confinement() {
  local node
  node="$(mapper_node)"
  check_confined "$node" network-mapper-mapper
  [ "$(process_status "$node" network-mapper-mapper CapBnd)" = 0000000000000000 ] || fail "the mapper has capabilities"
  [ "$(process_status "$node" network-mapper-mapper Uid | cut -f1)" = 65532 ] || fail "the mapper does not run as its own user"
  for node in $("$cluster" nodes); do
    check_confined "$node" network-mapper-sniffer
    [ "$(process_status "$node" network-mapper-sniffer Seccomp_filters)" = 2 ] || fail "the sniffer has no filter of its own"
    [ "$(process_status "$node" network-mapper-sniffer CapEff)" = 0000000000082000 ] || fail "the sniffer's capabilities are others"
    [ "$(process_status "$node" network-mapper-sniffer CapBnd)" = 0000000000082000 ] || fail "the sniffer may get further capabilities"
  done
}

check_confined() {
  [ "$(process_status "$1" "$2" NoNewPrivs)" = 1 ] || fail "$2 may gain privileges"
  [ "$(process_status "$1" "$2" Seccomp)" = 2 ] || fail "$2 runs without a seccomp filter"
  proc "$1" "$2" mounts | grep -E '^[^ ]+ / [^ ]+ ro[, ]' > /dev/null || fail "$2 can write to its root"
}

# That the sniffer of each node reports, and the Kafka watcher if there is one, by a token that is bound to its node.
check_collectors() {
  wait_until 30 are_connected || fail "not all sniffers are connected"
}

are_connected() {
  local node
  for node in $("$cluster" nodes); do
    [ "$(sniffer_metric "$node" network_mapper_report_client_connected)" = 1 ] || return 1
  done
  [ "$(mapper_streams)" -eq "$(($("$cluster" nodes | wc -l) + $(in_install get pods -l app=otterize-kafka-watcher -o name | wc -l)))" ]
}

# Of all mappers.
mapper_streams() {
  local address
  for address in $(in_install get pods -l app=otterize-network-mapper -o 'jsonpath={.items[*].status.podIP}'); do
    "$cluster" run busybox wget -qO- "http://$address:2112/metrics" | value_of network_mapper_report_server_streams
  done | awk '{ sum += $1 } END { print sum + 0 }'
}

# What the mapper that runs has listed, by the API server's own record: how often, and what.
mapper_lists() {
  local since
  since="$(in_install get pods -l app=otterize-network-mapper -o 'jsonpath={.items[0].status.containerStatuses[0].state.running.startedAt}')"
  # Whole seconds; without the Z they sort before their fractions.
  "$cluster" run cat /run/cluster/log/audit.log |
    jq -r --arg since "${since%Z}" 'select(.verb == "list" and (.user.username | endswith(":otterize-network-mapper")) and .requestReceivedTimestamp >= $since) | .requestURI' | sort | uniq -c
}

mapper_says() {
  in_install get --raw "/api/v1/namespaces/$install_namespace/services/otterize-network-mapper:$1/proxy/$2"
}

mapper_metric() {
  mapper_says metrics metrics | value_of "$1"
}

# sniffer_metric NODE NAME: the sniffer is on the node's network.
sniffer_metric() {
  "$cluster" run-on "$1" busybox wget -qO- http://127.0.0.1:2112/metrics | value_of "$2"
}

# count_of COLLECTOR CLIENT SERVER: how often by the map's evidence a client of the scenario's namespace called.
count_of() {
  ask_map '{ client { name } server { name } evidence { collector count } }' | jq -r --arg collector "$1" --arg client "$2" --arg server "$3" '[.data.intents[] | select(.client.name == $client and .server.name == $server)
    | .evidence[] | select(.collector == $collector) | .count] | add // 0'
}

# ask_map FIELDS: these fields of the intents of the scenario's clients, as the mapper answers.
ask_map() {
  "$cluster" run busybox wget -qO- --header='Content-Type: application/json' --post-data \
    "{\"query\": \"{ intents(namespaces: [\\\"$scenario\\\"]) $1 }\"}" \
    "http://$(in_install get service otterize-network-mapper -o 'jsonpath={.spec.clusterIP}'):9090/query"
}

value_of() {
  awk -v name="$1" '$1 == name { print $2 }'
}
