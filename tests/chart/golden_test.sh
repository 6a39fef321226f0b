#!/usr/bin/env bash
# What the chart renders for each file in values/ is what golden/ holds. UPDATE_GOLDEN=1 writes golden/ anew; read the diff then.
# docs/regressions.md P13, P14, P15, P16: least privileges, no cloud, ports, TLS are all in these files.
set -euo pipefail
source "$(dirname "$0")/support.sh"

# Certificates differ each time.
without_certificates() {
  sed -E -e 's/^(  (ca\.crt|tls\.crt|tls\.key): )[A-Za-z0-9+\/=]{200,}$/\1.../' \
    -e '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/c\    ...'
}

"$helm" lint --quiet --strict "$chart" || fail "helm lint found something"
for name in "${cases[@]}"; do
  golden="tests/chart/golden/$name.yaml"
  rendered="$(render_case "$name" | without_certificates)"
  if [ -n "${UPDATE_GOLDEN:-}" ]; then
    echo "$rendered" > "$golden"
  else
    diff -u "$golden" <(echo "$rendered") || fail "$golden is not what the chart renders"
  fi
done
finish "The chart renders to its golden files."
