# Sourced by the chart's tests: $helm, render, fail. Without Go, which builds Helm, a test is skipped.
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v go > /dev/null || { echo "skipped: Go is missing"; exit 77; }
helm="$(scripts/get-helm)"
chart=charts/network-mapper
cases=(default everything kafka aws no-tls original own-secret postgres)

# Failures are collected, so that one run shows all of them.
failures=0
fail() {
  echo "$*" >&2
  failures=$((failures + 1))
}

finish() {
  [ "$failures" -eq 0 ] || exit 1
  echo "$1"
}

# render ARGUMENTS...: the chart as `helm install` would apply it.
render() {
  "$helm" template network-mapper "$chart" --namespace otterize-system "$@"
}

render_case() {
  render -f "tests/chart/values/$1.yaml"
}
