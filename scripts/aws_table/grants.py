"""What an operation takes: its row of the table, from model, IAM data and overlay."""

import re

import overlay as overlay_module
from overlay import Grant

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
GENERIC_ARNS = ["ResourceArn", "Arn", "ResourceIdentifierArn"]


class Maker:
    def __init__(self, iam, overlay):
        self.iam = iam
        self.overlay = overlay
        self.without_action = []

    def prefix(self, service):
        return self.overlay.prefixes.get(service.name, service.signing_name)

    def automatic(self, operation):
        """Grants by equal names; None when IAM has no such action."""
        prefix = self.prefix(operation.service)
        action = self.iam.action(prefix, operation.name)
        if action is None:
            return None
        types = self.iam.resource_types(prefix, operation.name)
        name = f"{prefix}:{action}"
        if operation.service.name == "s3":
            where = "{s3:object}" if "Key" in operation.members else "{s3:bucket}" if "Bucket" in operation.members else "*"
            return [Grant([name], [where])]
        if operation.service.is_ec2 and operation.name.startswith("Describe"):
            types = []
        if not types:
            return [Grant([name], ["*"])]
        arn_member = next((m for m in map(operation.find, GENERIC_ARNS) if m and operation.is_text(m)), None)
        if arn_member and (len(types) > 1 or not self.fill(operation, types[0])[1]):
            return [Grant([name], ["{%s:arn}" % arn_member, self.fallback(operation, types)])]
        filled = [(self.fill(operation, kind), kind) for kind in types]
        required = [(f, k) for f, k in filled if k[2]]
        if 0 < len(required) <= 4:
            grants = [Grant([name], f[0]) for f, k in required]
        else:
            # Alternatives: those whose names are in the request.
            known = [f for f, k in filled if f[1]]
            if not known:
                return [Grant([name], [self.fallback(operation, types)])]
            if len(known) == 1:
                return [Grant([name], known[0][0])]
            grants = [Grant([name], f[0], ["{%s}" % f[1][0]]) for f in known]
            grants.append(Grant([name], ["*"], ["not {%s}" % f[1][0] for f in known]))
            return grants
        for f, k in filled:
            if not k[2] and f[1]:
                grants.append(Grant([name], f[0], ["{%s}" % f[1][0]]))
        return grants

    def fallback(self, operation, types):
        return self.fill(operation, types[0])[0][-1] if len(types) == 1 else "*"

    def fill(self, operation, kind):
        """([resources], [members that name it]) of a resource type."""
        key, arn, _ = kind
        members = []

        def replace(match):
            variable = match.group(1)
            if variable in ("Partition", "Region", "Account"):
                return "{%s}" % variable[0]
            member = self.member_for(operation, key, variable)
            if member is None or member in members:
                return "*"
            members.append(member)
            transform = self.overlay.transforms.get((operation.service.name, member))
            return "{%s:%s}" % (member, transform) if transform else "{%s}" % member

        account = operation.find(self.overlay.accounts.get(operation.service.name, "-"))
        if account:
            arn = arn.replace("${Account}", "{%s:account}" % account)
        template = re.sub(r"\$\{([^}]+)\}", replace, arn)
        resources = []
        stem = re.sub(r"(Name|Id|Identifier)$", "", self.last_variable(arn))
        for candidate in (key + "Arn", stem + "Arn", key.replace("-", "") + "Arn"):
            member = operation.find(candidate)
            if member and operation.is_text(member):
                resources.append("{%s:arn}" % member)
                members.append(member)
                break
        return resources + [template], members

    @staticmethod
    def last_variable(arn):
        found = re.findall(r"\$\{([^}]+)\}", arn)
        return found[-1] if found else ""

    def member_for(self, operation, key, variable):
        """The member of the input that fills a variable of an ARN, by the names that AWS gives such members."""
        stem = re.sub(r"(Name|Id|Identifier)$", "", variable)
        flat = key.replace("-", "")
        singles = [variable]
        singles += self.overlay.aliases.get(operation.service.name, {}).get(variable.lower(), [])
        singles += [stem + "Identifier", stem + "Name", stem + "Id", stem]
        singles += [flat + "Identifier", flat + "Name", flat + "Id", flat]
        if operation.name.lower().endswith(flat.lower()):
            singles += ["Name", "Id", "Identifier"]
        for name in singles:
            if name.endswith("[]"):
                member = operation.find(name[:-2])
                if member and operation.is_text_list(member):
                    return member + "[]"
                continue
            member = operation.find(name) if name else None
            if member and operation.is_text(member):
                return member
            many = operation.find(name + "s") if name else None
            if many and operation.is_text_list(many):
                return many + "[]"
        return None

    def pass_role(self, operation):
        """Who creates or changes something with a role must be allowed to pass it."""
        if not re.match(r"(Create|Update|Put|Run|Start|Register|Modify|Add)", operation.name):
            return []
        if operation.service.name in self.overlay.no_pass_role or \
                f"{operation.service.name}:{operation.name}" in self.overlay.no_pass_role:
            return []
        paths = []
        shapes = operation.service.shapes
        for member, reference in operation.members.items():
            shape = shapes[reference["shape"]]
            if re.search(r"role(arn)?$", member, re.I) and shape["type"] == "string":
                paths.append(member)
            elif shape["type"] in ("structure", "list") and not shape.get("union"):
                inner = shapes[shape["member"]["shape"]] if shape["type"] == "list" else shape
                step = "[]" if shape["type"] == "list" else ""
                paths += [f"{member}{step}.{m}" for m, r in inner.get("members", {}).items()
                          if re.search(r"role(arn)?$", m, re.I) and shapes[r["shape"]]["type"] == "string"]
        return [Grant(["iam:PassRole"], ["{%s:roleArn}" % p], ["{%s:roleArn}" % p]) for p in paths[:4]]

    def row(self, operation):
        """One line of the table; see table.h."""
        rule = self.overlay.rules.get((operation.service.name, operation.name)) or \
            self.overlay.rules.get((operation.service.name, "*"))
        flags = ""
        remembers = []
        if rule and not rule.keeps_automatic:
            grants = list(rule.grants)
            remembers = rule.remembers
            if rule.needs_nothing:
                flags = "n"
        else:
            grants = self.automatic(operation)
            if rule:
                grants = (grants or []) + rule.grants
                remembers = rule.remembers
            if operation.unsigned:
                flags, grants = "n", []
            elif grants is None:
                self.without_action.append(f"{operation.service.name}:{operation.name}")
                flags, grants = "u", []
        if not flags:
            named = {f.split(":")[0] for g in grants if "iam:PassRole" in g.actions for r in g.resources
                     for f in overlay_module.fields_of(r)}
            grants = grants + [g for g in self.pass_role(operation) if g.resources[0][1:].split(":")[0] not in named]
        return self.compile(operation, flags, grants, remembers)

    def compile(self, operation, flags, grants, remembers):
        fields = []
        prefix = self.prefix(operation.service)

        def member_field(path):
            field = operation.locate(path)
            if field is None:
                raise SystemExit(f"{operation.service.name} {operation.name}: no member {path}")
            return f"{field[0]}!{field[1:]}" if field[0] != "u" and operation.needs(path) else field

        def letter(name):
            kind, _, rest = name.partition(":")
            located = {"query": "q", "header": "h", "response": "r", "response-header": "H", "s3": "s", "memory": "m"}
            if kind == "memory":
                memory, _, member = rest.partition(":")
                field = f"m{memory}:{letter_of(member_field(member))}"
            elif kind in located and rest:
                field = located[kind] + rest
            elif name == "path":
                field = "p"
            else:
                path, _, form = name.partition("~")
                field = member_field(path)
                field += "~" + form if form else ""
            return letter_of(field)

        def letter_of(field):
            if field not in fields:
                fields.append(field)
            return LETTERS[fields.index(field)]

        def reference(match):
            text = match.group(1)
            if text in ("P", "R", "A"):
                return "{%s}" % {"P": "1", "R": "2", "A": "3"}[text]
            name, default = text, ""
            if "=" in text:
                name, _, default = text.partition("=")
                default = "=" + default
            name, transform = split_transform(name)
            return "{%s%s%s}" % (letter(name), ":" + transform if transform else "", default)

        def split_transform(name):
            special = ("query:", "header:", "response:", "response-header:", "s3:", "memory:")
            head = next((s for s in special if name.startswith(s)), "")
            rest = name[len(head):]
            if head == "memory:":
                return name, ""
            rest, _, transform = rest.partition(":")
            return head + rest, transform

        def resource(template):
            # What has a transform or comes from elsewhere than the request's members is an ARN by itself.
            if not re.match(r"arn:|\*$|\{[^}]*:", template):
                template = "arn:{P}:%s:{R}:{A}:%s" % (prefix, template)
            template = re.sub(r"\{([^}]*)\}", reference, template)
            own = "arn:{1}:%s:{2}:{3}:" % prefix
            return "~" + template[len(own):] if template.startswith(own) else template.replace("arn:{1}:", "^", 1)

        def condition(text):
            negative = text.startswith("not ")
            text = text[4:] if negative else text
            text, _, value = text.partition(" is not ")
            name, transform = split_transform(text.strip("{}"))
            return ("!" if negative else "") + letter(name) + (":" + transform if transform else "") + \
                ("!" + value if value else "")

        columns = []
        for grant in grants:
            actions = []
            for action in grant.actions:
                action = f"{prefix}:{operation.name}" if action == "=" else action
                service, _, name = action.partition(":")
                if "$M" not in name:
                    if self.iam.action(service, name) != name:
                        raise SystemExit(f"{operation.service.name} {operation.name}: IAM has no action {action}")
                actions.append("=" if action == f"{prefix}:{operation.name}" else
                               ":" + name if service == prefix else action)
            column = ",".join(actions) + " " + "|".join(resource(r) for r in grant.resources)
            if grant.conditions:
                column += " " + "&".join(condition(c) for c in grant.conditions)
            columns.append(column[:-2] if column.endswith(" *") else column)
        for kind, path in remembers:
            columns.append(f"> {kind} {path}")
        if len(fields) > len(LETTERS):
            raise SystemExit(f"{operation.service.name} {operation.name}: too many fields")
        line = "\t".join([operation.name, flags, " ".join(fields), *columns])
        return line.rstrip("\t") + "\n"
