/** Texts that no kernel, no daemon and no library would write, for every parser of text, and what is wrong with an answer. */
import { expect } from "bun:test";
import { mountOf, parseMountInfo } from "../../../src/format/mountInfo.ts";
import { parsePasswd } from "../../../src/format/passwd.ts";
import { parseCgroupUnit } from "../../../src/format/procCgroup.ts";
import { lockCoversByte, parseProcLocks } from "../../../src/format/procLocks.ts";
import { parseProcStat } from "../../../src/format/procStat.ts";
import { parseEffectiveUid } from "../../../src/format/procStatus.ts";
import { findSqliteTexts, sqliteBuildsIn } from "../../../src/format/sqliteVersionText.ts";
import { ledgerLine, ledgerText, parseLedger } from "../../../src/policy/ledgerFile.ts";
import type { SeededRandom } from "../../crash/seededRandom.ts";
import { entry } from "../../unit/policy/ledgerBuilders.ts";
import { mutatedText } from "./mutations.ts";

export interface Case {
  readonly name: string;
  readonly inputCount: number;
  /** Makes one input and judges the answer; null: as it should be. */
  run(random: SeededRandom): string | null;
}

export const oneOf = (kind: string, ...known: readonly string[]): string | null =>
  known.includes(kind) ? null : `the answer ${kind}`;

function locksProblem(text: string): string | null {
  const locks = parseProcLocks(text);
  for (const lock of locks) {
    lockCoversByte(lock, 120);
    if (lock.access !== "READ" && lock.access !== "WRITE") return `access ${String(lock.access)}`;
    if (!Number.isInteger(lock.pid) || Number.isNaN(lock.firstByte) || Number.isNaN(lock.lastByte))
      return `numbers of ${JSON.stringify(lock)}`;
    if (!/^\d+:\d+$/.test(lock.device) || !/^\d+$/.test(lock.inode))
      return `file ${lock.device} ${lock.inode}`;
  }
  return locks.length > text.split("\n").length ? "more locks than lines" : null;
}

function mountsProblem(text: string): string | null {
  const mounts = parseMountInfo(text);
  const mount = mountOf(mounts, "/var/lib/app/kv.db");
  if (mount !== null && !mounts.includes(mount)) return "a mount from nowhere";
  const isWrong = mounts.some(({ id, device }) => Number.isNaN(id) || !/^\d+:\d+$/.test(device));
  return isWrong ? "a mount without numbers" : null;
}

function statProblem(text: string): string | null {
  const stat = parseProcStat(text);
  if (stat === null) return null;
  return /^\d+$/.test(stat.startTicks) && text.includes(stat.comm)
    ? null
    : `a process ${JSON.stringify(stat)}`;
}

function uidProblem(uid: number | null): string | null {
  return uid === null || (Number.isInteger(uid) && uid >= 0 && uid <= 0xffffffff) ? null : `user id ${uid}`;
}

function usersProblem(text: string): string | null {
  for (const [uid, name] of parsePasswd(text)) {
    const problem = uidProblem(uid);
    if (problem !== null) return problem;
    if (name === "" || /[:\n]/.test(name)) return `the name ${JSON.stringify(name)}`;
  }
  return null;
}

function unitProblem(text: string): string | null {
  const unit = parseCgroupUnit(text);
  if (unit === null) return null;
  return unit === "" || unit.includes("\n") || unit.includes("/") ? `the unit ${JSON.stringify(unit)}` : null;
}

function sqliteProblem(text: string): string | null {
  const texts = findSqliteTexts(text);
  for (const { sourceId, sourceDate, version } of sqliteBuildsIn(texts)) {
    if (!text.includes(sourceId) || !sourceId.startsWith(sourceDate)) return `the source ${sourceId}`;
    if (version !== null && !texts.versions.includes(version)) return `the version ${version}`;
  }
  return null;
}

/** What was read is what would be written and read again: nothing half believed is in it. */
function ledgerProblem(text: string): string | null {
  const reading = parseLedger(text);
  if (reading.kind !== "ledger")
    return reading.reason === "" ? "no reason" : oneOf(reading.kind, "unreadable");
  const again = parseLedger(ledgerText(reading.entries.map(ledgerLine)));
  return Bun.deepEquals(again, reading) ? null : "a ledger that is not read as it is written";
}

