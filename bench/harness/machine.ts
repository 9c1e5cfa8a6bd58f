import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { redisVersion } from './start-redis.ts';

/** What a figure depends on beside the program. */
export interface Machine {
  readonly date: string;
  readonly commit: string;
  readonly node: string;
  /** Absent where there is no Redis on the machine. */
  readonly redis: string | undefined;
  readonly processor: string;
  readonly processors: number;
  readonly memoryGb: number;
  readonly kernel: string;
  /** The load average of the last minute before the start. */
  readonly loadBefore: number;
}

export function describeMachine(): Machine {
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    commit: commit(),
    node: process.versions.node,
    redis: redisVersion(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    processors: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    loadBefore: loadavg()[0]!,
  };
}

function commit(): string {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8', cwd: import.meta.dirname }).trim();
  try {
    const changed = git('status', '--porcelain', '--', '../../src') !== '';
    return git('rev-parse', '--short', 'HEAD') + (changed ? ' with uncommitted changes' : '');
  } catch {
    return 'unknown';
  }
}

/** One line under a table. */
export function machineLine({
  date,
  commit: at,
  node,
  redis,
  processors,
  processor,
  memoryGb,
  kernel,
}: Machine): string {
  return (
    `Measured ${date} UTC at commit ${at}; Node.js ${node}, ${redis === undefined ? '' : `Redis ${redis}, `}Linux ${kernel}, ` +
    `${processors} processors (${processor}), ${memoryGb} GB.`
  );
}
