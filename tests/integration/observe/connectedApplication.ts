/** An application that is connected to a database in WAL mode with one row: what tests of its locks begin with. */
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { type SqlProcess, startSqlProcess } from "./sqlProcess.ts";

/** One row, in table t. */
export const walSql = "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)";

export interface ConnectedApplication extends AsyncDisposable {
  readonly path: string;
  readonly application: SqlProcess;
  /** Another process, for what only a second connection shows; it ends with the application. */
  another(): SqlProcess;
}

/** `sql` is run, by default `walSql`. */
export async function startConnected(sql = walSql): Promise<ConnectedApplication> {
  await using starting = new AsyncDisposableStack();
  const directory = starting.use(makeTempDirectory());
  const application = starting.use(startSqlProcess());
  const path = directory.file("kv.db");
  await application.run(path, sql);
  const started = starting.move();
  const another = () => started.use(startSqlProcess());
  return { path, application, another, [Symbol.asyncDispose]: () => started.disposeAsync() };
}
