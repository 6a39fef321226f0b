# shellcheck shell=bash disable=SC2154 # "cluster", "output" and "bin" are the caller's
# The scenario of AWS visibility: workloads with AWS' own command line, moto in AWS' place with certificates of an authority that all
# images of this scenario know as a public one, and the cluster's DNS, which says where AWS is. The label alone puts a workload's calls on
# the map; who does not trust the proxy goes on working, and so do all while proxy and webhook are gone; without the label, nothing is left.

aws_label=network-mapper.otterize.com/aws-visibility
aws_clients=tests/integration/aws/fetch
aws_python=/usr/bin/python3
# Of what stands in AWS' place, as config/coredns-deployment.yaml says.
aws_address=10.96.0.11

aws_can_run() {
  local program
  [ -z "$built_images" ] || { echo "aws: images that are built do not know the authority of the test"; return 1; }
  for program in openssl setcap jq; do
    command -v "$program" > /dev/null || { echo "aws: $program is missing: scripts/install-deps --aws"; return 1; }
  done
  "$aws_clients" --cached > /dev/null 2>&1 || "$aws_python" -m pip --version > /dev/null 2>&1 || { echo "aws: pip is missing: scripts/install-deps --aws"; return 1; }
}

# An authority, and the certificate of what stands in AWS' place.
aws_certificates() {
  local folder="$1"
  mkdir -p "$folder"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=Public authority of the test" \
    -keyout "$folder/authority.key" -out "$folder/authority.crt"
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=amazonaws.com" -keyout "$folder/server.key" -out "$folder/server.csr"
  openssl x509 -req -in "$folder/server.csr" -CA "$folder/authority.crt" -CAkey "$folder/authority.key" -CAcreateserial -days 3650 \
    -extfile <(echo "subjectAltName=DNS:*.amazonaws.com,DNS:*.eu-west-1.amazonaws.com,DNS:*.queue.amazonaws.com,DNS:*.s3.eu-west-1.amazonaws.com") -out "$folder/server.crt"
}

# Makes it one of the public authorities that an image knows.
trust_aws_authority() {
  local file
  for file in "$@"; do
    cat "$output/aws/authority.crt" >> "$file"
  done
}

# The machine's Python, AWS' command line and moto; and CoreDNS as its publisher makes the image: the file of the program asks for a
# capability.
aws_images() {
  local root="$output/images/aws" clients library file
  aws_certificates "$output/aws" 2> "$output/aws-certificates"
  clients="$("$aws_clients")"
  library="$("$aws_python" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
  root_of "$root" /bin/busybox /usr/bin/curl
  for file in sh sleep cat grep nslookup; do
    ln -s busybox "$root/bin/$file"
  done
  mkdir -p "$root"/{python/bin,python/lib,clients,etc/ssl/certs,aws}
  cp -L "$aws_python" "$root/python/bin/python3"
  tar -C "$(dirname "$library")" -c --exclude={site-packages,dist-packages,test,idlelib,tkinter,ensurepip,lib2to3,'config-*'} "$(basename "$library")" |
    tar -C "$root/python/lib" -x
  # For templates of CloudFormation only.
  tar -C "$clients" -c --exclude={./sympy,./mpmath,./networkx,./cfnlint} . | tar -C "$root/clients" -x
  find "$root/python" "$root/clients" '(' -name '*.so*' -o -path '*/bin/python3' ')' -exec ldd '{}' + 2> /dev/null |
    sed -nE 's|.*[[:space:]](/[^ ]+) .*|\1|p' | sort -u | grep -v "$root" | while read -r file; do
    mkdir -p "$root$(dirname "$file")"
    cp -Lu "$file" "$root$file"
  done
  cp "$output"/aws/{authority.crt,server.crt,server.key} "$root/aws/"
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  trust_aws_authority "$root/etc/ssl/certs/ca-certificates.crt" "$root"/clients/{certifi,botocore}/cacert.pem
  "$cluster" image registry.local/aws:1 "$root"

  root="$output/images/coredns"
  mkdir -p "$root"
  cp "$(tests/cluster/tools/build coredns)/coredns" "$root/"
  setcap cap_net_bind_service=+ep "$root/coredns"
  "$cluster" image "$(aws_coredns_image)" "$root" /coredns
}

