"""Flashes by the engine of the upstream tool (bty-lab on PyPI), as its wizard does after the last question.

The wizard itself wants a terminal and reboots the machine at the end.
"""

import sys
from pathlib import Path

from bty import flash

url, target = sys.argv[1:]
plan = flash.make_plan(flash.probe_image_url(url), flash.probe_target(Path(target)))
problems = flash.validate_plan(plan)
if problems:
    sys.exit("; ".join(problems))
flash.execute_plan(plan)
