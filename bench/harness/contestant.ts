import { setTimeout as sleep } from 'node:timers/promises';
import { ask, type Reply } from '../../src/cli/resp-client.ts';
import { processorSeconds } from './proc.ts';
import type { ServerProcess } from './server-process.ts';

const READY_TIMEOUT_MS = 20_000;
const POLL_INTERVAL_MS = 100;
const ASK_TIMEOUT_MS = 2000;
/** What a server at rest may use of one processor: timers, gossip, its own statistics. */
const REST_SHARE = 0.1;
const REST_TIMEOUT_MS = 10_000;

/** Servers that together are one side of a comparison. Clients talk to the first. */
export class Contestant {
  readonly name: string;
  readonly servers: readonly ServerProcess[];

  constructor(name: string, servers: readonly ServerProcess[]) {
    this.name = name;
    this.servers = servers;
  }

  get port(): number {
    return this.servers[0]!.port;
  }

  get pids(): number[] {
    return this.servers.map(server => server.pid);
  }

  /** Processor time of all servers so far, in seconds. */
  processorSeconds(): number {
    return this.pids.reduce((sum, pid) => sum + processorSeconds(pid), 0);
  }

  /** Waits until what goes on behind the replies, such as replication, has been done. */
  async rest(): Promise<void> {
    const deadlineMs = performance.now() + REST_TIMEOUT_MS;
    let beforeMs = performance.now();
    let before = this.processorSeconds();
    while (performance.now() < deadlineMs) {
      await sleep(POLL_INTERVAL_MS);
      const [nowMs, now] = [performance.now(), this.processorSeconds()];
      if ((now - before) * 1000 <= REST_SHARE * (nowMs - beforeMs) * this.servers.length) return;
      [beforeMs, before] = [nowMs, now];
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map(server => server.stop()));
  }
}

/** Sends one command on a connection of its own. @throws an error reply as an Error. */
export async function command(server: ServerProcess, ...args: string[]): Promise<Reply> {
  const [reply] = await ask({ host: '127.0.0.1', port: server.port }, [args], ASK_TIMEOUT_MS);
  if (reply instanceof Error) throw reply;
  return reply!;
}

/** Waits until `isReady` says so of this server. @throws an Error with the server's own last words. */
export async function untilReady(server: ServerProcess, isReady: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  while (performance.now() < deadlineMs && !server.hasEnded) {
    if (await isReady().catch(() => false)) return;
    await sleep(POLL_INTERVAL_MS);
  }
  throw new Error(`${server.name} did not become ready:\n${server.lines.slice(-20).join('\n')}`);
}
