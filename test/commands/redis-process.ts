import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeRequest } from '../../src/resp/request-encoder.ts';

/** Whether this machine has the Redis whose replies ours are to be. */
export function hasRedis(): boolean {
  try {
    return execFileSync('redis-server', ['--version'], { encoding: 'utf8' }).includes('v=7.0.');
  } catch {
    return false;
  }
}

/** A Redis server without persistence on a socket of its own, and one connection to it. */
export class RedisProcess {
  readonly #process: ChildProcess;
  readonly #directory: string;
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #onData: () => void = () => {};

  private constructor(process: ChildProcess, directory: string, socket: Socket) {
    this.#process = process;
    this.#directory = directory;
    this.#socket = socket;
    socket.on('data', chunk => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#onData();
    });
  }

  static async start(...options: readonly string[]): Promise<RedisProcess> {
    const directory = mkdtempSync(join(tmpdir(), 'coterie-redis-'));
    const path = join(directory, 'socket');
    const own = ['--port', '0', '--unixsocket', path, '--save', '', '--dir', directory];
    const process = spawn('redis-server', [...own, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise<void>((resolve, reject) => {
      process.on('exit', code => reject(new Error(`redis-server ended with ${code}`)));
      process.stdout.on('data', (line: Buffer) => {
        if (line.includes('now ready to accept connections at')) resolve();
      });
    });
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RedisProcess(process, directory, socket);
  }

  /** The reply to one command, in latin1. */
  async run(args: readonly Buffer[]): Promise<string> {
    this.#socket.write(encodeRequest(args));
    for (;;) {
      const text = this.#received.toString('latin1');
      const end = endOfReply(text, 0);
      if (end >= 0) {
        this.#received = this.#received.subarray(end);
        return text.slice(0, end);
      }
      await new Promise<void>(resolve => {
        this.#onData = resolve;
      });
    }
  }

  stop(): Promise<void> {
    this.#socket.destroy();
    return new Promise(resolve => {
      this.#process.removeAllListeners('exit');
      this.#process.on('exit', () => {
        rmSync(this.#directory, { recursive: true, force: true });
        resolve();
      });
      this.#process.kill();
    });
  }
}

/** Where the reply that begins at `start` ends; -1 while it is not all there. */
function endOfReply(text: string, start: number): number {
  const lineEnd = text.indexOf('\r\n', start);
  if (lineEnd < 0) return -1;
  const size = Number(text.slice(start + 1, lineEnd));
  let at = lineEnd + 2;
  switch (text[start]) {
    case '$':
    case '=':
      if (size >= 0) at += size + 2;
      return at <= text.length ? at : -1;
    case '*':
    case '%':
    case '~':
      for (let i = 0; i < (text[start] === '%' ? size * 2 : size) && at >= 0; i++) at = endOfReply(text, at);
      return at;
    default:
      return at;
  }
}
