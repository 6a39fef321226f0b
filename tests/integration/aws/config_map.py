#!/usr/bin/env python3
"""Writes the files of a ConfigMap that the chart makes.

Usage: config_map.py MANIFESTS NAME FOLDER"""

import os
import sys

import yaml

manifests, name, folder = sys.argv[1:]
for document in yaml.safe_load_all(open(manifests, encoding="utf-8")):
    if document and document["kind"] == "ConfigMap" and document["metadata"]["name"] == name:
        for file, text in document["data"].items():
            with open(os.path.join(folder, file), "w", encoding="utf-8") as out:
                out.write(text)