// Written down, not read from /proc, so that a seed makes the same inputs on every machine.
const lockLines = `1: POSIX  ADVISORY  WRITE 5329 fe:00:2146358 120 120
2: -> FLOCK  ADVISORY  WRITE 1043 00:1a:77 0 EOF
3: OFDLCK ADVISORY  READ  -1 fe:00:2146358 128 128
4: POSIX  ADVISORY  READ 5329 fe:00:2146357 1073741826 1073742335
5: LEASE  ACTIVE    READ 77 00:38:2146359 0 EOF
6: FLOCK  ADVISORY  WRITE 1042 00:1a:77 0 EOF
`;
const mountLines = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
23 22 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw
36 22 98:0 /mnt1 /var/lib rw,noatime master:1 - ext3 /dev/root rw,errors=continue
37 36 0:38 / /var/lib/app\\040one rw shared:2 - btrfs /dev/vdb rw,space_cache=v2
38 36 0:39 / /var/lib/app rw - xfs /dev/vdc rw
`;

const statLine =
  "5329 (kv (db) 1) S 1 5329 5329 0 -1 4194560 1 0 0 0 2 3 0 0 20 0 7 0 123456 1048576 256 18446744073709551615\n";
const statusLines =
  "Name:\tkv\nUmask:\t0022\nPid:\t5329\nUid:\t1000\t998\t0\t998\nGid:\t100\t100\t100\t100\n";
const passwdLines = `root:x:0:0:root:/root:/bin/bash
app:x:998:998::/var/lib/app:/usr/sbin/nologin
# a line that is none
nobody:x:65534:65534:nobody:/:/sbin/nologin
`;
const cgroupLines = `12:cpu,cpuacct:/
1:name=systemd:/docker/${"0123456789ab".repeat(6).slice(0, 64)}
0::/
`;
const libraryText =
  "\0SQLite format 3\x003.40.1\x001.2.13\0" +
  "2022-12-28 14:03:47 df5c253c0b3dd24916e4ec7cf77d3db5294cc9fd45ae7b9c5e82ad8197f38a24\0";
const fsyncError = {
  file: "wal",
  code: "EIO",
  atMs: 1,
  walIdentity: "5 6",
  databaseIdentity: "1:10",
} as const;
const ledgerLines = ledgerText([entry(), entry({ header: null, wal: null, fsyncError })].map(ledgerLine));

/** `text` changed at random, each time anew, for the parser that `problemOf` asks. */
function textCase(
  name: string,
  inputCount: number,
  text: string,
  problemOf: (mutated: string) => string | null,
): Case {
  return { name, inputCount, run: (random) => problemOf(mutatedText(text, random)) };
}

export function textCases(): readonly Case[] {
  expect(parseProcLocks(lockLines)).toHaveLength(5);
  expect(parseMountInfo(mountLines)).toHaveLength(5);
  expect(parseProcStat(statLine)).toEqual({ comm: "kv (db) 1", startTicks: "123456" });
  expect(parseEffectiveUid(statusLines)).toBe(998);
  expect(parsePasswd(passwdLines).size).toBe(3);
  expect(parseCgroupUnit(cgroupLines)).toBe("docker container 0123456789ab");
  expect(sqliteBuildsIn(findSqliteTexts(libraryText))).toMatchObject([{ version: "3.40.1" }]);
  expect(parseLedger(ledgerLines).kind).toBe("ledger");
  return [
    textCase("/proc/locks", 15_000, lockLines, locksProblem),
    textCase("mountinfo", 15_000, mountLines, mountsProblem),
    textCase("/proc/PID/stat", 10_000, statLine, statProblem),
    textCase("/proc/PID/status", 10_000, statusLines, (text) => uidProblem(parseEffectiveUid(text))),
    textCase("/proc/PID/cgroup", 10_000, cgroupLines, unitProblem),
    textCase("/etc/passwd", 10_000, passwdLines, usersProblem),
    textCase("texts of a library", 10_000, libraryText, sqliteProblem),
    textCase("ledger", 10_000, ledgerLines, ledgerProblem),
  ];
}
