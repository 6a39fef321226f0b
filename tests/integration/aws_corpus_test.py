#!/usr/bin/env python3
"""Has botocore make a request for every operation of every service that it knows, as a client would send it, and compares what the
recogniser makes of each. At least 98 % must be recognised exactly: service and operation, where services with one IAM prefix count as one;
and of no more than one in 1,000 what it needs to name may be missed. What is not is listed by cause. Every host must be one that the proxy is for.

Usage: tests/integration/aws_corpus_test.py [SERVICE ...]
Environment: NETWORK_MAPPER_BINARY_DIR (default: build/debug).
"""

import collections
import os
import pathlib
import random
import struct
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
REGION = "eu-west-1"
ACCOUNT = "123456789012"
# Endpoints that a client is told at run time, or asks for.
NEEDS_ENDPOINT = {"timestream-query": "https://query.timestream.eu-west-1.amazonaws.com",
                  "timestream-write": "https://ingest.timestream.eu-west-1.amazonaws.com",
                  "cloudsearchdomain": "https://search-x-1.eu-west-1.cloudsearch.amazonaws.com",
                  "apigatewaymanagementapi": "https://a1b2c3.execute-api.eu-west-1.amazonaws.com"}

# No endpoints of APIs under AWS' suffixes: data planes, and a web site.
NO_API = ("cloudsearchdomain", "apigatewaymanagementapi", "neptune-graph ExecuteQuery", "neptune-graph CancelQuery",
          "neptune-graph GetGraphSummary", "neptune-graph GetQuery", "neptune-graph ListQueries", "signin")


class Sent(Exception):
    """Thrown where the request would go out."""


class Values:
    """Arguments for an operation: what is required, and nothing else."""

    def __init__(self, service):
        self.service = service

    def of(self, shape, name, depth=0):
        kind = shape.type_name
        if kind == "structure":
            if depth > 6:
                return {}
            if shape.is_tagged_union:
                first = next(iter(shape.members.items()))
                return {first[0]: self.of(first[1], first[0], depth + 1)}
            return {m: self.of(shape.members[m], m, depth + 1) for m in shape.required_members}
        if kind == "list":
            return [self.of(shape.member, name, depth + 1)]
        if kind == "map":
            return {self.text(shape.key, "key"): self.of(shape.value, "value", depth + 1)}
        if kind == "string":
            return self.text(shape, name)
        return {"integer": 1, "long": 1, "float": 1.0, "double": 1.0, "boolean": True, "timestamp": 1700000000,
                "blob": b"x"}.get(kind, "x")

    def text(self, shape, name):
        if shape.enum:
            return shape.enum[0]
        lower = name.lower()
        if "account" in lower and "id" in lower:
            return ACCOUNT
        if lower == "bucket" and self.service in ("s3", "s3control"):
            return "my-bucket-1"
        if lower == "key" and self.service == "s3":
            return "a b/c.txt"
        if lower == "copysource":
            return "other-bucket/key"
        if lower == "kvsarn":
            return f"arn:aws:cloudfront::{ACCOUNT}:key-value-store/x1"
        if lower.endswith("arn"):
            return f"arn:aws:{self.service}:{REGION}:{ACCOUNT}:thing/x1"
        return ("x1" * 32)[:max(2, shape.metadata.get("min", 2))]


class Corpus:
    def __init__(self):
        import botocore.session
        from botocore.tokens import FrozenAuthToken
        self.session = botocore.session.get_session()
        self.session.set_credentials("AKIAIOSFODNN7EXAMPLE", "secret", account_id=ACCOUNT)
        self.session.get_auth_token = lambda **_: FrozenAuthToken("token")
        self.failed = []

    def requests(self, service, variant="", protocol=None, config=None):
        """Yields (operation, request)"""
        from botocore.config import Config
        from botocore.serialize import create_serializer
        options = {"parameter_validation": False, "retries": {"max_attempts": 0}, "ignore_configured_endpoint_urls": True}
        client = self.session.create_client(service, region_name=REGION, config=Config(**{**options, **(config or {})}),
                                            endpoint_url=NEEDS_ENDPOINT.get(service))
        if protocol:
            client._serializer = create_serializer(protocol, include_validation=False)
        caught = []

        def catch(request, **_):
            caught.append(request)
            raise Sent

        client.meta.events.register_first("before-send", catch)
        values = Values(service)
        for operation in client.meta.service_model.operation_names:
            model = client.meta.service_model.operation_model(operation)
            arguments = values.of(model.input_shape, operation) if model.input_shape else {}
            try:
                client._make_api_call(operation, arguments)
            except Sent:
                yield operation, caught.pop()
            except Exception as error:  # pylint: disable=broad-except
                self.failed.append(f"{service} {operation}{variant}: {type(error).__name__}")


