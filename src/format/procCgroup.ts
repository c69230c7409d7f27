/**
 * The text of /proc/PID/cgroup: which service, or which container, a process belongs to.
 *
 * Source: cgroups(7). "0::/system.slice/app.service" with version 2; one line for each hierarchy with version 1, where
 * "1:name=systemd:/..." is systemd's. Names of containers: Docker, Podman, containerd and CRI-O name a scope or a
 * directory by the 64 hexadecimal digits of the container; the kubelet one above it by the pod ("pod" + its UID, with
 * underscores for hyphens under systemd). Of a container as many digits are shown as its own tools show.
 *
 * Invariant: a text that is not understood is null, and nothing throws.
 */

const shownIdLength = 12;
const podUid = /pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?$/;
const containerId = /^(?:([a-z][a-z0-9-]*)-)?([0-9a-f]{64})(?:\.scope)?$/;
const unitName = /\.(?:service|scope)$/;

/**
 * The innermost systemd unit ("app.service"), a container ("docker container 0123456789ab"), or a container of a pod
 * ("pod UID container 0123456789ab"). Null: none of these.
 */
export function parseCgroupUnit(text: string): string | null {
  const parts = groupPath(text).split("/");
  let pod: string | null = null;
  let container: string | null = null;
  let unit: string | null = null;
  for (const [at, part] of parts.entries()) {
    const uid = podUid.exec(part)?.[1];
    if (uid !== undefined) pod = uid.replaceAll("_", "-");
    const [, engine, id] = containerId.exec(part) ?? [];
    if (id !== undefined) {
      const name = engine ?? (at > 0 ? engineDirectory(parts[at - 1] ?? "") : null);
      const shown = `container ${id.slice(0, shownIdLength)}`;
      container = pod !== null || name === null ? shown : `${name} ${shown}`;
      unit = null;
    } else if (unitName.test(part)) unit = part;
  }
  if (container === null) return unit;
  const place = pod === null ? container : `pod ${pod} ${container}`;
  // A service within a container that runs systemd of its own.
  return unit === null ? place : `${unit} in ${place}`;
}

/** Version 2 leaves its own line at the root where version 1 still does the work. */
function groupPath(text: string): string {
  let systemdPath = "";
  let otherPath = "";
  for (const line of text.split("\n")) {
    const [hierarchy = "", controllers = "", ...rest] = line.split(":");
    const path = rest.join(":");
    if (path === "" || path === "/") continue;
    if (hierarchy === "0" && controllers === "") return path;
    if (controllers === "name=systemd") systemdPath = path;
    else if (path.length > otherPath.length) otherPath = path;
  }
  return systemdPath === "" ? otherPath : systemdPath;
}

/** "docker" of /docker/ID. */
function engineDirectory(name: string): string | null {
  return /^[a-z][a-z0-9-]*$/.test(name) && !unitName.test(name) ? name : null;
}
