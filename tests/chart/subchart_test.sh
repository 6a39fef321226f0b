#!/usr/bin/env bash
# The chart as a dependency of another: foreign values under global pass, its own are checked, and the parent can switch it off.
set -euo pipefail
source "$(dirname "$0")/support.sh"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/parent/charts" "$work/parent/templates"
cp -r "$chart" "$work/parent/charts/network-mapper"
cat > "$work/parent/Chart.yaml" << 'END'
apiVersion: v2
name: parent
version: 1.0.0
dependencies:
  - name: network-mapper
    version: ">=0.0.0"
    condition: network-mapper.enabled
END
cat > "$work/parent/values.yaml" << 'END'
network-mapper:
  enabled: true
  debug: true
global:
  storageClass: fast
  deployment: {replicas: 3}
  azure: {region: west}
  ingress: {hosts: [a, b]}
  imageRegistry: registry.example.com/team
  imagePullSecrets: [{name: team-registry}]
END

parent() {
  "$helm" template release "$work/parent" --namespace otterize-system "$@"
}

rendered="$(parent)" || fail "a parent's own values are refused"
for expected in "image: registry.example.com/team/network-mapper:" "name: team-registry" "name: otterize-network-mapper"; do
  grep -qF -- "$expected" <<< "$rendered" || fail "not rendered: $expected"
done
[ -z "$(parent --set network-mapper.enabled=false)" ] || fail "the parent's condition does not switch it off"
! parent --set global.openshift=sometimes > /dev/null 2>&1 || fail "a wrong value of its own under global is not refused"
! parent --set global.openShift=true > /dev/null 2>&1 || fail "a misspelt key of its own under global is not refused"
! parent --set network-mapper.snifer.enable=false > /dev/null 2>&1 || fail "a misspelt key of its own is not refused"
finish "The chart works as a dependency."
