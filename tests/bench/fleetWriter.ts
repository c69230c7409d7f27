/**
 * Real SQLite connections in one process: `bun fleetWriter.ts SYNCHRONOUS COMMITS_PER_SECOND PATH...`. Opens all of the
 * databases, says `ready`, and commits one row in each, so often a second and evenly over it; 0: only stays connected. Ends
 * when its input does, and says `commits N`.
 */
import { Database } from "bun:sqlite";

const [synchronous = "FULL", rateText = "1", ...paths] = process.argv.slice(2);
const commitsPerSecond = Number(rateText) * paths.length;

const writers = paths.map((path) => {
  const database = new Database(path);
  database.exec(`PRAGMA busy_timeout = 5000`);
  database.exec(`PRAGMA synchronous = ${synchronous}`);
  // Connected to the WAL-index from the first read on.
  database.query("SELECT count(*) FROM written").get();
  return { database, insert: database.prepare("INSERT INTO written(payload) VALUES (randomblob(100))") };
});
let ended = false;
process.stdin.on("data", () => undefined);
process.stdin.on("end", () => {
  ended = true;
});
console.log("ready");

const startedAtMs = performance.now();
let commitCount = 0;
while (!ended) {
  const dueCount = Math.floor(((performance.now() - startedAtMs) / 1000) * commitsPerSecond);
  // A writer that fell behind does not make up for all of it at once.
  const burst = Math.min(dueCount - commitCount, 200);
  for (let done = 0; done < burst; done += 1) {
    writers[commitCount % writers.length]?.insert.run();
    commitCount += 1;
  }
  await Bun.sleep(commitsPerSecond === 0 ? 50 : 1);
}
console.log(`commits ${commitCount} in ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
for (const { database, insert } of writers) {
  insert.finalize();
  database.close();
}
