"""Takes a ZIP archive apart with the reader of Python, after checking every entry."""

import sys
import zipfile

with zipfile.ZipFile(sys.argv[1]) as archive:
    damaged = archive.testzip()
    if damaged:
        sys.exit(f"{damaged} is damaged")
    for entry in archive.infolist():
        if entry.date_time != (1980, 1, 1, 0, 0, 0):
            sys.exit(f"{entry.filename} has the time {entry.date_time}")
    archive.extractall(sys.argv[2])
