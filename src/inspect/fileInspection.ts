/** The database file and its header, as an inspection tells of them. Pure. */
import type { FileLook, Observation } from "../domain/observation.ts";
import type { DatabaseInspection, FileInspection, HeaderInspection } from "./inspection.ts";

export function describeFile(
  { mount, access, freeBytes }: Observation,
  file: Extract<FileLook, { readonly kind: "regular" }>,
): FileInspection {
  const { identity, sizeBytes, modifiedAtMs, uid, gid, permissions, linkCount } = file;
  const seen = mount.kind === "seen" ? mount : null;
  return {
    identity,
    sizeBytes,
    modifiedAtMs,
    uid,
    gid,
    permissions: permissions.toString(8).padStart(4, "0"),
    linkCount,
    fileSystemType: seen?.fileSystemType ?? null,
    mountPoint: seen?.mountPoint ?? null,
    mountedReadOnly: seen?.readOnly ?? null,
    freeBytes,
    access,
  };
}

type Unreadable = DatabaseInspection["unreadable"];

/** A sidecar that is no regular file, or may not be read: what is in it is not known, which is not nothing. */
export function describeUnreadable({ wal, shm, journal }: Observation): Unreadable {
  const looks = [
    ["wal", wal],
    ["walIndex", shm],
    ["journal", journal],
  ] as const;
  return looks.flatMap(([file, look]) => {
    if (look.kind === "unreadable") return [{ file, reason: `${look.operation} ${look.code}` }];
    return look.kind === "other" ? [{ file, reason: `it is a ${look.what}` }] : [];
  });
}

/** @returns null: it has none that could be read; guards say why */
export function describeHeader({ header }: Observation): HeaderInspection | null {
  if (header?.kind !== "header") return null;
  const { inWalMode, pageSizeBytes, pageCount, pageCountValid, freelistPageCount, changeCounter } =
    header.header;
  return {
    inWalMode,
    pageSizeBytes,
    pageCount: pageCountValid ? pageCount : null,
    freelistPageCount,
    changeCounter,
    lastWrittenBy: versionText(header.header.sqliteVersionNumber),
  };
}

/** 3040001 is 3.40.1. */
function versionText(versionNumber: number): string {
  if (versionNumber < 3_000_000 || versionNumber >= 4_000_000) return "";
  return [
    Math.floor(versionNumber / 1_000_000),
    Math.floor(versionNumber / 1_000) % 1_000,
    versionNumber % 1_000,
  ].join(".");
}
