import { execFileSync } from 'node:child_process';
import { Contestant, command, untilReady } from './contestant.ts';
import { freePorts } from './free-ports.ts';
import { ServerProcess } from './server-process.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** Ends the program with one sentence when Redis's programs can't be run. */
export function requireRedis(): void {
  for (const program of ['redis-server', 'redis-benchmark']) {
    try {
      execFileSync(program, ['--version'], { stdio: 'ignore' });
    } catch {
      process.stderr.write(
        `This benchmark compares coterie to Redis and cannot run ${program}: install Debian's packages ` +
          'redis-server and redis-tools (apt-get install redis-server redis-tools).\n',
      );
      process.exit(1);
    }
  }
}

/** Such as `7.0.15`; undefined where there is no Redis, which is fine for what is not compared to it. */
export function redisVersion(): string | undefined {
  try {
    const text = execFileSync('redis-server', ['--version'], { encoding: 'utf8' });
    return /v=(\S+)/.exec(text)?.[1];
  } catch {
    return undefined;
  }
}

/**
 * Starts a Redis, and replicas of it, and waits until they follow.
 *
 * @param appendfsync with an append-only file, synchronised so; unless given it keeps nothing on disk.
 */
export async function startRedis(replicas: number, appendfsync?: 'always' | 'everysec'): Promise<Contestant> {
  const ports = await freePorts(replicas + 1);
  // A replica's first copy of the data passes through a file.
  const directory = temporaryDirectory();
  const servers = ports.map((port, index) => {
    const flags = ['--port', String(port), '--bind', '127.0.0.1', '--save', ''];
    flags.push(
      ...(appendfsync === undefined ? ['--appendonly', 'no'] : ['--appendonly', 'yes', '--appendfsync', appendfsync]),
    );
    flags.push('--dir', directory, '--dbfilename', `${port}.rdb`, '--repl-diskless-sync-delay', '0');
    // A replica that falls behind, as it may where all share two processors, is waited for and not cut off.
    flags.push('--client-output-buffer-limit', 'replica 0 0 0');
    if (index > 0) flags.push('--replicaof', `127.0.0.1 ${ports[0]}`);
    return new ServerProcess(index === 0 ? 'redis' : `redis replica ${index}`, port, 'redis-server', flags);
  });
  for (const [index, server] of servers.entries()) {
    await untilReady(server, async () => {
      const info = String(await command(server, 'INFO', 'replication'));
      return index === 0 ? info.includes('role:master') : info.includes('master_link_status:up');
    });
  }
  return new Contestant('redis', servers);
}
