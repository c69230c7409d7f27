/**
 * The text of /etc/passwd: names of users. Source: passwd(5). Name, password, user id and more, with colons in
 * between; the first of several names of one id counts, as for getpwuid(3). Users of a directory service are not in it.
 *
 * Invariant: a line that is not understood is left out, and nothing throws.
 */

/** 32 bits. */
const uidMax = 0xffffffff;

export function parsePasswd(text: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split("\n")) {
    const [name = "", , uid = ""] = line.split(":", 3);
    if (name === "" || !/^\d+$/.test(uid) || Number(uid) > uidMax || names.has(Number(uid))) continue;
    names.set(Number(uid), name);
  }
  return names;
}
