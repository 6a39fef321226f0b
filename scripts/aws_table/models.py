"""Services and operations as botocore's models describe them: only names, shapes and URI templates are taken."""

import gzip
import json
import pathlib
import re

METHODS = ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]


class Service:
    def __init__(self, name, model):
        metadata = model["metadata"]
        self.name = name
        self.shapes = model["shapes"]
        self.endpoint_prefix = metadata["endpointPrefix"]
        self.signing_name = metadata.get("signingName", self.endpoint_prefix)
        self.protocols = metadata.get("protocols", [metadata["protocol"]])
        if metadata["protocol"] not in self.protocols:
            self.protocols = [metadata["protocol"], *self.protocols]
        self.target_prefix = metadata.get("targetPrefix", "")
        self.version = metadata["apiVersion"]
        # Those that speak JSON now spoke the query protocol before, and old clients still do.
        self.speaks_query = any(p in self.protocols for p in ("query", "ec2")) or "awsQueryCompatible" in metadata
        # What endpoints have before the paths of operations; hosts.py finds it.
        self.base_path = ""
        self.is_ec2 = "ec2" in self.protocols
        self.operations = {op: Operation(self, op, body) for op, body in sorted(model["operations"].items())}


class Operation:
    def __init__(self, service, name, body):
        self.service = service
        self.name = name
        self.method = body["http"]["method"]
        self.uri = body["http"]["requestUri"]
        self.unsigned = body.get("authtype") == "none"
        self.deprecated = body.get("deprecated", False)
        self.host_prefix = body.get("endpoint", {}).get("hostPrefix", "")
        self.input = service.shapes.get(body.get("input", {}).get("shape"), {"members": {}})

    @property
    def members(self):
        return self.input.get("members", {})

    def label_order(self):
        """Names of the URI's labels in order."""
        return [label.rstrip("+") for label in re.findall(r"\{([^}]+)\}", self.uri.split("?")[0])]

    def wire_name(self, member, reference):
        if self.service.is_ec2:
            name = reference.get("queryName") or reference.get("locationName") or member
            return name if "queryName" in reference else name[0].upper() + name[1:]
        return reference.get("locationName", member)

    def find(self, member):
        """A member's name as the model spells it, or None."""
        for name in self.members:
            if name.lower() == member.lower():
                return name
        return None

    def locate(self, path):
        """Where "A.B[].C" is on the wire: a field of the table, such as "bA.B[].C", or None."""
        steps = re.findall(r"[^.\[\]]+|\[\]", path)
        reference = self.members.get(steps[0])
        if reference is None:
            return None
        location = reference.get("location", "body")
        wire = reference.get("locationName", steps[0])
        if location == "uri":
            return "u%d" % self.label_order().index(wire)
        if location == "querystring":
            return "q" + wire
        if location == "header":
            return "h" + wire.lower()
        if location != "body":
            return None
        payload = self.input.get("payload")
        if payload and payload != steps[0]:
            return None
        wires = []
        shape = self.service.shapes[reference["shape"]]
        if not payload:
            wires.append(self.wire_name(steps[0], reference))
        for step in steps[1:]:
            if step == "[]":
                if shape["type"] != "list":
                    return None
                reference = shape["member"]
                wires[-1] += "[]"
            elif step == "*":
                if shape["type"] != "map":
                    return None
                wires.append("*")
                reference = shape["value"]
            else:
                reference = shape.get("members", {}).get(step)
                if reference is None:
                    return None
                wires.append(self.wire_name(step, reference))
            shape = self.service.shapes[reference["shape"]]
        return "b" + ".".join(wires) if wires else None

    def needs(self, path):
        """Whether there is no request without a text, or a list's or a map's texts, at "A.B[].C"."""
        shape, needed = self.input, True
        for step in re.findall(r"[^.\[\]]+|\[\]", path):
            if step == "[]":
                shape = self.service.shapes[shape["member"]["shape"]]
            elif step == "*":
                shape = self.service.shapes[shape["key" if path.endswith("*") else "value"]["shape"]]
            else:
                needed = needed and step in shape.get("required", [])
                shape = self.service.shapes[shape["members"][step]["shape"]]
        return needed and shape["type"] == "string"

    def is_text(self, member):
        shape = self.service.shapes[self.members[member]["shape"]]
        return shape["type"] == "string"

    def is_text_list(self, member):
        shape = self.service.shapes[self.members[member]["shape"]]
        return shape["type"] == "list" and self.service.shapes[shape["member"]["shape"]]["type"] == "string"

    def route(self):
        """"OpName template condition ...": what a request's path and query must be like. See table.h."""
        path, _, query = self.uri.partition("?")
        conditions = ["?" + part for part in query.split("&") if part]
        seen = {part.split("=")[0] for part in query.split("&") if part}
        for member in self.input.get("required", []):
            reference = self.members[member]
            wire = reference.get("locationName", member)
            if reference.get("location") == "querystring" and wire not in seen:
                conditions.append("&" + wire)
            elif reference.get("location") == "header":
                conditions.append("#" + wire.lower())
        path = self.service.base_path + path
        template = re.sub(r"\{[^}+]+\}", "{}", re.sub(r"\{[^}]+\+\}", "{+}", path))
        rank = (-sum(c[0] == "?" for c in conditions), -len(re.sub(r"\{\+?\}", "", template)),
                template.count("{"), -sum(c[0] != "?" for c in conditions), template.count("+"), self.deprecated)
        return rank, " ".join([self.name, template, *conditions])


def load(folder):
    """All services by name, of their newest version."""
    services = {}
    for path in sorted((pathlib.Path(folder) / "botocore/data").iterdir()):
        if path.is_dir():
            version = max(p.name for p in path.iterdir())
            with gzip.open(path / version / "service-2.json.gz") as file:
                services[path.name] = Service(path.name, json.load(file))
    return services


def rule_set(folder, service):
    path = pathlib.Path(folder) / "botocore/data" / service
    version = max(p.name for p in path.iterdir())
    with gzip.open(path / version / "endpoint-rule-set-1.json.gz") as file:
        return json.load(file)
