/** The list of endpoints: `GET /` prints it, README.md has it as a table, and a test holds the routes to it. */

export interface Endpoint {
  readonly method: "GET" | "POST";
  /** The same answer at each; NAME stands for the name of a database. */
  readonly paths: readonly string[];
  readonly answer: string;
}

export const endpoints: readonly Endpoint[] = Object.freeze([
  { method: "GET", paths: ["/"], answer: "this list, as text" },
  { method: "GET", paths: ["/metrics"], answer: "Prometheus text format" },
  {
    method: "GET",
    paths: ["/health/live", "/livez"],
    answer: "200 while the process serves; depends on no database",
  },
  {
    method: "GET",
    paths: ["/health/ready", "/readyz"],
    answer:
      "200 when ready or degraded, 503 otherwise; JSON with every check, reason and since when; `?verbose` for people; `?exclude=NAME` without a check or a database, `?exclude=DATABASE/CHECK`",
  },
  {
    method: "GET",
    paths: ["/health/startup", "/startupz"],
    answer: "200 once every startup sequence has ended, whatever its verdict; 503 before",
  },
  { method: "GET", paths: ["/api/v1/databases"], answer: "what status shows, as JSON" },
  {
    method: "GET",
    paths: ["/api/v1/databases/NAME"],
    answer: "the same for one; encode slashes in names as `%2F`",
  },
  { method: "POST", paths: ["/api/v1/databases/NAME/checkpoint"], answer: "a checkpoint now" },
  {
    method: "POST",
    paths: ["/api/v1/databases/NAME/integrity-check"],
    answer: "a check now: `?check=quick` (default) or `?check=full`",
  },
  {
    method: "POST",
    paths: ["/api/v1/databases/NAME/announce-restore"],
    answer: "what changes the file within the next hour is a restore",
  },
]);

/** As text, one endpoint a line. */
export function endpointsText(): string {
  const rows = endpoints.map(({ method, paths, answer }) => [
    `${method.padEnd(4)} ${paths.join(", ")}`,
    answer,
  ]);
  const width = Math.max(...rows.map(([request = ""]) => request.length));
  const lines = rows.map(
    ([request = "", answer = ""]) => `${request.padEnd(width)}  ${answer.replaceAll("`", "")}`,
  );
  return `walwarden\n\n${lines.join("\n")}\n\nPOST works on the Unix socket, or with a bearer token.\n`;
}
