#!/usr/bin/env bash
# A workload that uses AWS by its own command line, with the proxy in between: its calls give what they give without it, and each is on the
# map with its actions and resource; the policy that is exported of them allows them and nothing else, as moto judges, which is AWS here.
# What the pod knows of all this is its DNS server and the certificates it trusts.
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"
# shellcheck source=tests/integration/aws/support.sh
. "$root/tests/integration/aws/support.sh"

run_calls="$aws_here/run_calls.py"
aws_test_can_run
aws_up

# Names of API endpoints lead to the proxy, and those of what is no API do not.
for name in "sqs.$aws_region" "b.s3.$aws_region" a.b.s3 queue "SQS.$aws_region"; do
  aws_leads_to "$name" "$SERVICE_CIDR_PREFIX.200" || fail "$name does not lead to the proxy"
done
for name in "db.c1.$aws_region.rds" "1.dkr.ecr.$aws_region" "x.execute-api.$aws_region" "lb-1.$aws_region.elb"; do
  aws_leads_to "$name" "$aws_ip" || fail "$name leads to the proxy"
done

aws_begin_anew
aws_in "$plain" roots.pem "$aws_python" "$run_calls" run "$CLUSTER_DIR/plain.json"
[ "$(aws_proxy_metric 'network_mapper_aws_proxy_exchanges_total{host="aws"}')" = 0 ] || fail "calls without the proxy went through it"
aws_begin_anew
aws_in "$web" bundle.pem "$aws_python" "$run_calls" run "$CLUSTER_DIR/web.json"
aws_same "what calls give through the proxy" "$(jq .calls "$CLUSTER_DIR/plain.json")" "$(jq .calls "$CLUSTER_DIR/web.json")"
jq -e .down_is_up "$CLUSTER_DIR/web.json" > /dev/null || fail "the large object came back changed"
for strength in used attempted; do
  wanted="$(PYTHONPATH="$aws_packages" "$aws_python" -B "$run_calls" "$strength" "$CLUSTER_DIR/web.json")"
  wait_for 10 aws_map_is web "$wanted" "${strength^^}" || aws_same "what the map has as $strength" "$wanted" "$(aws_on_map web "${strength^^}")"
done
echo "$(jq '.calls | length' "$CLUSTER_DIR/web.json") calls, $(aws_on_map web | wc -l) accesses on the map"
[ -z "$(aws_on_map plain)" ] || fail "there is more on the map: $(aws_on_map plain)"

# What is secret of that: a value, the sender's signatures, credentials that STS gave.
for secret in hunter2 Signature= "$(jq -r .values.token "$CLUSTER_DIR/web.json")"; do
  ! grep -F -e "$secret" "$CLUSTER_DIR"/log/otterize-system.aws-proxy-*.log "$CLUSTER_DIR/log/mapper.log" || fail "a log has $secret"
done

# What moto checks then are the signatures of what came through the proxy, too.
on_node "$bin/network-mapper" export --quiet --mapper-url "$mapper_url" -n shop --format iam-policy > "$CLUSTER_DIR/policies.json"
aws_begin_anew
aws_in "$web" bundle.pem "$aws_python" "$aws_here/judge.py" "$CLUSTER_DIR/policies.json" "$CLUSTER_DIR/web.json" ||
  fail "moto judges the exported policies otherwise"
denied="arn:aws:s3:::shop-pictures/other.txt s3:GetObject"
is_attempted() {
  aws_on_map web ATTEMPTED | grep -qxF "$denied"
}
wait_for 10 is_attempted || fail "a call that was denied is not on the map as attempted: $(aws_on_map web ATTEMPTED)"

# As in EKS: the role and a token of the ServiceAccount; the SDK gets its credentials from STS by them. The map tells the role.
aws_begin_anew
echo token > "$CLUSTER_DIR/token"
DNS_SERVICE_IP="$SERVICE_CIDR_PREFIX.202" pod_up shop worker -- sleep infinity
role="arn:aws:iam::123456789012:role/shop/worker"
aws_in "$POD_NAME" bundle.pem env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY AWS_ROLE_ARN="$role" AWS_WEB_IDENTITY_TOKEN_FILE="$CLUSTER_DIR/token" \
  AWS_STS_REGIONAL_ENDPOINTS=regional "$aws_python" "$run_calls" one s3api create-bucket --bucket of-worker \
  --create-bucket-configuration "LocationConstraint=$aws_region" > /dev/null || fail "a role's credentials do not come through the proxy"
wanted="arn:aws:s3:::of-worker s3:CreateBucket"
wait_for 10 aws_map_is worker "$wanted" || aws_same "the map of the worker" "$wanted" "$(aws_on_map worker)"
aws_same "the role" "$role" "$(on_node "$bin/network-mapper" export --quiet --mapper-url "$mapper_url" -n shop --format iam-policy |
  jq -r '.[] | select(.workload.name == "worker") | .roles[]')"

