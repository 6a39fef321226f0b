"""Names of endpoints, by evaluating botocore's endpoint rules for a region of each partition, and with FIPS and dual stack."""

import json
import pathlib
import re

from models import rule_set

# A region of each partition in which its services are, and one more where the common partition's global endpoints differ.
REGIONS = ["us-east-1", "eu-west-1", "us-gov-west-1", "cn-north-1", "cn-northwest-1", "eusc-de-east-1", "us-iso-east-1",
           "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1"]


class Partition:
    def __init__(self, data):
        outputs = data["outputs"]
        self.name = data["id"]
        self.suffix = outputs["dnsSuffix"]
        self.dual_stack_suffix = outputs["dualStackDnsSuffix"]
        self.pattern = data["regionRegex"]
        # "us-gov-" of "^us\-gov\-\w+\-\d+$": one or several starts.
        starts = re.fullmatch(r"\^\(?([\w|\\-]+?)\)?\\-(?:\(([\w|]+)\)\\-)?\\w\+\\-\\d\+\$", self.pattern)
        self.region_starts = [f"{a}-{b}-" if b else f"{a}-" for a in starts[1].replace("\\", "").split("|")
                              for b in (starts[2] or "").split("|")]
        self.region = outputs["implicitGlobalRegion"]


def partitions(folder):
    data = json.loads((pathlib.Path(folder) / "botocore/data/partitions.json").read_text())
    return [Partition(p) for p in data["partitions"]]


def resolved(folder, services):
    """Yields (service, host, path) of every endpoint that botocore would call."""
    from botocore.endpoint_provider import EndpointProvider
    from botocore.exceptions import EndpointProviderError
    data = json.loads((pathlib.Path(folder) / "botocore/data/partitions.json").read_text())
    for service in services.values():
        provider = EndpointProvider(rule_set(folder, service.name), data)
        declared = rule_set(folder, service.name)["parameters"]
        for region in REGIONS:
            for fips in (False, True):
                for dual in (False, True):
                    parameters = {"Region": region, "UseFIPS": fips, "UseDualStack": dual}
                    if service.name == "s3control":
                        parameters["RequiresAccountId"] = False
                    try:
                        url = provider.resolve_endpoint(**{k: v for k, v in parameters.items() if k in declared}).url
                    except EndpointProviderError:
                        continue
                    host, _, path = re.sub(r"^https?://", "", url).partition("/")
                    yield service, host, "/" + path.rstrip("/") if path else ""


class Hosts:
    """Services by the labels before a region ("sqs", "api.ecr"), and of names without one ("iam" of iam.amazonaws.com)."""

    # Before these may stand an account.
    LABELLED = ["control-kinesis", "data-kinesis", "ddb", "s3-control"]

    def __init__(self, folder, services):
        self.partitions = partitions(folder)
        self.regional = {}
        self.global_ = {}
        suffixes = sorted({s for p in self.partitions for s in (p.suffix, p.dual_stack_suffix)}, key=len, reverse=True)
        starts = "|".join(re.escape(s) for p in self.partitions for s in p.region_starts)
        region_tail = re.compile(r"\.(?:%s)\w+-\d+$" % starts)
        for service, host, path in resolved(folder, services):
            service.base_path = path or service.base_path
            suffix = next((s for s in suffixes if host.endswith("." + s)), None)
            if suffix is None:
                continue
            labels = host[:-len(suffix) - 1]
            regional = region_tail.search(labels)
            label = labels[:regional.start()] if regional else re.sub(r"\.(global|us-gov)$", "", labels)
            label = re.sub(r"-fips$", "", re.sub(r"\.dualstack$", "", label))
            self.add(self.regional if regional else self.global_, label, service)
        for service in services.values():
            if service.endpoint_prefix not in self.regional and service.name != "s3":
                self.add(self.regional, service.endpoint_prefix, service)
        # Operations whose endpoint has something before it, such as sync-states.
        for service in services.values():
            labels = [label for label, names in self.regional.items() if service.name in names and not label.startswith("fips.")]
            for operation in service.operations.values():
                if operation.host_prefix and "{" not in operation.host_prefix:
                    for label in labels:
                        self.add(self.regional, operation.host_prefix + label, service)
        # That is also how other people's APIs are called, and no name of AWS' own endpoints.
        del self.regional["execute-api"]
        # Its shapes are read by hand.
        del self.regional["s3"]
        # Names that the rules have for single operations only, and older ones than they have.
        self.add(self.regional, "arc-region-switch-control-plane", services["arc-region-switch"])
        for label, name in (("queue", "sqs"), ("sts", "sts"), ("global.health", "health")):
            self.add(self.global_, label, services[name])
        self.add(self.regional, "ddb", services["dynamodb"])
        for label in ("data-kinesis", "control-kinesis"):
            self.add(self.regional, label, services["kinesis"])

    @staticmethod
    def add(where, label, service):
        names = where.setdefault(label, [])
        if service.name not in names:
            names.append(service.name)
