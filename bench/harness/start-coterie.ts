import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isReady, listNodes } from '../../src/cli/node-list.ts';
import { Contestant, untilReady } from './contestant.ts';
import { freePorts } from './free-ports.ts';
import { ServerProcess } from './server-process.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const PLAIN = fileURLToPath(new URL('../plain-server.ts', import.meta.url));
const ASK_TIMEOUT_MS = 2000;

// As in `npm start` (decisions 0014 and 0016).
process.env['MALLOC_MMAP_THRESHOLD_'] ??= '1048576';
const NODE_FLAGS = ['--max-semi-space-size=16', '--v8-pool-size=0'];

/**
 * Starts a cluster of this checkout, as `npm start` would, and waits until each node calls each node alive.
 *
 * @param nodeArgs for Node.js itself, such as a profiler's.
 * @param durability of the keyspaces; unless it is `none` each node has a directory that goes with the benchmark.
 */
export async function startCoterie(
  nodes: number,
  nodeArgs: readonly string[] = [],
  durability: 'none' | 'batched' | 'sync' = 'none',
): Promise<Contestant> {
  const directory = durability === 'none' ? undefined : temporaryDirectory();
  const ports = await freePorts(2 * nodes);
  const busPorts = ports.slice(nodes);
  const servers = busPorts.map((busPort, index) => {
    const name = `n${index + 1}`;
    const flags = ['--name', name, '--port', String(ports[index]), '--bus-port', String(busPort)];
    if (nodes > 1) {
      flags.push('--join', busPorts.map(port => `127.0.0.1:${port}`).join(','), '--expect-nodes', String(nodes));
    }
    if (directory !== undefined) flags.push(...diskFlags(directory, name, durability));
    const args = [...NODE_FLAGS, ...nodeArgs, MAIN, 'start', ...flags, '--log-format', 'json'];
    return new ServerProcess(`coterie ${name}`, ports[index]!, process.execPath, args);
  });
  for (const server of servers) {
    await untilReady(server, async () => {
      const entries = await listNodes({ host: '127.0.0.1', port: server.port }, '', ASK_TIMEOUT_MS);
      return entries.length === nodes && entries.every(isReady);
    });
  }
  return new Contestant('coterie', servers);
}

function diskFlags(directory: string, name: string, durability: string): readonly string[] {
  const config = join(directory, 'coterie.yaml');
  const keyspaces = [
    `{ db: 0, name: eventual, policy: eventual, durability: ${durability} }`,
    `{ db: 1, name: quorum, policy: quorum, durability: ${durability} }`,
  ];
  writeFileSync(config, `keyspaces: [${keyspaces.join(', ')}]\n`);
  return ['--config', config, '--data-dir', join(directory, name)];
}

/** Starts a node by itself; does not wait until it answers. */
export function startNode(port: number, busPort: number, flags: readonly string[]): ServerProcess {
  const own = ['--port', String(port), '--bus-port', String(busPort), ...flags, '--log-format', 'json'];
  return new ServerProcess('coterie', port, process.execPath, [...NODE_FLAGS, MAIN, 'start', ...own]);
}

/** Starts one more node, which is to join the cluster; does not wait until it has. */
export async function addCoterie(cluster: Contestant, flags: readonly string[]): Promise<ServerProcess> {
  const [port, busPort] = await freePorts(2);
  const nodes = await listNodes({ host: '127.0.0.1', port: cluster.port }, '', ASK_TIMEOUT_MS);
  const seeds = nodes.map(node => node.get('bus')).join(',');
  const name = `n${cluster.servers.length + 1}`;
  const own = ['--name', name, '--port', String(port), '--bus-port', String(busPort), '--join', seeds, ...flags];
  const args = [...NODE_FLAGS, MAIN, 'start', ...own, '--log-format', 'json'];
  return new ServerProcess(`coterie ${name}`, port!, process.execPath, args);
}

/** Starts the plain server: what Node.js and the parser cost on their own. */
export async function startPlain(): Promise<Contestant> {
  const [port] = await freePorts(1);
  const server = new ServerProcess('plain server', port!, process.execPath, [PLAIN, String(port)]);
  await untilReady(server, async () => server.lines.includes('listening'));
  return new Contestant('plain', [server]);
}
