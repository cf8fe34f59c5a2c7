"""From an installed wheel, in a folder that is not the checkout: make a store, serve, ask."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

PATIENCE = float(os.environ.get("LOCATOR_TEST_PATIENCE") or 1)
PAGES = {
    "/": "附近开着的骑手驿站",
    "/?place=" + urllib.parse.quote("经二路商圈"): "去这里",
    "/stations/BJ-R-001": "未来七天",
    "/map": "lmap",
    "/embed/map": "lmap",
    "/embed/map.js": "locatorMap.draw",
    "/embed/nearest": "embed-nearest.js",
    "/embed/coverage": "lmap",
    "/embed/map.svg": "<svg",
    "/embed": "embed-builder.js",
    "/api/nearest?lon=107.1489&lat=34.3692": "FeatureCollection",
    "/healthz": '"stations":120',
    "/assets/site.css": "--",
    "/assets/tokens.css": "--accent",
    "/?lang=zh": "附近开着的骑手驿站",
    "/?lang=en": "Open rider stations near you",
    "/exports?lang=en": "Data files",
    "/stations/BJ-R-001?lang=en": "The next seven days",
    "/notices": "本周通知",
    "/exports": "数据下载",
    "/exports/stations.geojson": "FeatureCollection",
    "/exports/gbfs/gbfs.json": "station_information",
    "/stations.json": '"format":1',
    "/manifest.webmanifest": "standalone",
    "/sw.js": "LOCATOR_BUILD",
    "/icons/favicon.svg": "<svg",
    "/assets/rider.js": "locatorRank",
    "/assets/phone.js": "geolocation",
    "/assets/leaflet/leaflet.js": "Leaflet",
    "/assets/map.js": "",
}


def main() -> None:
    """Fail loudly on the first page that is not as it should be."""
    import locator

    where = Path(locator.__file__).resolve()
    if "site-packages" not in where.parts:
        sys.exit(f"this is not the installed wheel but {where}")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "locator", "--store", f"geopackage:{folder}/s.gpkg"]
        environment = os.environ | {"LOCATOR_BASEMAP": "none"}
        subprocess.run([*command, "init"], check=True, env=environment, stdout=subprocess.DEVNULL)
        figure = Path(folder) / "map.png"
        subprocess.run([*command, "map", "--out", str(figure)], check=True, env=environment)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = subprocess.Popen([*command, "serve", "--port", str(port)], env=environment)
        try:
            check_pages(f"http://127.0.0.1:{port}", server)
        finally:
            server.terminate()
            server.wait(timeout=10 * PATIENCE)
    print(json.dumps({"wheel": str(where), "pages": len(PAGES)}))


def check_pages(base: str, server: "subprocess.Popen[bytes]") -> None:
    """Wait for the server and read every page."""
    until = time.monotonic() + 60 * PATIENCE
    while True:
        try:
            urllib.request.urlopen(base + "/healthz", timeout=5 * PATIENCE).close()
            break
        except OSError:
            if time.monotonic() > until or server.poll() is not None:
                raise
            time.sleep(0.2)
    for path, expected in PAGES.items():
        with urllib.request.urlopen(base + path, timeout=20 * PATIENCE) as answer:
            body = answer.read().decode("utf-8")
        if answer.status != 200 or expected not in body:
            sys.exit(f"{path}: {answer.status}, without {expected!r}")


if __name__ == "__main__":
    main()
