"""A proxy in front of a server, as a deployer has one: it passes requests on and notes their lines.

python tests/recording_proxy.py PORT TARGET_PORT LOG
"""

import http.client
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length"}


class Proxy(BaseHTTPRequestHandler):
    """Passes a GET on with the headers that say where it came in."""

    protocol_version = "HTTP/1.1"
    target = 0
    log = Path()

    def do_GET(self) -> None:
        with self.log.open("a", encoding="utf-8") as stream:
            stream.write(self.path + "\n")
        given = {k: v for k, v in self.headers.items() if k.lower() not in {"host", "connection"}}
        host = self.headers["Host"]
        given |= {"X-Forwarded-Host": host, "X-Forwarded-Proto": "http"}
        connection = http.client.HTTPConnection("127.0.0.1", self.target)
        connection.request(self.command, self.path, headers=given)
        answer = connection.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        connection.close()

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing: the lines are in the file."""


if __name__ == "__main__":
    Proxy.target, Proxy.log = int(sys.argv[2]), Path(sys.argv[3])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Proxy).serve_forever()
