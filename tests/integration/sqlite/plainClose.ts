/** What the gentle close avoids: a connection that may write, and closes last. `bun plainClose.ts PATH` */
import { Database } from "bun:sqlite";

const database = new Database(process.argv[2] ?? "", { readwrite: true });
const statement = database.prepare("SELECT count(*) FROM sqlite_schema");
statement.get();
statement.finalize();
database.close(true);
