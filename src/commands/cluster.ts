import { SLOT_COUNT, slotOf } from '../lib/slots.ts';
import { parseInteger } from './arguments.ts';
import { clusterNodesText } from './cluster-nodes.ts';
import { isLive, type ServedRange, servedRanges, writeShards, writeSlots } from './cluster-slots.ts';
import { type Command, NO_KEYS } from './command.ts';
import { container } from './container.ts';
import type { CommandContext } from './context.ts';
import { NOT_AN_INTEGER } from './errors.ts';

/** What most subcommands of CLUSTER have in common. */
const OF_CLUSTER = {
  flags: ['stale'],
  keys: NO_KEYS,
  categories: [],
  group: 'cluster',
  complexity: 'O(1)',
  since: '3.0.0',
} as const;

const VARYING = ['nondeterministic_output'];

const MYID: Command = {
  ...OF_CLUSTER,
  name: 'myid',
  arity: 2,
  summary: 'Return the node id',
  run: ({ reply, server }) => reply.bulkString(server.self.clusterNodeId),
};

const INFO: Command = {
  ...OF_CLUSTER,
  name: 'info',
  arity: 2,
  tips: VARYING,
  summary: 'Provides info about Redis Cluster node state',
  run(context) {
    const lines = Object.entries(clusterInfo(context)).map(([field, value]) => `${field}:${value}\r\n`);
    context.reply.verbatim('txt', lines.join(''));
  },
};

/** The state is `ok` from the founding on: a slot without a live replica is that slot's trouble, and no other's. */
function clusterInfo(context: CommandContext): Readonly<Record<string, string | number>> {
  const { server, connection } = context;
  const ranges = served(context);
  const nodes = server.nodes(connection.db);
  const slots = (counted: (range: ServedRange) => boolean) =>
    ranges.filter(counted).reduce((total, { first, last }) => total + last - first + 1, 0);
  const epoch = server.cluster?.epoch ?? 0;
  return {
    cluster_state: server.cluster === undefined ? 'fail' : 'ok',
    cluster_slots_assigned: slots(() => true),
    cluster_slots_ok: slots(({ nodes }) => nodes[0]!.status === 'alive'),
    cluster_slots_pfail: slots(({ nodes }) => nodes[0]!.status === 'suspect'),
    cluster_slots_fail: slots(({ nodes }) => !isLive(nodes[0]!)),
    cluster_known_nodes: nodes.length,
    cluster_size: new Set(ranges.map(({ nodes }) => nodes[0]!.clusterNodeId)).size,
    cluster_current_epoch: epoch,
    cluster_my_epoch: epoch,
    cluster_stats_messages_sent: 0,
    cluster_stats_messages_received: 0,
    total_cluster_links_buffer_limit_exceeded: 0,
  };
}

const SLOTS: Command = {
  ...OF_CLUSTER,
  name: 'slots',
  arity: 2,
  tips: VARYING,
  summary: 'Get array of Cluster slot to node mappings',
  complexity: 'O(N) where N is the total number of Cluster nodes',
  run: context => writeSlots(context.reply, served(context)),
};

const SHARDS: Command = {
  ...OF_CLUSTER,
  name: 'shards',
  arity: 2,
  tips: VARYING,
  summary: 'Get array of cluster slots to node mappings',
  since: '7.0.0',
  complexity: 'O(N) where N is the total number of cluster nodes',
  run: context => writeShards(context.reply, served(context)),
};

const NODES: Command = {
  ...OF_CLUSTER,
  name: 'nodes',
  arity: 2,
  tips: VARYING,
  summary: 'Get Cluster config for the node',
  complexity: 'O(N) where N is the total number of Cluster nodes',
  run(context) {
    const { connection, reply, server } = context;
    const nodes = server.nodes(connection.db);
    reply.verbatim('txt', clusterNodesText(nodes, served(context), server.cluster?.epoch ?? 0));
  },
};

function served({ connection, server }: CommandContext): ServedRange[] {
  return servedRanges(server.slotRanges(connection.db));
}

const KEYSLOT: Command = {
  ...OF_CLUSTER,
  name: 'keyslot',
  arity: 3,
  summary: 'Returns the hash slot of the specified key',
  complexity: 'O(N) where N is the number of bytes in the key',
  run: ({ args, reply }) => reply.integer(slotOf(args[2]!)),
};

const COUNTKEYSINSLOT: Command = {
  ...OF_CLUSTER,
  name: 'countkeysinslot',
  arity: 3,
  summary: 'Return the number of local keys in the specified hash slot',
  run({ args, connection, reply, server }) {
    const slot = parseInteger(args[2]!);
    if (slot === undefined) reply.error(NOT_AN_INTEGER);
    else if (slot < 0 || slot >= SLOT_COUNT) reply.error('ERR Invalid slot');
    else reply.integer(server.keysInSlot(connection.db, slot));
  },
};

const HELP = [
  'COUNTKEYSINSLOT <slot>',
  '    Return the number of keys in <slot>.',
  'INFO',
  '    Return information about the cluster.',
  'KEYSLOT <key>',
  '    Return the hash slot for <key>.',
  'MYID',
  '    Return the node id.',
  'NODES',
  '    Return cluster configuration seen by node. Output format:',
  '    <id> <ip:port> <flags> <master> <pings> <pongs> <epoch> <link> <slot> ...',
  'SLOTS',
  '    Return information about slots range mappings. Each range is made of:',
  '    start, end, master and replicas IP addresses, ports and ids',
  'SHARDS',
  '    Return information about slot range mappings and the nodes associated with them.',
];

const CLUSTER: Command = container(
  { name: 'cluster', summary: 'A container for cluster commands', since: '3.0.0', group: 'cluster' },
  [MYID, INFO, SLOTS, SHARDS, NODES, KEYSLOT, COUNTKEYSINSLOT],
  HELP,
);

/** Cluster clients send these before they read from a replica or follow a slot that moves. Every node takes every key. */
function acknowledged(name: string, summary: string, flags: Command['flags']): Command {
  return {
    name,
    arity: 1,
    flags,
    keys: NO_KEYS,
    categories: ['connection'],
    summary,
    since: '3.0.0',
    group: 'cluster',
    complexity: 'O(1)',
    run: ({ reply }) => reply.ok(),
  };
}

export const CLUSTER_COMMANDS: readonly Command[] = [
  CLUSTER,
  acknowledged('readonly', 'Enables read queries for a connection to a cluster replica node', [
    'loading',
    'stale',
    'fast',
  ]),
  acknowledged('readwrite', 'Disables read queries for a connection to a cluster replica node', [
    'loading',
    'stale',
    'fast',
  ]),
  acknowledged('asking', 'Sent by cluster clients after an -ASK redirect', ['fast']),
];