def piece(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<I", len(data)) + data


def serialized(request, noise):
    from urllib.parse import urlsplit
    url = urlsplit(request.url)
    body = request.body
    if hasattr(body, "read"):
        body = body.read()
    headers = [(k, v) for k, v in request.headers.items()]
    out = [piece(request.method), piece(url.netloc), piece(url.path + ("?" + url.query if url.query else "")), piece(body or b"")]
    out.append(piece(str(len(headers))))
    for name, value in headers:
        out.append(piece("".join(noise.choice((c.lower(), c.upper())) for c in name)))
        out.append(piece(value if isinstance(value, bytes) else str(value)))
    return b"".join(out)


def main():
    fetched = subprocess.run([TOP / "scripts/aws_table/fetch"], stdout=subprocess.PIPE, text=True, check=False)
    if fetched.returncode != 0:
        print("skipped: botocore is not there; scripts/install-deps --aws")
        return 77
    sys.dont_write_bytecode = True
    sys.path.insert(0, fetched.stdout.strip() + "/python")
    os.environ.update(AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null")
    noise = random.Random(1)
    corpus = Corpus()
    services = sys.argv[1:] or corpus.session.get_available_services()
    signing = {}
    wanted, stream, hosts = [], [], []

    def add(service, variant="", **more):
        for operation, request in corpus.requests(service, variant, **more):
            wanted.append((service, operation, variant))
            stream.append(serialized(request, noise))
            hosts.append(request.url.split("/")[2])

    for service in services:
        model = corpus.session.get_service_model(service)
        signing[service] = model.signing_name
        add(service)
    if "cloudwatch" in services:
        for protocol in ("json", "query", "smithy-rpc-v2-cbor"):
            add("cloudwatch", f" ({protocol})", protocol=protocol)
    if "sqs" in services:
        add("sqs", " (query)", protocol="query")
    if "s3" in services:
        add("s3", " (path)", config={"s3": {"addressing_style": "path"}})
        add("s3", " (dual stack)", config={"use_dualstack_endpoint": True, "use_fips_endpoint": True})

    program = pathlib.Path(os.environ.get("NETWORK_MAPPER_BINARY_DIR", TOP / "build/debug")) / "bin/aws_recognize_requests"
    answers = subprocess.run([program], input=b"".join(stream), stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
    if len(answers) != len(wanted):
        print(f"{len(wanted)} requests have {len(answers)} answers", file=sys.stderr)
        return 1

    causes = collections.defaultdict(list)
    foreign = {}
    exact = siblings = 0
    for (service, operation, variant), answer, host in zip(wanted, answers, hosts):
        found_service, found, result, region, api = answer.split("\t")[:5]
        if api != "api" and not f"{service} {operation}".startswith(NO_API):
            foreign[host] = f"{service} {operation}"
        if result == "malformed":
            causes["a name is missed"].append(f"{service} {operation}{variant}")
        if found == operation and found_service == service:
            exact += 1
        elif found == operation and signing.get(found_service) == signing[service]:
            siblings += 1
        elif not found_service:
            causes["no service"].append(f"{service} {operation}{variant}")
        elif not found:
            causes["no operation"].append(f"{service} {operation}{variant}")
        elif found_service == service:
            causes["another operation"].append(f"{service} {operation}{variant} -> {found}")
        else:
            causes["another service"].append(f"{service} {operation}{variant} -> {found_service} {found}")
    total = len(wanted) + len(corpus.failed)
    if corpus.failed:
        causes["botocore makes no request"] = corpus.failed
    for cause, cases in sorted(causes.items()):
        print(f"{cause}: {len(cases)}")
        for case in cases[:40]:
            print(f"  {case}")
        if len(cases) > 40:
            print(f"  and {len(cases) - 40} more")
    share = 100 * (exact + siblings) / max(1, total)
    print(f"{total} requests of {len(services)} services: {exact} exact, {siblings} of a service with the same IAM prefix, {share:.2f} %")
    for host, operation in sorted(foreign.items()):
        print(f"no API endpoint: {host} ({operation})")
    missed = len(causes.get("a name is missed", []))
    return 0 if share >= 98 and missed <= total / 1000 and not foreign else 1


if __name__ == "__main__":
    sys.exit(main())
