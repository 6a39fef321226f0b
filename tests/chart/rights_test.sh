#!/usr/bin/env bash
# The rights of mapper, Kafka watcher and AWS visibility are those their code needs, and nobody has more. docs/regressions.md P13
set -euo pipefail
source "$(dirname "$0")/support.sh"

# Rules as lines "group/resource verb", from manifests with flow-style lists as the chart writes them.
rules_of() {
  awk '
    /^kind: / { kind = $2 }
    kind ~ /Role$/ && /- apiGroups: / { groups = $0; sub(/.*\[/, "", groups); sub(/\].*/, "", groups); gsub(/"/, "", groups) }
    kind ~ /Role$/ && /  resources: / { resources = $0; sub(/.*\[/, "", resources); sub(/\].*/, "", resources); gsub(/["]/, "", resources) }
    kind ~ /Role$/ && /  verbs: / {
      verbs = $0; sub(/.*\[/, "", verbs); sub(/\].*/, "", verbs)
      r = split(resources, resource, /, */); v = split(verbs, verb, /, */)
      for (i = 1; i <= r; i++) for (j = 1; j <= v; j++) print groups "/" resource[i] " " verb[j]
    }' | sort
}

# The paths that the inventory lists and watches, such as "/apis/apps/v1/deployments".
watched="$(grep -oE '"/(api|apis)/[a-z0-9./]+"' mapper/inventory/inventory_feed.cc | tr -d '"' |
  sed -E -e 's#^/api/v1/#/#' -e 's#^/apis/([^/]+)/[^/]+/#\1/#' | sort)"
[ "$(wc -l <<< "$watched")" -ge 10 ] || fail "the watched resources are no longer found in inventory_feed.cc"
granted="$(render_case default | rules_of)"
for verb in list watch; do
  diff <(echo "$watched") <(grep " $verb\$" <<< "$granted" | cut -d' ' -f1) ||
    fail "may $verb (right) is not what inventory_feed.cc watches (left)"
done
# Owners are fetched by name, of workloads only.
unexpected="$(grep -vE ' (list|watch)$|^authentication.k8s.io/tokenreviews create$' <<< "$granted" |
  grep -vE '^(apps/(deployments|replicasets|statefulsets|daemonsets)|batch/(jobs|cronjobs)|/replicationcontrollers) get$' || true)"
[ -z "$unexpected" ] || fail "not explained by the mapper's code: $unexpected"

for name in "${cases[@]}"; do
  rules="$(render_case "$name" | rules_of)"
  [ -n "$rules" ] || fail "$name: no rule found"
  # A TokenReview is a question, not an object.
  # Nor are a Kafka broker's log, and the ConfigMap that is the watcher's own.
  # The Lease of several mappers is written by its name, see below.
  # Programs are run in pods only where that was asked for.
  exec_in_pods=
  ! grep -qx 'istioExecFallback: true' "tests/chart/values/$name.yaml" || exec_in_pods='|/pods/exec (create|get)'
  watcher=()
  ! render_case "$name" | grep -q 'name: otterize-kafka-watcher$' || watcher=(otterize-kafka-watcher)
  # AWS visibility: what it writes has a name, but for the ConfigMap that it makes in pods' namespaces; see below.
  aws=()
  ! render_case "$name" | grep -q 'name: otterize-aws-visibility-proxy$' || aws=(otterize-aws-visibility-proxy otterize-aws-visibility-webhook)
  aws_rules="${aws:+|/secrets (get|update)|/configmaps (create|update|delete)|admissionregistration.k8s.io/mutatingwebhookconfigurations update}"
  ! grep -vxE "authentication.k8s.io/tokenreviews create|coordination.k8s.io/leases update${watcher:+|/pods/log get|/configmaps update}$exec_in_pods$aws_rules" <<< "$rules" |
    grep -E '\*|secrets|pods/| (create|update|patch|delete|deletecollection|impersonate|escalate|bind)$' ||
    fail "$name: a right that nothing here needs"
  diff <(printf '%s\n' "${aws[@]}" "${watcher[@]}" otterize-network-mapper | sed '/^$/d') <(render_case "$name" | awk 'BEGIN { RS = "---\n" } /kind: (Cluster)?RoleBinding/ && !/scc-role/ && /kind: ServiceAccount/ {
    while (match($0, /kind: ServiceAccount\n *name: [a-z-]+/)) { print substr($0, RSTART, RLENGTH); $0 = substr($0, RSTART + RLENGTH) }
  }' | sed -n 's/.*name: //p' | sort -u) || fail "$name: somebody else has rights in the cluster"
done

# By WebSocket that is a get, and from 1.35 on a create, too.
diff <(printf '/pods/exec %s\n' create get) <(render --set istioExecFallback=true | rules_of | grep exec) || fail "istioExecFallback grants something else"
render --set istioExecFallback=true | grep -A 1 'OTTERIZE_ISTIO_EXEC_FALLBACK$' | grep -q '"true"' || fail "istioExecFallback is granted, and not used"

# Who asks for no token needs no right to have one checked.
for name in no-tls own-secret; do
  ! render_case "$name" | grep -qE 'tokenreviews|serviceAccountToken:|COLLECTOR_SERVICE_ACCOUNTS' || fail "$name: tokens are off, but not everywhere"
done

# The Kafka watcher may change its own ConfigMap only, and read logs where its brokers are.
render_case kafka | grep -A 1 'resources: \[configmaps\]' | grep -q 'resourceNames: \[otterize-kafka-watcher-state\]' ||
  fail "the Kafka watcher may change any ConfigMap"
! render_case kafka | grep -A 1 '^kind: ClusterRole' | grep -q 'name: otterize-kafka-watcher$' ||
  fail "with kafkaNamespaces the Kafka watcher has rights in all namespaces"
render_case original | grep -A 1 'resources: \[pods/log\]' | grep -q 'resourceNames: \["kafka-0"\]' ||
  fail "with kafkaServers the Kafka watcher may read other logs"
# Before it reads on after an interruption, it asks whether the pod is still the same one: a log is known by the pod's name only.
grep -q 'client.Get(pod_path_' kafka-watcher/log/pod_log_reader.cc || fail "what pod_log_reader.cc asks for is no longer found"
for name in kafka original everything; do
  render_case "$name" | awk '
    /^kind: / { pods = 0 }
    /resources: \[pods\]/ { getline; pods = /get, list, watch/ }
    /resources: \[pods\/log\]/ { logs++; wrong += !pods }
    END { exit !logs || wrong }' || fail "$name: the Kafka watcher may not get the pods whose logs it reads"
done

# What AWS visibility may read and change is bound to names, but for making a ConfigMap, and lists.
render_case aws | awk '
  /^kind: / { kind = $2 }
  kind ~ /Role$/ && /  resources: / { resources = $0; named = 0 }
  /resourceNames: / { named = 1 }
  kind ~ /Role$/ && /  verbs: / && resources ~ /secrets|configmaps|mutatingwebhook|services\]/ && !named && !/verbs: \[(create|list, watch)\]/ { print resources $0; wrong = 1 }
  END { exit wrong }' || fail "aws: a right that is not bound to a name"

# docs/security.md lists them, with the reason.
while read -r resource verb; do
  grep -qE "^\| .*\`${resource#*/}\`.*\| .*$verb" docs/security.md || fail "docs/security.md does not say why the mapper may $verb ${resource#*/}"
done <<< "$(sort -u <(echo "$granted") <(render_case postgres | rules_of) <(render --set istioExecFallback=true | rules_of))"
finish "Rights match the code."
