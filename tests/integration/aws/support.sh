# shellcheck shell=bash
# For the tests with AWS' own clients: a cluster in which a moto server is AWS, certified for AWS' names by an authority of the test, and the
# cluster's DNS leads all of amazonaws.com to it; the proxy; the two CoreDNS of the chart. Source it after ../support.sh, then:
#
#   aws_test_can_run               exits with 77 when something is missing
#   aws_up                         all that; and pods of namespace shop: plain ($plain), which knows nothing of the proxy, web ($web) and
#                                  pinned ($pinned), whose DNS is ours
#   aws_begin_anew                 empties AWS
#   aws_in POD BUNDLE COMMAND...   a command, with what a pod's environment says of AWS; BUNDLE: roots.pem (AWS') or bundle.pem (and ours)
#   aws_proxy_metric NAME          of the proxy, with its labels as they are written
#   aws_on_map CLIENT [STRENGTH]   "RESOURCE ACTION", sorted, of what the map has of a workload
#   aws_same WHAT WANTED FOUND
#
# No program has a switch for tests here: the proxy finds AWS by its names.

aws_here="$root/tests/integration/aws"
aws_python=/usr/bin/python3
aws_ip=10.88.0.200
aws_region="${AWS_TEST_REGION:-eu-west-1}"

aws_test_can_run() {
  local reason=""
  command -v jq > /dev/null || reason="jq is missing: scripts/install-deps --aws"
  "$aws_here/fetch" --cached > /dev/null 2>&1 || "$aws_python" -m pip --version > /dev/null 2>&1 || reason="pip is missing: scripts/install-deps --aws"
  "$root/tests/cluster/tools/build" --cached coredns > /dev/null 2>&1 || command -v go > /dev/null || reason="Go is missing, to build CoreDNS"
  [ -z "$reason" ] || { echo "skipped: $reason"; exit 77; }
  aws_coredns="$("$root/tests/cluster/tools/build" coredns)/coredns"
  aws_packages="$("$aws_here/fetch")"
}

# The authority that AWS is certified by here, and AWS' certificate. A wildcard stands for one label.
aws_make_certificates() {
  local subjects="DNS:*.amazonaws.com" name
  for name in "$aws_region" queue s3 "s3.$aws_region" "ecr.$aws_region"; do
    subjects+=",DNS:*.$name.amazonaws.com"
  done
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=AWS of the test" \
    -keyout "$CLUSTER_DIR/roots.key" -out "$CLUSTER_DIR/roots.pem"
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=amazonaws.com" -keyout "$CLUSTER_DIR/aws.key" |
    openssl x509 -req -days 2 -CA "$CLUSTER_DIR/roots.pem" -CAkey "$CLUSTER_DIR/roots.key" -CAcreateserial \
      -extfile <(echo "subjectAltName=$subjects") -out "$CLUSTER_DIR/aws.pem"
}

