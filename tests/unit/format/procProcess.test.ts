import { describe, expect, test } from "bun:test";
import { parsePasswd } from "../../../src/format/passwd.ts";
import { parseCgroupUnit } from "../../../src/format/procCgroup.ts";
import { parseProcStat } from "../../../src/format/procStat.ts";
import { parseEffectiveUid } from "../../../src/format/procStatus.ts";

const id = "0123456789abcdef".repeat(4);

describe("parseProcStat", () => {
  const fields = "S 1 4711 4711 0 -1 4194304 100 0 0 0 1 2 0 0 20 0 1 0 987654 1000 10 18446744073709551615";

  test("takes a name whole, whatever is in it, and the start time behind it", () => {
    for (const comm of ["app", "a b", "a) S 1 (b", "))((", ""])
      expect(parseProcStat(`4711 (${comm}) ${fields}\n`)).toEqual({ comm, startTicks: "987654" });
  });

  test("does not understand what is cut off or something else", () => {
    for (const text of ["", "4711", "4711 (app)", "4711 (app) S 1 2 3", ")(", `4711 app ${fields}`])
      expect(parseProcStat(text)).toBeNull();
  });
});

describe("parseEffectiveUid", () => {
  test("is the second of the four", () => {
    expect(parseEffectiveUid("Name:\tapp\nUid:\t1000\t33\t33\t33\nGid:\t5\t5\t5\t5\n")).toBe(33);
  });

  test("a name cannot stand for the line", () => {
    expect(parseEffectiveUid("Name:\tUid: 7 7\n")).toBeNull();
    expect(parseEffectiveUid("")).toBeNull();
  });
});

describe("parsePasswd", () => {
  test("the first name of a user id counts, and lines that are none are left out", () => {
    const names = parsePasswd(
      "root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n+::::::\nbroken\n:x:5:5\nwww:x:33:33::/:/bin/false\n",
    );
    expect([...names]).toEqual([
      [0, "root"],
      [33, "www"],
    ]);
  });
});

describe("parseCgroupUnit", () => {
  const unitOf = (path: string) => parseCgroupUnit(`0::${path}\n`);

  test("the innermost service or scope of systemd", () => {
    expect(unitOf("/system.slice/app.service")).toBe("app.service");
    expect(unitOf("/system.slice/system-pg.slice/pg@main.service/child")).toBe("pg@main.service");
    expect(unitOf("/user.slice/user-1000.slice/session-3.scope")).toBe("session-3.scope");
    expect(unitOf("/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope")).toBe("run-1.scope");
  });

  test("a container, by its engine and as many digits as its own tools show", () => {
    expect(unitOf(`/system.slice/docker-${id}.scope`)).toBe("docker container 0123456789ab");
    expect(unitOf(`/docker/${id}`)).toBe("docker container 0123456789ab");
    expect(unitOf(`/machine.slice/libpod-${id}.scope/container`)).toBe("libpod container 0123456789ab");
    expect(unitOf(`/system.slice/docker-${id}.scope/system.slice/app.service`)).toBe(
      "app.service in docker container 0123456789ab",
    );
  });

  test("a container of a Kubernetes pod, under both cgroup drivers", () => {
    const uid = "8f4a1c52-0d6e-4d0b-9a57-2f1f6f0e7a11";
    const expected = `pod ${uid} container 0123456789ab`;
    const underscored = uid.replaceAll("-", "_");
    expect(
      unitOf(
        `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${underscored}.slice/cri-containerd-${id}.scope`,
      ),
    ).toBe(expected);
    expect(unitOf(`/kubepods/besteffort/pod${uid}/${id}`)).toBe(expected);
  });

  test("beside version 1 the line of version 2 counts, and the hierarchy of systemd where that is empty", () => {
    expect(parseCgroupUnit("4:memory:/x/y\n1:name=systemd:/system.slice/app.service\n0::/\n")).toBe(
      "app.service",
    );
    expect(parseCgroupUnit("1:name=systemd:/old.service\n0::/system.slice/app.service\n")).toBe(
      "app.service",
    );
    expect(parseCgroupUnit(`4:memory:/docker/${id}\n0::/\n`)).toBe("docker container 0123456789ab");
  });

  test("nothing is made up where there is no unit", () => {
    for (const text of ["", "0::/\n", "0::/some/group\n", "garbage", "0::\n", `0::/${id.slice(1)}\n`])
      expect(parseCgroupUnit(text)).toBeNull();
  });
});
