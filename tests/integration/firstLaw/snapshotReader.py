"""A reader on Python's sqlite3: opens a snapshot, keeps it until a line comes in, and compares. One line of
stdout each: `holding COUNT`, `unchanged COUNT` or `changed COUNT`, `after COUNT`. Exits 1 with SQLite's words
on any error."""

import sqlite3
import sys


def count(connection):
    return connection.execute("SELECT count(*), coalesce(sum(length(payload)), 0) FROM written").fetchone()


connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
connection.execute("BEGIN")
held = count(connection)
print("holding", held[0], flush=True)
sys.stdin.readline()
again = count(connection)
print("unchanged" if again == held else "changed", again[0], flush=True)
connection.execute("COMMIT")
print("after", count(connection)[0], flush=True)
connection.close()
