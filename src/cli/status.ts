import { Command } from 'commander';
import { formatAddress } from '../config/address.ts';
import { Failure } from './failure.ts';
import { addNodeOptions, type NodeOptions, nodeOf } from './node-address.ts';
import { listNodes, type NodeEntry } from './node-list.ts';
import type { Shell } from './shell.ts';
import { formatTable } from './table.ts';

const TIMEOUT_MS = 5000;

const COLUMNS = ['name', 'status', 'ring', 'client', 'bus', 'zone', 'weight', 'refilling', 'slots-first', 'slots'];

/** `coterie status`: what one node knows of the cluster's nodes, as a table. Its flags are redis-cli's. */
export function statusCommand(shell: Shell): Command {
  const command = new Command('status')
    .summary('show the nodes of a cluster')
    .description('Asks one node for the nodes of its cluster. Exits with 0 if it answers, with 1 if it does not.');
  return addNodeOptions(command).action((options: NodeOptions) => status(options, shell));
}

async function status(options: NodeOptions, { env, out }: Shell): Promise<void> {
  const { address, password } = nodeOf(options, env);
  let nodes: NodeEntry[];
  try {
    nodes = await listNodes(address, password, TIMEOUT_MS);
  } catch (error) {
    throw new Failure(1, `${formatAddress(address)} does not answer as a node: ${(error as Error).message}`);
  }
  const rows = nodes.map(node => COLUMNS.map(column => node.get(column) ?? '-'));
  out(`${formatTable(COLUMNS, rows)}\n`);
  for (const line of nodes.flatMap(movesOf)) out(`${line}\n`);
}

/** What a node has yet to do before a change of the ring is over, in a line. */
function movesOf(node: NodeEntry): string[] {
  const number = (field: string) => Number(node.get(field) ?? 0);
  const [left, all, over] = ['slots-to-merge', 'slots-to-merge-of', 'slots-to-hand-over'].map(number);
  const parts: string[] = [];
  if (left! > 0) {
    const seconds = node.get('seconds-left') ?? '';
    const time = /^\d+$/.test(seconds) ? `about ${seconds} s left` : 'it cannot be said yet for how long';
    parts.push(`has merged ${all! - left!} of ${all} slots that it will own, ${time}`);
  }
  if (over! > 0) parts.push(`has ${over} slots to hand over`);
  return parts.length === 0 ? [] : [`${node.get('name')} ${parts.join(', and ')}`];
}
