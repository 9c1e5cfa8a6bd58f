import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { LoadOrder, LoadPlan, LoadResult } from './load-plan.ts';

const CLIENT = new URL('../load-client.ts', import.meta.url);

/** Clients that have connected and begin to send. */
export interface RunningLoad {
  readonly pid: number;
  /** Settles when they are done. */
  readonly result: Promise<LoadResult>;
  order(order: LoadOrder): void;
}

/** Starts the clients of a plan in a process of their own. @throws an Error when that ends before its time. */
export async function startLoad(plan: LoadPlan): Promise<RunningLoad> {
  const client = fork(CLIENT);
  process.once('exit', () => client.kill('SIGKILL'));
  const failed = once(client, 'exit').then(([status]) => {
    throw new Error(`The clients' process ended with status ${status}`);
  });
  failed.catch(() => {});
  client.send(plan);
  await Promise.race([once(client, 'message'), failed]);
  const told = Promise.race([once(client, 'message'), failed]) as Promise<[LoadResult]>;
  const result = told.then(async ([report]) => {
    await failed.catch(() => {});
    return report;
  });
  return { pid: client.pid!, result, order: order => client.send(order) };
}
