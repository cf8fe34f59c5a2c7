"""The addresses that scripts of any site may read: public data, and no cookie counts there."""

from flask import Flask, Response, request

_OPEN = ("/ogc", "/exports", "/oembed", "/api/nearest")


def open_to_scripts(app: Flask) -> None:
    """Let scripts of other sites read what is public, faults included, and ask before they do.

    The star is for questions without cookies only (Fetch standard, 3.2.5), and nothing allows
    them; no preflight is kept, because its address may hold a position.
    """

    @app.after_request
    def allow(response: Response) -> Response:
        if f"{request.path}/".startswith(tuple(f"{path}/" for path in _OPEN)):
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Access-Control-Expose-Headers"] = "Content-Crs, ETag, Retry-After"
            if request.method == "OPTIONS":
                response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
                response.headers["Access-Control-Allow-Headers"] = (
                    "Accept, Accept-Language, Content-Type, If-None-Match"
                )
                response.headers["Access-Control-Max-Age"] = "0"
        return response
