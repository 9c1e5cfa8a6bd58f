import type { BusAddress } from '../ports/outbox.ts';
import { ask, type Reply } from './resp-client.ts';

/** A node as `COTERIE NODES` tells of it: `name`, `status`, `client` and so on, as text. */
export type NodeEntry = ReadonlyMap<string, string>;

/**
 * Asks a node what it knows of the cluster's nodes.
 *
 * @throws an Error whose message says why there is no list.
 */
export async function listNodes(address: BusAddress, password: string, timeoutMs: number): Promise<NodeEntry[]> {
  const login = password === '' ? [] : [['AUTH', password]];
  const replies = await ask(address, [...login, ['COTERIE', 'NODES']], timeoutMs);
  const refusal = replies.find(reply => reply instanceof Error);
  if (refusal !== undefined) throw refusal;
  const list = replies.at(-1);
  if (!Array.isArray(list)) throw new Error('the answer to COTERIE NODES is no list');
  return list.map(toEntry);
}

/** Whether the node is alive and stamps writes, as far as the one that was asked knows. */
export function isReady(entry: NodeEntry): boolean {
  return entry.get('status') === 'alive' && entry.get('clock-off') === 'no';
}

function toEntry(fields: Reply): NodeEntry {
  const entry = new Map<string, string>();
  if (!Array.isArray(fields)) throw new Error('the answer to COTERIE NODES is no list of nodes');
  for (let i = 0; i + 1 < fields.length; i += 2) entry.set(String(fields[i]), String(fields[i + 1]));
  return entry;
}
