"""A service that tests kill: a supervisor in a process of its own, on the database and the folder of its arguments.

Its jobs run ``program.py``, or nascale itself where a third argument says so; a fourth one is a JSON object of data.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from service.jobs import processes, supervisor
from service.jobs.resources import Resources
from service.jobs.store import JobStore

supervisor._TICK_SECONDS, supervisor.BEAT_SECONDS = 0.1, 0.5
url, folder, *rest = sys.argv[1:]
program = (
    processes.PROGRAM if rest else (sys.executable, "-I", "-S", str(Path(__file__).with_name("program.py")))
)
data = json.loads(rest[1]) if rest[1:] else {}
store = JobStore(url, Path(folder))
supervisor.Supervisor(Resources(store, data), program=program, max_cores=8).start()
print("started", flush=True)
time.sleep(600)
