/**
 * Where log lines go: a file descriptor, written to off the event loop.
 *
 * A log reader that stalls (a full pipe, a journal that hangs) or goes away (EPIPE) must neither block
 * the daemon nor end it, so lines wait in a bounded queue, one write is under way at a time, and what
 * does not fit is dropped and counted. Invariants: lines leave whole and in order; `queuedBytes` never
 * exceeds `queueBytesMax`; after EPIPE nothing is written any more.
 *
 * pino's own destination is not used: with the default minLength its flush() calls back before anything
 * was written, after EPIPE it stops counting, and it flushes synchronously on exit, which on a full pipe
 * never returns.
 */
import { write } from "node:fs";

const chunkBytesMax = 64 * 1024;
const retryMs = 50;

export interface FlushResult {
  /** False: the deadline passed, or the reader is gone, with lines still unwritten or dropped. */
  readonly complete: boolean;
  /** Lines dropped since the destination was made. */
  readonly droppedLineCount: number;
}

export class LineDestination {
  private readonly queue: Buffer[] = [];
  private queuedBytes = 0;
  /** What is being written, and how many lines it holds; null: no write is under way. */
  private underWay: { readonly bytes: Buffer; readonly lineCount: number } | null = null;
  private broken = false;
  private droppedLineCount = 0;
  private reportedDroppedLineCount = 0;
  private readonly idleWaiters = new Set<() => void>();

  /** `onRecovered` is told, once the reader reads again, how many lines were dropped meanwhile. */
  constructor(
    private readonly fd: number,
    private readonly queueBytesMax: number,
    private readonly onRecovered: (droppedLineCount: number) => void,
  ) {}

  write(line: string): void {
    const bytes = Buffer.from(line, "utf8");
    if (this.broken || this.queuedBytes + bytes.length > this.queueBytesMax) {
      this.droppedLineCount++;
      return;
    }
    this.queue.push(bytes);
    this.queuedBytes += bytes.length;
    if (this.underWay === null) this.writeNext();
  }

  /** Waits until everything is written, at most for `deadlineMs`. */
  async flush(deadlineMs: number): Promise<FlushResult> {
    if (this.underWay !== null && !this.broken) {
      let wake = (): void => {};
      const idle = new Promise<void>((resolve) => {
        wake = resolve;
      });
      this.idleWaiters.add(wake);
      const timer = setTimeout(wake, deadlineMs);
      await idle;
      clearTimeout(timer);
      this.idleWaiters.delete(wake);
    }
    const complete = this.underWay === null && this.droppedLineCount === 0;
    return { complete, droppedLineCount: this.droppedLineCount };
  }

  private writeNext(): void {
    const lines: Buffer[] = [];
    let chunkBytes = 0;
    for (const line of this.queue) {
      if (lines.length > 0 && chunkBytes + line.length > chunkBytesMax) break;
      lines.push(line);
      chunkBytes += line.length;
    }
    if (lines.length === 0) {
      this.becomeIdle();
      return;
    }
    this.queue.splice(0, lines.length);
    this.underWay = { bytes: Buffer.concat(lines, chunkBytes), lineCount: lines.length };
    this.writeFrom(0);
  }

  private writeFrom(offsetBytes: number): void {
    const { underWay } = this;
    if (underWay === null) return;
    write(
      this.fd,
      underWay.bytes,
      offsetBytes,
      underWay.bytes.length - offsetBytes,
      null,
      (error, written) => {
        if (error === null || error === undefined) {
          const nextBytes = offsetBytes + written;
          if (nextBytes < underWay.bytes.length) this.writeFrom(nextBytes);
          else this.endWrite(0);
          return;
        }
        this.failWrite(error.code ?? "", offsetBytes, underWay.lineCount);
      },
    );
  }

  private failWrite(code: string, offsetBytes: number, lineCount: number): void {
    if (code === "EAGAIN" || code === "EINTR") {
      setTimeout(() => this.writeFrom(offsetBytes), retryMs);
      return;
    }
    if (code === "EPIPE" || code === "EBADF") {
      this.broken = true;
      this.droppedLineCount += this.queue.length;
      this.queue.length = 0;
    }
    // Anything else (a full disk behind stdout, say) may pass: these lines are lost, later ones are tried.
    this.endWrite(lineCount);
  }

  private endWrite(lostLineCount: number): void {
    this.droppedLineCount += lostLineCount;
    this.queuedBytes -= this.underWay?.bytes.length ?? 0;
    if (this.broken) this.queuedBytes = 0;
    this.underWay = null;
    this.writeNext();
  }

  private becomeIdle(): void {
    const unreported = this.droppedLineCount - this.reportedDroppedLineCount;
    if (unreported > 0 && !this.broken) {
      this.reportedDroppedLineCount = this.droppedLineCount;
      this.onRecovered(unreported);
      // The report is itself a line, so a write is under way again, and its end comes here.
      if (this.underWay !== null) return;
    }
    for (const wake of this.idleWaiters) wake();
    this.idleWaiters.clear();
  }
}
