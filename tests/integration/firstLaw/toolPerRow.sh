#!/bin/sh
# A new sqlite3 process for each row, as a shell script or a cron job writes. $1 is the database, $2 a file
# that ends the loop by being there, $3 the journal mode. stdout: `row N` once the process of row N has ended
# with success; what the tool complains about goes to stderr.
row=1
while [ ! -e "$2" ]; do
  if sqlite3 -batch "$1" "PRAGMA journal_mode = $3; CREATE TABLE IF NOT EXISTS written(id INTEGER PRIMARY KEY, payload BLOB); INSERT OR IGNORE INTO written VALUES ($row, randomblob(100));" >/dev/null; then
    echo "row $row"
    row=$((row + 1))
  fi
done
