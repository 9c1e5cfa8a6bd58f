import { execFile } from 'node:child_process';

export type BenchmarkCommand = 'GET' | 'SET';

/** One run of `redis-benchmark`. */
export interface BenchmarkRun {
  readonly port: number;
  readonly db: number;
  readonly command: BenchmarkCommand;
  readonly pipeline: number;
  readonly connections: number;
  /** Keys are `key:000000000000` and up, drawn at random from this many. */
  readonly keys: number;
  readonly valueBytes: number;
  readonly requests: number;
}

export interface BenchmarkResult {
  readonly requestsPerSecond: number;
  /** As redis-benchmark counts them: from when a pipeline was written to when its reply was read. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const TIMEOUT_MS = 120_000;

/** A server answered a request with an error: redis-benchmark ends at the first one. */
export class ErrorReply extends Error {
  override readonly name = 'ErrorReply';
}

/** @throws ErrorReply, or an Error with what redis-benchmark wrote when it failed otherwise. */
export function runRedisBenchmark(run: BenchmarkRun): Promise<BenchmarkResult> {
  const flags = ['-h', '127.0.0.1', '-p', run.port, '--dbnum', run.db, '-t', run.command.toLowerCase()];
  flags.push('-P', run.pipeline, '-c', run.connections, '-r', run.keys, '-d', run.valueBytes, '-n', run.requests);
  return new Promise((resolve, reject) => {
    execFile('redis-benchmark', [...flags.map(String), '--csv'], { timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      const errorReply = /^Error from server: (.*)$/m.exec(stdout + stderr)?.[1];
      if (errorReply !== undefined) reject(new ErrorReply(errorReply));
      else if (error !== null) reject(new Error(`redis-benchmark failed: ${stdout}${stderr}${error.message}`));
      else resolve(parseResult(stdout, run.command));
    });
  });
}

/** Reads the output of `redis-benchmark --csv`. */
export function parseResult(csv: string, command: BenchmarkCommand): BenchmarkResult {
  const rows = csv
    .split('\n')
    .filter(line => line.startsWith('"'))
    .map(line => line.split(',').map(cell => cell.slice(1, -1)));
  const header = rows[0];
  const row = rows.find(cells => cells[0] === command);
  if (header === undefined || row === undefined) throw new Error(`redis-benchmark told nothing of ${command}: ${csv}`);
  const cell = (name: string) => {
    const value = Number(row[header.indexOf(name)]);
    if (!Number.isFinite(value)) throw new Error(`redis-benchmark told no ${name}: ${csv}`);
    return value;
  };
  return {
    requestsPerSecond: cell('rps'),
    p50Ms: cell('p50_latency_ms'),
    p99Ms: cell('p99_latency_ms'),
    maxMs: cell('max_latency_ms'),
  };
}
