#!/usr/bin/env python3
"""moto in AWS' place on both of AWS' ports, 443 with TLS and 80 without, with one state behind them.

Usage: moto_ports.py CERTIFICATE KEY"""

import os
import sys
import threading

from werkzeug.serving import run_simple

os.environ.setdefault("MOTO_PORT", "443")

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402


def serve(port, ssl_context):
    run_simple("0.0.0.0", port, application, threaded=True, ssl_context=ssl_context)


application = DomainDispatcherApplication(create_backend_app)
threading.Thread(target=serve, args=(80, None), daemon=True).start()
serve(443, (sys.argv[1], sys.argv[2]))
