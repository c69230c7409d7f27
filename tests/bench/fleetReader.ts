/** `bun fleetReader.ts PATH`: begins a read, says `reading`, and holds its snapshot until it is killed. Run only by a benchmark. */
import { Database } from "bun:sqlite";

const database = new Database(process.argv[2] ?? "", { readwrite: true });
database.exec("BEGIN");
database.query("SELECT count(*) FROM written").get();
console.log("reading");
// A database that nobody refers to is closed by the garbage collector.
setInterval(() => database.inTransaction, 60_000);
