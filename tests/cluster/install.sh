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
  # What is looked for must be found while it is there.
  in_namespace_left | grep -x secret/sh.helm.release.v1.network-mapper.v1 > /dev/null || fail "Helm's own record of the release is not found"
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

# One value of a container's state as the kernel has it, such as CapEff.
process_status() {
  # shellcheck disable=SC2016 # expanded inside
  "$cluster" run sh -c 'sed -n "s/^$2:[[:space:]]*//p" "/proc/$(pgrep -xf "/usr/bin/$1" | head -n 1)/status"' - "$1" "$2"
}

# Of user and system, since the process started.
processor_ticks() {
  # shellcheck disable=SC2016 # expanded inside
  "$cluster" run sh -c 'sed "s/.*) //" "/proc/$(pgrep -xf "/usr/bin/$1" | head -n 1)/stat"' - "$1" | awk '{ print $12 + $13 }'
}

# That the pods run as docs/security.md says, by the kernel's word. Capabilities are a mask: 13 is NET_RAW, 19 SYS_PTRACE.
check_confinement() {
  local program
  for program in network-mapper-mapper network-mapper-sniffer; do
    [ "$(process_status "$program" NoNewPrivs)" = 1 ] || fail "$program may gain privileges"
    [ "$(process_status "$program" Seccomp)" = 2 ] || fail "$program runs without a seccomp filter"
    # shellcheck disable=SC2016 # expanded inside
    "$cluster" run sh -c 'grep -qE "^[^ ]+ / [^ ]+ ro[, ]" "/proc/$(pgrep -xf "/usr/bin/$1" | head -n 1)/mounts"' - "$program" ||
      fail "$program can write to its root"
  done
  [ "$(process_status network-mapper-mapper CapBnd)" = 0000000000000000 ] || fail "the mapper has capabilities"
  [ "$(process_status network-mapper-mapper Uid | cut -f1)" = 65532 ] || fail "the mapper does not run as its own user"
  [ "$(process_status network-mapper-sniffer Seccomp_filters)" = 2 ] || fail "the sniffer has no filter of its own"
  [ "$(process_status network-mapper-sniffer CapEff)" = 0000000000082000 ] || fail "the sniffer's capabilities are others"
  [ "$(process_status network-mapper-sniffer CapBnd)" = 0000000000082000 ] || fail "the sniffer may get further capabilities"
}

# What the mapper that runs has listed, by the API server's own record: how often, and what.
mapper_lists() {
  local since
  since="$(in_install get pods -l app=otterize-network-mapper -o 'jsonpath={.items[0].status.containerStatuses[0].state.running.startedAt}')"
  # Whole seconds; without the Z they sort before their fractions.
  "$cluster" run cat /run/cluster/log/audit.log |
    jq -r --arg since "${since%Z}" 'select(.verb == "list" and .requestReceivedTimestamp >= $since) | .requestURI' | sort | uniq -c
}

mapper_says() {
  in_install get --raw "/api/v1/namespaces/$install_namespace/services/otterize-network-mapper:$1/proxy/$2"
}

mapper_metric() {
  mapper_says metrics metrics | value_of "$1"
}

# The sniffer is on the node's network.
sniffer_metric() {
  "$cluster" run busybox wget -qO- http://127.0.0.1:2112/metrics | value_of "$1"
}

value_of() {
  awk -v name="$1" '$1 == name { print $2 }'
}
