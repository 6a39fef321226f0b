"""The names of API endpoints as RE2 regular expressions, as CoreDNS' plugin template matches them: whole names in lower or any case, with a
dot at the end. They say what aws-visibility/iam/endpoint.cc says."""

import re


def alternatives(words):
    return "|".join(re.escape(w).replace("\\-", "-") for w in sorted(words))


def patterns(hosts):
    starts = alternatives(s for p in hosts.partitions for s in p.region_starts)
    region = rf"(?:{starts})\w+-\d+"
    suffix = "(?:%s)" % alternatives({s for p in hosts.partitions for s in (p.suffix, p.dual_stack_suffix)})
    label = r"[^.]{1,63}"
    bucket = r"[^.]+(?:\.[^.]+)*"
    return [
        # service.region
        rf"(?i)^(?:{alternatives(hosts.regional)})(?:-fips)?(?:\.dualstack)?\.{region}\.{suffix}\.$",
        # account.service.region
        rf"(?i)^{label}\.(?:{alternatives(hosts.LABELLED)})(?:-fips)?(?:\.dualstack)?\.{region}\.{suffix}\.$",
        # service, and older names
        rf"(?i)^(?:(?:{alternatives(hosts.global_)})(?:-fips)?(?:\.global|\.us-gov)?|{region}\.queue|{bucket}\.endpoint\.events)\.{suffix}\.$",
        # buckets
        rf"(?i)^(?:{bucket}\.)?s3(?:(?:-fips)?(?:\.dualstack)?\.{region}|-{region}|-external-1)?\.{suffix}\.$",
        rf"(?i)^{bucket}\.s3-accelerate(?:\.dualstack)?\.{suffix}\.$",
        # access points, outposts, zones
        rf"(?i)^(?:{label}\.mrap\.accesspoint\.s3-global|(?:[^.]{{1,50}}-\d{{12}}\.s3-accesspoint|(?:{label}\.)?s3-object-lambda"
        rf"|{label}\.op-[^.]{{1,60}}\.s3-outposts)(?:-fips)?(?:\.dualstack)?\.{region}"
        rf"|(?:[^.]{{1,57}}--x-s3\.)?s3express-(?:[^.]+)(?:\.dualstack)?\.{region})\.{suffix}\.$",
    ]


def text(hosts, head):
    return head + "".join(p + "\n" for p in patterns(hosts))
