/**
 * A prober as the kubelet or a load balancer is one, in a process of its own: asks a URL at a fixed interval
 * over one kept-alive connection until its input ends, then prints the latencies in milliseconds as JSON.
 * `bun probe.ts URL INTERVAL_MS`; prints `probing` after the first answer.
 */
import { Agent, get } from "node:http";

function ask(url: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedAtMs = performance.now();
    const request = get(url, { agent }, (response) => {
      response.resume();
      response.on("end", () => resolve(performance.now() - startedAtMs));
    });
    request.on("error", reject);
  });
}

async function main(): Promise<void> {
  const url = process.argv[2] ?? "";
  const intervalMs = Number(process.argv[3]);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let ended = false;
  process.stdin.on("data", () => undefined);
  process.stdin.on("end", () => {
    ended = true;
  });
  const latenciesMs: number[] = [];
  await ask(url, agent);
  console.log("probing");
  while (!ended) {
    const latencyMs = await ask(url, agent);
    latenciesMs.push(Math.round(latencyMs * 1000) / 1000);
    await Bun.sleep(Math.max(0, intervalMs - latencyMs));
  }
  agent.destroy();
  console.log(JSON.stringify(latenciesMs));
  process.exit(0);
}

await main();
