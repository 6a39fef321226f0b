#!/usr/bin/env python3
"""Gives exported policies to moto, which then checks the signature of every call and looks it up in them: do they allow what was recorded,
all of it, and nothing else? Prints what is not so; exit code 1 then.

Usage: judge.py POLICIES RESULTS      RESULTS: of run_calls.py, by the workload that the policies were exported for

Moto is not AWS. What is put right by hand, here and nowhere else:
- of all services but S3 it checks a call against the resource "*", so the statements of those are widened to that;
- it calls some actions by other names (IN_MOTO);
- of a call that needs several permissions it asks for one, the first in calls.py;
- it cannot check some signatures, also without a proxy (UNREADABLE)."""

import copy
import dataclasses
import json
import os
import sys
import tempfile
import urllib.request

import calls as table
import run_calls

USER = "web"
IN_MOTO = {
    "s3:ListBucket": ["s3:ListBucket", "s3:HeadBucket"],
    "sqs:SendMessage": ["sqs:SendMessage", "sqs:SendMessageBatch"],
    "dynamodb:DeleteItem": ["dynamodb:TransactWriteItems"],
    "lambda:InvokeFunction": ["lambda:Invoke"],
    "cloudwatch:PutMetricData": ["monitoring:PutMetricData"],
    "cloudwatch:ListMetrics": ["monitoring:ListMetrics"],
}
UNREADABLE = ("presign", "s3 cp --no-progress small.txt", "s3 cp 's3://shop-pictures/a b", "lambda list-functions", "route53 list-hosted-zones")
NOT_MADE = [
    "s3api get-object --bucket shop-pictures --key other.txt other.txt",
    "s3api get-object --bucket shop.dotted.example --key small.txt small.txt",
    "s3api delete-object --bucket shop-pictures --key big.bin",
    "s3api put-object --bucket shop-pictures --key nowhere.txt --body small.txt",
    "s3api delete-bucket --bucket shop-pictures",
    "sqs purge-queue --queue-url https://sqs.$R.amazonaws.com/$A/orders",
    "dynamodb scan --table-name carts",
    "secretsmanager delete-secret --secret-id shop/db",
    "iam delete-role --role-name worker",
    "ec2 describe-vpcs",
]


def for_moto(policy):
    statements = []
    for statement in policy["Statement"]:
        of_s3 = [a for a in statement["Action"] if a.startswith("s3:")]
        others = [a for a in statement["Action"] if not a.startswith("s3:")]
        for actions, resources in ((of_s3, statement["Resource"]), (others, "*")):
            if actions:
                names = [name for action in actions for name in IN_MOTO.get(action, [action])]
                statements.append({"Effect": statement["Effect"], "Action": names, "Resource": resources})
    return {"Version": policy["Version"], "Statement": statements}


def allows(statement, access):
    """Whether a statement that was exported is for what calls.py says; as moto sees it."""
    action, resource = access.split(" ", 1)
    return action in statement["Action"] and (not action.startswith("s3:") or resource in statement["Resource"])


class Judge:
    def __init__(self, policies, runner):
        self.policies, self.runner = policies, runner
        self.admin = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
        self.user = None
        self.faults = []

    def as_user(self, user, words):
        os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"] = user
        return run_calls.in_a_process(lambda: run_calls.aws(words), self.runner.directory)

    def administer(self, *words):
        code, out, err = self.as_user(self.admin, ["iam", *words])
        if code != 0:
            sys.exit(f"judge: {words[0]}: {err}")
        return json.loads(out) if out.strip() else None

    def make_user(self, name):
        self.administer("create-user", "--user-name", name)
        key = self.administer("create-access-key", "--user-name", name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def put(self, number, policy):
        self.administer("put-user-policy", "--user-name", USER, "--policy-name", f"part{number}", "--policy-document",
                        json.dumps(for_moto(policy)))

    def begin(self):
        administrator = self.make_user("admin")
        self.administer("put-user-policy", "--user-name", "admin", "--policy-name", "all", "--policy-document", json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}))
        self.user = self.make_user(USER)
        for number, policy in enumerate(self.policies):
            self.put(number, policy)
        self.admin = administrator
        urllib.request.urlopen(urllib.request.Request("https://moto.amazonaws.com/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"}),
                               context=run_calls.trust(), timeout=20).close()

    def run(self, call):
        os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"] = self.user
        return self.runner.run(call)

    def replay(self, recorded):
        for call, before in zip(table.CALLS, recorded):
            if not call.command.startswith(UNREADABLE):
                now = self.run(call)
                if now["code"] != before["code"]:
                    self.faults.append(f"not allowed although it was recorded: {call.command}: {now['err'].strip()}")

    def expect_denial(self, call, why):
        result = self.run(dataclasses.replace(call, save={}))
        if result["code"] == 0 or not any(word in result["err"] for word in ("AccessDenied", "UnauthorizedOperation", "(403)", "Forbidden")):
            self.faults.append(f"{why}, and is allowed: {call.command}: {result['code']} {result['err'].strip()}")

    def take_away(self):
        """Each statement in turn; how many that was. One whose actions are all in others, too, is no different to moto once it is widened."""
        taken = 0
        all_statements = [statement for policy in self.policies for statement in policy["Statement"]]
        for number, policy in enumerate(self.policies):
            for statement in policy["Statement"]:
                rest = copy.deepcopy(policy)
                rest["Statement"].remove(statement)
                call = next((c for c in table.CALLS if self.needs(c, statement, all_statements)), None)
                if call is None:
                    others = [s for s in all_statements if s is not statement]
                    if all(any(a in s["Action"] for s in others) and not a.startswith("s3:") for a in statement["Action"]):
                        continue
                    self.faults.append(f"no call needs {json.dumps(statement)}")
                    continue
                self.put(number, rest)
                self.expect_denial(call, f"without {json.dumps(statement)} a call is to be denied")
                self.put(number, policy)
                taken += 1
        return taken

    def needs(self, call, statement, statements):
        if not call.accesses or call.command.startswith(UNREADABLE):
            return False
        access = self.runner.filled(call.accesses[0])
        return [s for s in statements if allows(s, access)] == [statement]


def main(policies_path, results_path):
    with open(policies_path, encoding="utf-8") as policies, open(results_path, encoding="utf-8") as results:
        workloads, recorded = json.load(policies), json.load(results)["calls"]
    [workload] = [w for w in workloads if w["workload"]["name"] == USER]
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        run_calls.write_files()
        run_calls.load_models()
        judge = Judge(workload["policies"], run_calls.Runner(directory))
        judge.begin()
        judge.replay(recorded)
        for command in NOT_MADE:
            judge.expect_denial(table.call(command), "it was not recorded")
        statements = judge.take_away()
        os.chdir("/")
    print(f"{len(recorded)} calls, {len(NOT_MADE)} others, {statements} statements taken away one by one: {len(judge.faults)} faults")
    sys.stderr.writelines(fault + "\n" for fault in judge.faults)
    return 1 if judge.faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
