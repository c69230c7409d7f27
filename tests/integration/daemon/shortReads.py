"""A reader on Python's sqlite3 that reads for 0.4 s, again and again, each in a transaction of its own, until its input
ends. One line of stdout: `reading COUNT` after each. It may not write the database."""

import pathlib
import select
import sqlite3
import sys
import time

uri = pathlib.Path(sys.argv[1]).as_uri() + "?mode=ro"
connection = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)
count = 0
while not select.select([sys.stdin], [], [], 0)[0]:
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM written").fetchone()
    time.sleep(0.4)
    connection.execute("COMMIT")
    count += 1
    print("reading", count, flush=True)
connection.close()
