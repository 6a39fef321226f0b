"""The hand-written overlay, aws-visibility/iam/overlay.txt: its head says what its lines mean."""

import re


class Grant:
    """Actions on the first of several resources whose fields are all there, under conditions."""

    def __init__(self, actions, resources, conditions=()):
        self.actions = actions
        self.resources = resources
        self.conditions = list(conditions)


class Rule:
    def __init__(self):
        self.grants = []
        self.keeps_automatic = False
        self.needs_nothing = False
        self.remembers = []


class Overlay:
    def __init__(self, path):
        self.prefixes = {}
        self.aliases = {}
        self.rules = {}
        self.transforms = {}
        self.accounts = {}
        self.no_pass_role = set()
        current = []
        with open(path) as file:
            for number, line in enumerate(file, 1):
                line = line.split("#")[0].rstrip()
                if not line:
                    continue
                try:
                    current = self.take(line, current)
                except (ValueError, IndexError, KeyError) as error:
                    raise SystemExit(f"{path}:{number}: {error!r}: {line}") from error

    def take(self, line, current):
        if line[0] != " ":
            words = line.split()
            if words[0] == "prefix":
                self.prefixes[words[1]] = words[2]
                return []
            if words[0] == "alias":
                self.aliases.setdefault(words[1], {})[words[2].lower()] = words[3:]
                return []
            if words[0] == "transform":
                self.transforms[words[1], words[2]] = words[3]
                return []
            if words[0] == "account":
                self.accounts[words[1]] = words[2]
                return []
            if words[0] == "no-pass-role":
                self.no_pass_role.update(words[1:])
                return []
            rule = Rule()
            for operation in words[1:]:
                key = (words[0], operation)
                if key in self.rules:
                    raise ValueError("a second rule for " + operation)
                self.rules[key] = rule
            return rule
        line = line.strip()
        if line == "automatic":
            current.keeps_automatic = True
        elif line == "none":
            current.needs_nothing = True
        elif line.startswith("remember "):
            _, kind, path = line.split()
            current.remembers.append((kind, path))
        else:
            grant, _, conditions = line.partition(" if ")
            actions, _, resources = grant.partition(" @ ")
            current.grants.append(Grant([a.strip() for a in actions.split(",")],
                                        [r.strip() for r in resources.split(" | ")],
                                        [c.strip() for c in conditions.split(" and ")] if conditions else []))
        return current


def fields_of(template):
    return re.findall(r"\{([^}]*)\}", template)
