"""A server for ogc.py: ``/ogc``, and at ``/plain`` a bare Flask that sends the same bytes.

At ``/here`` a route of the application itself sends them, with its headers and languages.

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
bodies: list[bytes] = []
plain = Flask("plain")


@own.get("/here")
@plain.get("/")
def same_bytes() -> Response:
    """Send the bytes, and do nothing else."""
    return Response(bodies[0], content_type="application/geo+json")


bodies.append(own.test_client().get(path, headers={"Host": f"127.0.0.1:{port}"}).data)
both = DispatcherMiddleware(own.wsgi_app, {"/plain": plain.wsgi_app})
waitress.serve(both, host="127.0.0.1", port=int(port), threads=8, _quiet=True)
