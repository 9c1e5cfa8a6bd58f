import { Command } from 'commander';
import { formatAddress, parseAddress } from '../config/address.ts';
import { IDENTIFIER, IDENTIFIER_RULE } from '../lib/identifier.ts';
import type { BusAddress } from '../ports/outbox.ts';
import { Failure } from './failure.ts';
import { addNodeOptions, type NodeOptions, nodeOf } from './node-address.ts';
import { listNodes, type NodeEntry } from './node-list.ts';
import { ask } from './resp-client.ts';
import type { Shell } from './shell.ts';

const LIST_TIMEOUT_MS = 5_000;
/** A copy takes as long as it takes; a node that is gone closes its connections. */
const BACKUP_TIMEOUT_MS = 24 * 3_600_000;

interface Options extends NodeOptions {
  readonly all?: true;
}

/** `coterie backup`: has one node copy what it has on disk, or each of them. */
export function backupCommand(shell: Shell): Command {
  const command = new Command('backup')
    .summary('copy what a node has on disk, while it runs')
    .description(
      'Asks a node for a copy of what it has on disk, as of one moment, and prints where it is: on the machine of that node, below its ' +
        'backup-dir. A node has the keys that it is a replica of; --all asks every node of the cluster. Exits with 1 if a copy is not made.',
    )
    .argument('<name>', `a name for the backup: ${IDENTIFIER_RULE}`)
    .option('--all', 'ask every node of the cluster, each for its own share');
  return addNodeOptions(command).action((name: string, options: Options) => backUp(name, options, shell));
}

async function backUp(name: string, options: Options, { env, out }: Shell): Promise<void> {
  if (!IDENTIFIER.test(name))
    throw new Failure(2, `the name ${JSON.stringify(name)} is not allowed; expected ${IDENTIFIER_RULE}`);
  const { address, password } = nodeOf(options, env);
  let nodes: NodeEntry[];
  try {
    nodes = await listNodes(address, password, LIST_TIMEOUT_MS);
  } catch (error) {
    throw new Failure(1, `${formatAddress(address)} does not answer as a node: ${(error as Error).message}`);
  }
  const asked = nodes.filter(node => options.all === true || isAsked(node));
  const troubles = await Promise.all(
    asked.map(async node => {
      const at = isAsked(node) ? address : parseAddress(node.get('client') ?? '');
      const made = await copyOf(node, at, password, name);
      if ('path' in made) out(`${node.get('name')}: ${made.path}\n`);
      return 'error' in made ? [`${node.get('name')}: ${made.error}`] : [];
    }),
  );
  const lines = troubles.flat();
  if (lines.length > 0) throw new Failure(1, ...lines);
}

/** The node that was named, rather than one that it has told of. */
const isAsked = (node: NodeEntry) => node.get('myself') === 'yes';

async function copyOf(
  node: NodeEntry,
  address: BusAddress | undefined,
  password: string,
  name: string,
): Promise<{ readonly path: string } | { readonly error: string }> {
  const status = node.get('status');
  if (address === undefined || status !== 'alive') return { error: `there is no copy of it: it is ${status}` };
  const login = password === '' ? [] : [['AUTH', password]];
  try {
    const replies = await ask(address, [...login, ['COTERIE', 'BACKUP', name]], BACKUP_TIMEOUT_MS);
    const refusal = replies.find(reply => reply instanceof Error);
    return refusal === undefined ? { path: String(replies.at(-1)) } : { error: refusal.message };
  } catch (error) {
    return { error: (error as Error).message };
  }
}
