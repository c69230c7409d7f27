/** What a command may touch of the process that runs it: passed in, so that commands can be tested. */
export interface Io {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly workingDirectory: string;
  stdout(text: string): void;
  stderr(text: string): void;
  /** Standard output is a terminal. */
  readonly isTerminal: boolean;
  /** Its width; undefined: it does not say, or there is none. */
  readonly terminalColumns?: number | undefined;
}
