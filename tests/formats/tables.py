"""Reads all tables of a data package with Frictionless and prints the rows read of each, or what is wrong with them, as JSON."""

import json
import sys

from frictionless import Package

report = Package(sys.argv[1]).validate()
print(
    json.dumps(
        {
            "errors": [f"{task.name}: {error.message}" for task in report.tasks for error in task.errors]
            + [error.message for error in report.errors],
            "rows": {task.name: task.stats.get("rows") for task in report.tasks},
        }
    )
)
