#!/usr/bin/env python3
"""Makes the calls of calls.py by awscli, with the names and the trust of the pod it runs in, and writes what each gave.

Usage: run_calls.py run RESULTS        all of them, in a temporary folder
       run_calls.py used RESULTS       what the map has to show as used by those that succeed, "RESOURCE ACTION" a line, sorted
       run_calls.py attempted RESULTS  the same of those that fail
       run_calls.py one COMMAND        one command of awscli, in words of this program's own arguments; its exit code

Each call is a process of its own: a copy of one that has awscli and its models loaded, which saves the second that loading takes. The folder of awscli
is in PYTHONPATH; AWS_CA_BUNDLE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY come from the environment."""

import base64
import json
import os
import re
import shlex
import ssl
import string
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
import zipfile

import awscli.clidriver
import jmespath

import calls as table

# What differs between two runs of the same call: moments. Other made-up values are the same, since moto's are seeded.
MOMENTS = [
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?"), "TIME"),
    (re.compile(r"\b1[789]\d{8}(\.\d+|\d{3})?\b"), "TIME"),
    (re.compile(r"\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"), "TIME"),
]


def in_a_process(function, directory):
    """Exit code, and what was written to standard output and standard error."""
    texts = [os.path.join(directory, ".out"), os.path.join(directory, ".err")]
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for number, path in enumerate(texts, 1):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
            sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
            sys.stderr = open(2, "w", encoding="utf-8", closefd=False)
            code = function()
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return [code] + [open(path, encoding="utf-8", errors="replace").read() for path in texts]


driver = awscli.clidriver.create_clidriver()


def load_models():
    loader = driver.session.get_component("data_loader")
    for service in table.services():
        for model in ("service-2", "endpoint-rule-set-1"):
            loader.load_service_model(service, model)
    for data in ("partitions", "endpoints", "sdk-default-configuration"):
        loader.load_data(data)


def aws(words):
    return driver.main(words)


def trust():
    return ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])


def fetch(url):
    """As a browser that was given a presigned URL."""
    try:
        with urllib.request.urlopen(url, context=trust(), timeout=20) as answer:
            print(answer.status, answer.read().decode())
            return 0
    except urllib.error.HTTPError as error:
        print(error.code, error.read().decode())
        return 1


def write_files():
    open("small.txt", "w").write("hello\n")
    with open("big.bin", "wb") as big:
        for block in range(12 * 16):
            big.write(bytes([block]) * 65536)
    with zipfile.ZipFile("f.zip", "w") as code:
        code.writestr(zipfile.ZipInfo("f.py"), "def h(*a): pass")


class Runner:
    def __init__(self, directory):
        self.directory = directory
        self.values = {"R": table.REGION, "A": table.ACCOUNT, "now": str(int(time.time() * 1000))}

    def filled(self, text):
        """With the values of earlier calls, which are for values of the table as well."""
        return string.Template(string.Template(text).safe_substitute(self.values)).safe_substitute(self.values)

    def normal(self, text):
        for name, value in self.values.items():
            if name not in ("R", "A"):
                text = text.replace(value, "$" + name)
        for pattern, word in MOMENTS:
            text = pattern.sub(word, text)
        return text

    def run(self, call):
        words = shlex.split(self.filled(call.command))
        if words[0] == "presign":
            url = in_a_process(lambda: aws(["s3"] + words), self.directory)[1].strip()
            code, out, err = in_a_process(lambda: fetch(url), self.directory)
        else:
            code, out, err = in_a_process(lambda: aws(words), self.directory)
        for name, path in call.save.items():
            self.values[name] = (jmespath.search(path, json.loads(out)) if code == 0 else None) or "NOTHING"
            if name == "cipher":
                with open("cipher.bin", "wb") as file:
                    file.write(base64.b64decode(self.values[name]))
        return {"command": call.command, "code": code, "out": self.normal(out), "err": self.normal(err)}


def run(path):
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        write_files()
        load_models()
        runner = Runner(directory)
        results = [runner.run(call) for call in table.CALLS]
        down = open("down.bin", "rb").read() == open("big.bin", "rb").read() if os.path.exists("down.bin") else False
        os.chdir("/")
    with open(path, "w") as file:
        json.dump({"calls": results, "values": runner.values, "down_is_up": down}, file, indent=1)


def wanted(path, succeeded):
    runner = Runner("")
    with open(path, encoding="utf-8") as results:
        runner.values = json.load(results)["values"]
    lines = set()
    for call in table.CALLS:
        for access in call.accesses if (call.exit_code == 0) == succeeded else []:
            action, resource = runner.filled(access).split(" ", 1)
            lines.add(f"{resource} {action}")
    print("\n".join(sorted(lines)))


if __name__ == "__main__":
    what, arguments = sys.argv[1], sys.argv[2:]
    if what == "one":
        sys.exit(aws(arguments))
    {"run": run, "used": lambda path: wanted(path, True), "attempted": lambda path: wanted(path, False)}[what](*arguments)