# Without TLS a call goes on without TLS, and is on the map as others are.
aws_begin_anew
DNS_SERVICE_IP="$SERVICE_CIDR_PREFIX.202" pod_up shop old -- sleep infinity
by_http() {
  aws_in "$POD_NAME" roots.pem "$aws_python" "$run_calls" one --endpoint-url "http://$1.$aws_region.amazonaws.com" "${@:2}"
}
before="$(aws_proxy_metric 'network_mapper_aws_proxy_exchanges_total{host="aws"}')"
by_http s3 s3api create-bucket --bucket by-http --create-bucket-configuration "LocationConstraint=$aws_region" > /dev/null || fail "no bucket by HTTP"
by_http s3 s3 cp "$CLUSTER_DIR/roots.pem" s3://by-http/a/b.pem > /dev/null || fail "no object by HTTP"
by_http s3 s3 cp s3://by-http/a/b.pem - | cmp - "$CLUSTER_DIR/roots.pem" || fail "an object came back changed by HTTP"
by_http sqs sqs create-queue --queue-name by-http > /dev/null || fail "no queue by HTTP"
wanted="$(printf '%s\n' "arn:aws:s3:::by-http s3:CreateBucket" "arn:aws:s3:::by-http/a/b.pem s3:GetObject" "arn:aws:s3:::by-http/a/b.pem s3:PutObject" \
  "arn:aws:sqs:$aws_region:123456789012:by-http sqs:CreateQueue" | LC_ALL=C sort)"
wait_for 10 aws_map_is old "$wanted" || aws_same "the map of calls without TLS" "$wanted" "$(aws_on_map old)"
[ "$(aws_proxy_metric 'network_mapper_aws_proxy_exchanges_total{host="aws"}')" -ge $((before + 4)) ] || fail "calls without TLS do not go through the proxy"
# It leads nowhere else.
code=0
in_pod shop "$POD_NAME" curl -s --max-time 10 -H 'Host: example.com' "http://s3.$aws_region.amazonaws.com/" > /dev/null || code=$?
[ "$code" = 56 ] || fail "curl ends with $code where another host is asked for, not with a reset"
[ "$(aws_proxy_metric 'network_mapper_aws_proxy_refused_total{reason="not_an_api_endpoint"}')" = 1 ] || fail "the refusal is not counted"

# A client that does not trust the proxy's certificate fails once, and then is handed on unread.
aws_begin_anew
head_of_s3() {
  aws_in "$pinned" roots.pem curl -s --max-time 10 -o /dev/null -w '%{http_code}' --cacert "$CLUSTER_DIR/roots.pem" "https://s3.$aws_region.amazonaws.com/"
}
code=0
head_of_s3 > /dev/null || code=$?
[ "$code" = 60 ] || fail "curl ends with $code, not with that it does not trust the certificate"
for _ in 1 2 3; do
  [ "$(head_of_s3)" = 200 ] || fail "a client that does not trust the proxy does not get through"
done
# SDKs try again by themselves.
aws_in "$pinned" roots.pem "$aws_python" "$run_calls" one sqs create-queue --queue-name other > "$CLUSTER_DIR/other.json" ||
  fail "awscli does not get through: $(< "$CLUSTER_DIR/other.json")"
jq -e '.QueueUrl | endswith("/other")' "$CLUSTER_DIR/other.json" > /dev/null || fail "awscli gets $(< "$CLUSTER_DIR/other.json")"
[ "$(aws_proxy_metric 'network_mapper_aws_proxy_failed_total{reason="client_distrust"}')" -ge 2 ] || fail "the failures are not counted"
for metric in 'network_mapper_aws_proxy_spliced_total{reason="client_distrust"} 4' 'network_mapper_aws_proxy_connections_total{outcome="spliced"} 4'; do
  [ "$(aws_proxy_metric "${metric% *}")" = "${metric##* }" ] || fail "not $metric, but $(aws_proxy_metric "${metric% *}")"
done
[ -z "$(aws_on_map pinned)" ] || fail "what is handed on unread is on the map"
# For others the proxy is as before.
aws_in "$web" bundle.pem "$aws_python" "$run_calls" one sqs list-queues | jq -e '.QueueUrls | length == 1' > /dev/null || fail "the queue is not listed"

# Without the proxy's CoreDNS names are what they are elsewhere, and calls go on.
pod_down otterize-system "$names_pod"
wait_for 30 aws_leads_to "sqs.$aws_region" "$aws_ip" || fail "names lead to a proxy that is gone"
pod_down otterize-system "$proxy"
aws_in "$web" bundle.pem "$aws_python" "$run_calls" one sqs list-queues | jq -e '.QueueUrls | length == 1' > /dev/null || fail "without the proxy there are no calls"
