/**
 * Looks for the processes that have files open, for many databases at once: a scan goes over all of /proc, so
 * whoever asks while one is under way shares the next one. No answer is older than its question.
 */
import type { OpenerLook } from "../domain/observation.ts";
import { type OpenableFiles, type OpenersHost, scanOpeners } from "../host/openers.ts";

interface Question {
  readonly files: OpenableFiles;
  readonly answer: (look: OpenerLook) => void;
}

export class OpenerScans {
  readonly #host: OpenersHost;
  readonly #ownPids: () => ReadonlySet<number>;
  #questions: Question[] = [];
  #scanning = false;

  constructor(host: OpenersHost, ownPids: () => ReadonlySet<number>) {
    this.#host = host;
    this.#ownPids = ownPids;
  }

  scan(files: OpenableFiles): Promise<OpenerLook> {
    return new Promise((answer) => {
      this.#questions.push({ files, answer });
      if (!this.#scanning) void this.#answerAll();
    });
  }

  async #answerAll(): Promise<void> {
    this.#scanning = true;
    // Whoever asks in the same turn of the event loop is in the first scan.
    await Promise.resolve();
    while (this.#questions.length > 0) {
      const questions = this.#questions;
      this.#questions = [];
      const files = questions.map((question) => question.files);
      const looks = await scanOpeners(this.#host, files, this.#ownPids);
      for (const { files: asked, answer } of questions) {
        answer(looks.get(asked) ?? { kind: "unobservable", reason: "the files were not looked for" });
      }
    }
    this.#scanning = false;
  }
}
