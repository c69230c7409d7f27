/** A sql worker as `walwarden sql-worker` runs it, without the rest of the program. */
import { runSqlWorker } from "../../../src/worker/entry.ts";

runSqlWorker(process.argv.slice(2));
