"""A server for ogc.py: ``/ogc``, and at ``/plain`` a Flask route that sends the same bytes.

python benchmarks/ogc_server.py STORE PORT PATH
"""

import logging
import sys

import waitress
from flask import Flask, Response
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from locator.settings import Settings
from locator.web import create_app

logging.getLogger().setLevel(logging.ERROR)
store, port, path = sys.argv[1:]
own = create_app(Settings(store=f"geopackage:{store}", basemap="none"))
body = own.test_client().get(path, headers={"Host": f"127.0.0.1:{port}"}).data
plain = Flask("plain")


@plain.get("/")
def same_bytes() -> Response:
    """Send the bytes, and do nothing else."""
    return Response(body, content_type="application/geo+json")


both = DispatcherMiddleware(own.wsgi_app, {"/plain": plain.wsgi_app})
waitress.serve(both, host="127.0.0.1", port=int(port), threads=8, _quiet=True)