# The CoreDNS of one of the chart's ConfigMaps, as the chart's golden file has them. Arguments: its name, NAME=VALUE ...; sets what pod_up sets.
aws_coredns_up() {
  local name="$1" folder="$CLUSTER_DIR/$1"
  shift
  mkdir "$folder"
  PYTHONPATH="$aws_packages" "$aws_python" -B "$aws_here/config_map.py" "$root/tests/chart/golden/aws.yaml" "otterize-aws-visibility-$name" "$folder"
  # The golden file is for a cluster with another domain.
  sed -i 's/svc\.example\.internal\./svc.cluster.local./g' "$folder"/*
  pod_up otterize-system "aws-$name" -- env "$@" "$aws_coredns" -conf "$folder/Corefile"
}

aws_moto() {
  on_node curl -sS --fail-with-body --max-time 20 --cacert "$CLUSTER_DIR/roots.pem" --connect-to "::$aws_ip:443" -H 'Content-Type: text/plain' \
    -X POST "${@:2}" "https://moto.amazonaws.com/moto-api/$1" > /dev/null
}

aws_begin_anew() {
  aws_moto reset
  # No call is checked against policies.
  aws_moto reset-auth --data inf
  # Made-up values are the same each time.
  aws_moto 'seed?a=7'
  # No containers for functions.
  aws_moto config -H 'Content-Type: application/json' --data '{"lambda": {"use_docker": false}}'
}

aws_up() {
  local own_address="$SERVICE_CIDR_PREFIX.200" names_address="$SERVICE_CIDR_PREFIX.201" dns_address="$SERVICE_CIDR_PREFIX.202"
  CLUSTER_DNS_OPTIONS+=("--address=/amazonaws.com/$aws_ip" "--local=/amazonaws.com/")
  test_up
  aws_make_certificates 2> "$CLUSTER_DIR/log/openssl.log" || fail "openssl: $(< "$CLUSTER_DIR/log/openssl.log")"
  POD_IP_WANTED="$aws_ip" pod_up aws aws -- env PYTHONPATH="$aws_packages" PYTHONDONTWRITEBYTECODE=1 "$aws_python" \
    "$aws_here/moto_ports.py" "$CLUSTER_DIR/aws.pem" "$CLUSTER_DIR/aws.key"
  start_mapper
  mkdir "$CLUSTER_DIR/proxy"
  pod_up otterize-system aws-proxy -- network-mapper-aws-proxy --debug --aws-proxy-port 443 --aws-http-port 80 \
    --aws-ca-file "$CLUSTER_DIR/proxy/ca.json" --aws-ca-certificate-file "$CLUSTER_DIR/proxy/ca.crt" --aws-upstream-roots-file "$CLUSTER_DIR/roots.pem" \
    --aws-own-name otterize-aws-visibility-proxy.otterize-system.svc.cluster.local --aws-report-interval 1s --mapper-address "$POD_GATEWAY:9091" --node-name "$NODE_NAME"
  proxy="$POD_NAME"
  SERVICE_IP="$own_address" service_up otterize-system otterize-aws-visibility-proxy 443:443 "$proxy"
  service_forward "$own_address" 80 "$POD_IP" 80
  aws_coredns_up names
  names_pod="$POD_NAME"
  SERVICE_IP="$names_address" service_up otterize-system otterize-aws-visibility-names 53:5353 "$names_pod"
  aws_coredns_up dns "OTTERIZE_AWS_VISIBILITY_NAMES_SERVICE_HOST=$names_address"
  SERVICE_IP="$dns_address" service_up otterize-system otterize-aws-visibility-dns 53:5353 "$POD_NAME"
  pod_up shop plain -- sleep infinity
  plain="$POD_NAME"
  DNS_SERVICE_IP="$dns_address" pod_up shop web -- sleep infinity
  web="$POD_NAME"
  DNS_SERVICE_IP="$dns_address" pod_up shop pinned -- sleep infinity
  pinned="$POD_NAME"
  aws_key_id="$("$aws_python" -B -c 'import sys; sys.path.insert(0, sys.argv[1]); import calls; print(calls.key_id())' "$aws_here")"
  wait_for 20 in_pod otterize-system "$proxy" curl -sf --max-time 2 http://127.0.0.1:9090/readyz || fail "the proxy does not become ready"
  wait_for 30 aws_moto reset || fail "moto does not start: $(tail -n 3 "$CLUSTER_DIR"/log/aws.aws-*.log)"
  wait_for 10 aws_leads_to "sqs.$aws_region" "$own_address" || fail "CoreDNS does not lead to the proxy: $(tail -n 3 "$CLUSTER_DIR"/log/otterize-system.aws-{dns,names}-*.log)"
  cat "$CLUSTER_DIR/roots.pem" "$CLUSTER_DIR/proxy/ca.crt" > "$CLUSTER_DIR/bundle.pem"
}

# Whether a name of amazonaws.com leads to that address only, for pods whose DNS is ours.
aws_leads_to() {
  [ "$(in_pod shop "$web" getent ahosts "$1.amazonaws.com" | awk '{ print $1 }' | sort -u)" = "$2" ]
}

aws_in() {
  local pod="$1" bundle="$CLUSTER_DIR/$2"
  shift 2
  in_pod shop "$pod" env PYTHONPATH="$aws_packages" PYTHONDONTWRITEBYTECODE=1 AWS_CA_BUNDLE="$bundle" NODE_EXTRA_CA_CERTS="$bundle" \
    AWS_ACCESS_KEY_ID="$aws_key_id" AWS_SECRET_ACCESS_KEY=secret AWS_REGION="$aws_region" AWS_DEFAULT_REGION="$aws_region" \
    AWS_EC2_METADATA_DISABLED=true AWS_PAGER="" HOME="$CLUSTER_DIR" "$@"
}

aws_proxy_metric() {
  in_pod otterize-system "$proxy" curl -sS --max-time 5 http://127.0.0.1:2112/metrics | awk -v name="$1" '$1 == name { print int($2) }'
}

aws_on_map() {
  query '{intents(namespaces: [\"shop\"]){client{name} server{name} type strength awsActions}}' |
    jq -r --arg client "$1" --arg strength "${2:-USED}" '.data.intents[] | select(.type == "AWS" and .client.name == $client and
      .strength == $strength) | .server.name as $arn | .awsActions[] | "\($arn) \(.)"' | LC_ALL=C sort
}

aws_map_is() {
  [ "$(aws_on_map "$1" "${3:-USED}")" = "$2" ]
}

aws_same() {
  diff -u <(echo "$2") <(echo "$3") >&2 || fail "$1 differs (- wanted, + found)"
}
