/**
 * TCP addresses: "127.0.0.1:9925", "localhost:9925", "[::1]:9925". The port is never left out and the host
 * never empty: an empty host means every interface to some programs and loopback to others.
 */
import { isIP, isIPv4, isIPv6 } from "node:net";
import { accept, type Parsed, refuse } from "./parsed.ts";
import { parseInteger } from "./parseInteger.ts";

export interface ListenAddress {
  /** IPv6 without its brackets. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

export const defaultListen: ListenAddress = Object.freeze({ host: "127.0.0.1", port: 9925 });

export const listenAccepted =
  "address:port or [IPv6 address]:port, for example 127.0.0.1:9925, port 0 to 65535";
const portAccepted = "a TCP port from 0 to 65535 (0: any free one)";
export const hostAccepted = "an IP address or a host name, without a port";

export function parsePort(text: string): Parsed<number> {
  const port = parseInteger(text, { min: 0, max: 65_535, unit: "" });
  return port.ok ? port : refuse(portAccepted);
}

/** Host names as RFC 1123 has them; something that looks like an IPv4 address must be one. */
export function parseHost(text: string): Parsed<string> {
  if (isIP(text) !== 0) return accept(text.toLowerCase());
  const labels = text.length <= 253 ? text.split(".") : [];
  const labelsHold =
    labels.length > 0 && labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label));
  const isNumeric = /^[0-9]+$/.test(labels[labels.length - 1] ?? "");
  return labelsHold && !isNumeric ? accept(text.toLowerCase()) : refuse(hostAccepted);
}

export function parseListen(text: string): Parsed<ListenAddress> {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):([0-9]+)$/.exec(text);
  const port = parsePort(match?.[3] ?? "");
  const bracketed = match?.[1];
  const plain = match?.[2];
  if (!port.ok) return refuse(listenAccepted);
  if (bracketed !== undefined) {
    return isIPv6(bracketed)
      ? accept({ host: bracketed.toLowerCase(), port: port.value })
      : refuse(listenAccepted);
  }
  if (plain === undefined) return refuse(listenAccepted);
  const host = isIPv4(plain) ? accept(plain) : parseHost(plain);
  return host.ok ? accept({ host: host.value, port: port.value }) : refuse(listenAccepted);
}

export function formatListen(listen: ListenAddress): string {
  return isIPv6(listen.host) ? `[${listen.host}]:${listen.port}` : `${listen.host}:${listen.port}`;
}
