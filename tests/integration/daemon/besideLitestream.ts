/** A daemon, and an application whose database something called Litestream reads: what replicator tests begin with. */
import type { TestProcess } from "../../support/childProcess.ts";
import type { Daemon } from "../../support/daemonProcess.ts";
import { startLitestreamStandIn } from "../../support/litestreamStandIn.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import type { Writer } from "../../support/writers/writer.ts";
import { makeKv, startApplication, startWatching, waitUntilReady, withoutReserve } from "./watched.ts";

export interface BesideLitestream extends AsyncDisposable {
  readonly path: string;
  readonly writer: Writer;
  readonly litestream: TestProcess;
  readonly daemon: Daemon;
}

/** The daemon is ready. Needs the sqlite3 tool. */
export async function startBesideLitestream(): Promise<BesideLitestream> {
  await using starting = new AsyncDisposableStack();
  const directory = starting.use(makeTempDirectory());
  const path = makeKv(directory);
  const writer = starting.use(await startApplication(path, { pauseMs: 5 }));
  const litestream = starting.use(await startLitestreamStandIn(directory, path));
  const daemon = starting.use(await startWatching(directory, withoutReserve(path)));
  await waitUntilReady(daemon, "kv");
  const started = starting.move();
  return { path, writer, litestream, daemon, [Symbol.asyncDispose]: () => started.disposeAsync() };
}
