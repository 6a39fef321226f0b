#!/usr/bin/env bash
# Manifests are ones that Kubernetes understands, fit the Pod Security levels that docs/security.md promises, use options that
# exist, and the certificate in them is good. docs/regressions.md P13, P16
set -euo pipefail
source "$(dirname "$0")/support.sh"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
(cd tests/cluster/tools/helm && go build -o "$work/manifests" ./manifests)

levels='Deployment otterize-network-mapper: restricted
DaemonSet otterize-network-sniffer: privileged, because of host namespaces, hostPath volumes, non-default capabilities'
for name in "${cases[@]}"; do
  render_case "$name" > "$work/$name.yaml"
  actual="$("$work/manifests" < "$work/$name.yaml" | sort -r)" || fail "$name: not valid"
  expected="$levels"
  ! grep -q '^  name: otterize-kafka-watcher$' "$work/$name.yaml" ||
    expected="${levels/$'\n'/$'\n'Deployment otterize-kafka-watcher: restricted$'\n'}"
  ! grep -q '^  name: otterize-aws-visibility-dns$' "$work/$name.yaml" ||
    expected="${levels/$'\n'/$'\n'Deployment otterize-aws-visibility-webhook: restricted$'\n'Deployment otterize-aws-visibility-proxy: restricted$'\n'Deployment otterize-aws-visibility-dns: restricted$'\n'}"
  # A probe of the node's loopback is the price of not serving it to the network.
  [ "$name" != own-secret ] || expected+=", probe or lifecycle host"
  [ "$actual" = "$expected" ] || fail "$name: Pod Security is $actual"

  # docs/options.md is made from the programs' option tables.
  # But for the one that the kubelet makes of a Service.
  for variable in $(grep -oE '\bOTTERIZE_[A-Z0-9_]+' "$work/$name.yaml" | grep -v '_SERVICE_HOST$' | sort -u); do
    grep -q "\`$variable\`" docs/options.md || fail "$name: no program has the option $variable"
  done
done
"$work/manifests" < deploy/network-mapper.yaml > "$work/deploy" || fail "deploy/: not valid"
[ "$(sort -r "$work/deploy")" = "$levels" ] || fail "deploy/: Pod Security differs"
scripts/render-manifests --check || fail "deploy/ is not what the chart renders to"

field() {
  grep -m1 "^  $1: " "$work/default.yaml" | sed 's/.*: //' | base64 -d
}
for part in ca.crt tls.crt tls.key; do
  field "$part" > "$work/$part"
done
for name in otterize-network-mapper otterize-network-mapper.otterize-system otterize-network-mapper.otterize-system.svc; do
  openssl verify -CAfile "$work/ca.crt" -purpose sslserver -verify_hostname "$name" "$work/tls.crt" > /dev/null || fail "certificate: not for $name"
done
[ "$(openssl x509 -in "$work/tls.crt" -noout -pubkey)" = "$(openssl pkey -in "$work/tls.key" -pubout)" ] || fail "certificate: not of the key"
sed -n '/^  ca.crt: |/,/END CERTIFICATE/p' "$work/default.yaml" | sed -e 1d -e 's/^    //' | diff - "$work/ca.crt" ||
  fail "certificate: the sniffers' authority is another"
! grep -q 'ca.key' "$work/default.yaml" || fail "certificate: the authority's key is kept"

version="$(sed -nE 's/^project\(network_mapper VERSION ([0-9.]+).*/\1/p' CMakeLists.txt)"
for stated in "$(sed -n 's/^version: //p' $chart/Chart.yaml)" "$(sed -n 's/^appVersion: //p' $chart/Chart.yaml)" \
  "$(sed -n 's/^ARG VERSION=//p' Dockerfile.mapper)" "$(sed -n 's/^ARG VERSION=//p' Dockerfile.sniffer)" \
  "$(sed -n 's/^ARG VERSION=//p' deploy/Dockerfile.kafka-watcher)" "$(sed -n 's/^ARG VERSION=//p' deploy/Dockerfile.aws-visibility)"; do
  [ "$stated" = "$version" ] || fail "CMakeLists.txt says version $version; chart or Dockerfile says $stated"
done
finish "Manifests are valid."