# As the chart calls it.
aws_coredns_image() {
  "$helm_program" template charts/network-mapper --set aws.visibility.enabled=true | sed -nE 's|^ +image: "?([^"]*/coredns:[^"]*)"?$|\1|p' | head -n 1
}

manifest_aws() {
  SERVICE_SPEC="clusterIP: $aws_address" service amazon 443:8443
  aws_workload amazon /python/bin/python3 -m moto.server -H 0.0.0.0 -p 8443 -s -c /aws/server.crt -k /aws/server.key
  aws_workload shop /bin/sleep 1000000
  aws_workload pinned /bin/sleep 1000000
  aws_workload plain /bin/sleep 1000000
}

# aws_workload NAME COMMAND...: a Deployment. The access key is one of account 123456789012.
aws_workload() {
  local name="$1" command
  shift
  command="$(printf ', "%s"' "$@")"
  cat << END
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: $name}
spec:
  selector: {matchLabels: {app: $name}}
  strategy: {type: Recreate}
  template:
    metadata: {labels: {app: $name}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: registry.local/aws:1
          imagePullPolicy: Never
          command: [${command#, }]
          env:
            - {name: PATH, value: "/python/bin:/bin"}
            - {name: PYTHONHOME, value: /python}
            - {name: PYTHONPATH, value: /clients}
            - {name: AWS_ACCESS_KEY_ID, value: AKIARZPUZDIKABZWQ33Q}
            - {name: AWS_SECRET_ACCESS_KEY, value: secret}
            - {name: AWS_DEFAULT_REGION, value: eu-west-1}
            - {name: AWS_EC2_METADATA_DISABLED, value: "true"}
END
}

# Each client waits for what it is told: aws_call NAME ARGUMENT... of AWS' command line.
aws_call() {
  in_aws "$1" python3 -m awscli "${@:2}"
}

in_aws() {
  in_namespace exec "deployment/$1" -- "${@:2}"
}

# One command, as the documentation says it.
label_for_aws() {
  in_namespace patch deployment "$1" -p "{\"spec\":{\"template\":{\"metadata\":{\"labels\":{\"$aws_label\":$2}}}}}"
  in_namespace rollout status "deployment/$1" --timeout=60s
}

is_patched() {
  in_namespace get pod -l "app=$1" -o json | jq -e --arg dns "$(in_install get service otterize-aws-visibility-dns -o 'jsonpath={.spec.clusterIP}')" '.items
    | length == 1 and all(.metadata.labels["network-mapper.otterize.com/aws-visibility-injected"] and .spec.dnsPolicy == "None"
    and .spec.dnsConfig.nameservers == [$dns] and any(.spec.volumes[]; .configMap.name == "otterize-aws-visibility-ca"))'
}

# Nothing of a patch, whatever its labels.
is_untouched() {
  in_namespace get pod -l "app=$1" -o json | jq -e '.items | length == 1 and all(.spec.dnsPolicy == "ClusterFirst" and (.spec.dnsConfig | not)
    and (tostring | test("aws-visibility-(ca|injected)|otterize/aws-visibility|AWS_CA_BUNDLE|NODE_EXTRA_CA_CERTS") | not))'
}

# Where a workload's names of AWS lead: "proxy", "AWS", or whatever else is said.
aws_is_at() {
  in_aws "$1" nslookup -type=a "$2" | awk -v aws="$aws_address" -v proxy="$(in_install get service otterize-aws-visibility-proxy -o 'jsonpath={.spec.clusterIP}')" '
    /^Address/ { last = $2 } END { print last == aws ? "AWS" : last == proxy ? "proxy" : last }'
}

aws_leads_to() {
  [ "$(aws_is_at "$1" "$2")" = "$3" ]
}

# Of all proxies.
aws_proxy_metric() {
  local address
  for address in $(in_install get pods -l app=otterize-aws-visibility-proxy -o 'jsonpath={.items[*].status.podIP}'); do
    "$cluster" run busybox wget -qO- "http://$address:2112/metrics" | value_of "$1"
  done | awk '{ sum += $1 } END { print sum + 0 }'
}

signal_aws_proxies() {
  local node
  for node in $("$cluster" nodes); do
    # shellcheck disable=SC2016 # expanded inside
    "$cluster" run-on "$node" sh -c 'kill "-$0" $(pgrep -xf /usr/bin/network-mapper-aws-proxy)' "$1"
  done
}

aws_actions() {
  command_line list --quiet -n aws | awk '/ calls:$/ { client = $1 } / in AWS$/ { resource = $2 } /^    - actions:/ { print client, resource, $0 }'
}

aws_actions_are() {
  diff <(printf '%s\n' "$@") <(aws_actions | sed 's/     - actions://')
}

# What must be the same after an upgrade.
aws_authorities() {
  "$cluster" run kubectl get mutatingwebhookconfiguration otterize-aws-visibility-webhook -o 'jsonpath={.webhooks[0].clientConfig.caBundle}'
  in_install get configmap otterize-aws-visibility-ca -o 'jsonpath={.data}'
}

aws_copy() {
  in_namespace get configmap otterize-aws-visibility-ca -o 'jsonpath={.metadata.annotations.network-mapper\.otterize\.com/unused-since}'
}

no_aws_copy() {
  ! aws_copy
}

# All requests of proxy and webhook to the API server, by its own record: "CODE verb resource".
aws_requests() {
  "$cluster" run cat /run/cluster/log/audit.log | jq -r 'select(.user.username | startswith("system:serviceaccount:otterize-system:otterize-aws-visibility-"))
    | "\(.responseStatus.code) \(.verb) \(.objectRef.resource)"' | sort | uniq -c
}

act_aws() {
  local pod started
  in_namespace rollout status deployment/amazon --timeout=60s
  map_on_volume --reuse-values --set aws.visibility.enabled=true
  wait_until 30 eval '[ "$(in_install get mutatingwebhookconfiguration otterize-aws-visibility-webhook -o "jsonpath={.webhooks[0].clientConfig.caBundle}")" ]'

  # The label alone.
  label_for_aws shop '"true"'
  label_for_aws pinned '"true"'
  is_patched shop
  is_patched pinned
  is_untouched plain
  aws_leads_to shop s3.eu-west-1.amazonaws.com proxy
  aws_leads_to shop bills.s3.eu-west-1.amazonaws.com proxy
  # No API endpoint.
  aws_leads_to shop db.cfk3h1.eu-west-1.rds.amazonaws.com AWS
  aws_leads_to plain s3.eu-west-1.amazonaws.com AWS
  # Short names are the pod's own namespace's.
  in_aws shop curl -sSk -m 10 -o /dev/null https://amazon/
  aws_call shop s3 mb s3://bills
  in_aws shop sh -c 'echo paid | python3 -m awscli s3 cp - s3://bills/2026/11.txt'
  [ "$(aws_call shop s3 cp s3://bills/2026/11.txt -)" = paid ]
  aws_call shop sqs create-queue --queue-name orders
  aws_call shop sqs send-message --queue-url https://sqs.eu-west-1.amazonaws.com/123456789012/orders --message-body one
  aws_call shop dynamodb create-table --table-name carts --key-schema AttributeName=id,KeyType=HASH --attribute-definitions \
    AttributeName=id,AttributeType=S --billing-mode PAY_PER_REQUEST
  aws_call shop dynamodb put-item --table-name carts --item '{"id": {"S": "1"}}'
  [ "$(aws_call shop sts get-caller-identity --query Account)" = '"123456789012"' ]
  aws_call plain sqs list-queues
  wait_until 60 aws_actions_are "shop arn:aws:dynamodb:eu-west-1:123456789012:table/carts [dynamodb:CreateTable dynamodb:PutItem]" \
    "shop arn:aws:s3:::bills [s3:CreateBucket]" "shop arn:aws:s3:::bills/2026/11.txt [s3:GetObject s3:PutObject]" \
    "shop arn:aws:sqs:eu-west-1:123456789012:orders [sqs:CreateQueue sqs:SendMessage]"

  # Who trusts one authority only: AWS' command line tries again by itself, curl does not.
  [ "$(aws_proxy_metric 'network_mapper_aws_proxy_spliced_total{reason="client_distrust"}')" -eq 0 ]
  in_aws pinned sh -c 'AWS_CA_BUNDLE=/aws/authority.crt python3 -m awscli sqs list-queues'
  [ "$(in_aws pinned sh -c 'for i in 1 2 3; do curl -sS -m 10 -o /dev/null -w "%{http_code} " --cacert /aws/authority.crt https://sts.eu-west-1.amazonaws.com/; done' | xargs)" = "000 200 200" ]
  [ "$(aws_proxy_metric 'network_mapper_aws_proxy_failed_total{reason="client_distrust"}')" -eq 2 ]
  [ "$(aws_proxy_metric 'network_mapper_aws_proxy_spliced_total{reason="client_distrust"}')" -eq 3 ]

  # Proxies that hang: AWS is reached by its own address until they go on.
  signal_aws_proxies STOP
  wait_until 30 aws_leads_to shop s3.eu-west-1.amazonaws.com AWS
  aws_call shop s3 ls s3://bills
  signal_aws_proxies CONT
  wait_until 30 aws_leads_to shop s3.eu-west-1.amazonaws.com proxy

  # Proxy and webhook are gone, as at once as it can be: pods that run and pods that start reach AWS.
  in_install scale deployment otterize-aws-visibility-proxy otterize-aws-visibility-webhook --replicas=0
  in_install delete pod -l 'app in (otterize-aws-visibility-proxy, otterize-aws-visibility-webhook)' --grace-period=0 --force --ignore-not-found --wait
  wait_until 5 aws_leads_to shop s3.eu-west-1.amazonaws.com AWS
  aws_call shop s3 ls s3://bills
  started="$SECONDS"
  in_namespace delete pod -l app=pinned --wait
  in_namespace rollout status deployment/pinned --timeout=60s
  is_untouched pinned
  aws_call pinned sqs list-queues
  [ $((SECONDS - started)) -le 20 ]

  # An upgrade brings them back, with the same authorities; the pod that was patched before is on the map again.
  pod="$(aws_authorities)"
  helm upgrade network-mapper charts/network-mapper --reuse-values --set aws.visibility.trust=all --wait --timeout 5m
  [ "$(aws_authorities)" = "$pod" ]
  wait_until 30 aws_leads_to shop sqs.eu-west-1.amazonaws.com proxy
  aws_call shop sqs get-queue-attributes --queue-url https://sqs.eu-west-1.amazonaws.com/123456789012/orders
  wait_until 60 eval 'aws_actions | grep -F "orders     - actions: [sqs:CreateQueue sqs:GetQueueAttributes sqs:SendMessage]"'

  # Without the label, nothing is left of it; the copy of the certificates is old before its time here.
  label_for_aws shop null
  label_for_aws pinned null
  is_untouched shop
  is_untouched pinned
  wait_until 60 eval '[ "$(aws_copy)" ]'
  in_namespace annotate configmap otterize-aws-visibility-ca --overwrite network-mapper.otterize.com/unused-since=2026-01-01T00:00:00Z
  wait_until 60 no_aws_copy
  aws_requests
  [ -z "$(aws_requests | grep -E '^ *[0-9]+ (401|403) ')" ]
  aws_requests | grep -E ' 200 delete configmaps$'
  helm upgrade network-mapper charts/network-mapper --reuse-values --set aws.visibility.enabled=false --wait --timeout 5m
  wait_until 60 eval '! { in_namespace_left; cluster_wide; } | grep aws-visibility'
}

# The proxy is what the kernel saw; AWS is where names led without it.
expect_aws() {
  printf '%s\n' "shop -> arn:aws:dynamodb:eu-west-1:123456789012:table/carts" "shop -> arn:aws:s3:::bills" "shop -> arn:aws:s3:::bills/2026/11.txt" \
    "shop -> arn:aws:sqs:eu-west-1:123456789012:orders" "shop -> otterize-aws-visibility-proxy.otterize-system" \
    "pinned -> otterize-aws-visibility-proxy.otterize-system" "shop -> amazon" "pinned -> amazon" "plain -> amazon"
}
