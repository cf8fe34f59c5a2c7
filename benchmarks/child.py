"""Run a command and print what it cost as JSON.

In a small process of its own: Linux counts a parent's memory into its child's peak.
"""

import json
import resource
import subprocess
import sys
import time

start = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=False).returncode
wall_s = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
unit = 2**20 if sys.platform == "darwin" else 2**10
cpu_s = used.ru_utime + used.ru_stime
print(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s, "peak_mb": used.ru_maxrss / unit}))
sys.exit(code)
