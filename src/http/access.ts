/**
 * Who may ask what. Two rules:
 *
 * - Page and API answer only to host names that are known: a browser that was lured to a foreign name which
 *   resolves to this address (DNS rebinding) sends that name. Metrics and health are exempt, because the
 *   kubelet and Prometheus ask by pod address; they hold nothing that could be acted on.
 * - Acting takes the Unix socket, whose file permissions say who may, or the bearer token over TCP.
 */
import { createHash, timingSafeEqual } from "node:crypto";

const loopbackHosts = ["localhost", "127.0.0.1", "::1"];

/** `hostHeader` as it was sent, with or without a port; `allowedHosts` without ports. */
export function isAllowedHost(hostHeader: string | undefined, allowedHosts: readonly string[]): boolean {
  const host = hostName(hostHeader ?? "");
  if (host === null) return false;
  return [...loopbackHosts, ...allowedHosts].some((allowed) => hostName(bracketed(allowed)) === host);
}

/** Lower case, without port, brackets and the final dot; null when it is no host. */
function hostName(header: string): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:/?#@[\]]+))(?::\d{1,5})?$/i.exec(header);
  const name = match?.[1] ?? match?.[2];
  return name === undefined ? null : name.toLowerCase().replace(/\.$/, "");
}

/** Configuration has IPv6 addresses without brackets. */
function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

export interface ActingRule {
  /** The listener is the Unix socket. */
  readonly trusted: boolean;
  readonly token: string | null;
}

/** Null: it may act; else what to do about it. */
export function actingRefusal(rule: ActingRule, authorization: string | undefined): string | null {
  if (rule.trusted) return null;
  if (rule.token === null || rule.token === "") {
    return "Acting over TCP is off. Use the Unix socket (walwarden checkpoint, integrity-check or announce-restore NAME), or configure a token file and send its token as a bearer token.";
  }
  const sent = /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
  if (sent !== undefined && isSameSecret(sent, rule.token)) return null;
  return sent === undefined
    ? "Acting over TCP takes a token: send Authorization: Bearer TOKEN with the token of the configured token file, or use the Unix socket."
    : "The bearer token is not the one in the configured token file.";
}

/** In constant time: digests have one length, so neither content nor length shows in the time it takes. */
function isSameSecret(left: string, right: string): boolean {
  return timingSafeEqual(digest(left), digest(right));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text, "utf8").digest();
}
