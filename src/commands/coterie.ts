import { slotOf } from '../lib/slots.ts';
import { BACKUP } from './backup.ts';
import { type Command, SECOND_ARGUMENT } from './command.ts';
import { CONFLICTS } from './conflicts.ts';
import { CONSISTENCY } from './consistency.ts';
import { container } from './container.ts';
import type { CommandContext } from './context.ts';
import { OF_COTERIE } from './coterie-command.ts';
import { LINK } from './drills.ts';
import { CONVERGED, SYNC } from './healing.ts';
import { NODE } from './node.ts';
import { QUARANTINE } from './quarantine.ts';
import { type ReplyFields, writeData } from './reply-map.ts';
import type { ReplicaVersion, ServerMoves, ServerNode } from './server.ts';

const yesOrNo = (value: boolean) => (value ? 'yes' : 'no');

/** Port and host as one text; an IPv6 address in brackets. */
function addressOf({ host, port }: ServerNode['client']): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

const NODES: Command = {
  ...OF_COTERIE,
  name: 'nodes',
  arity: 2,
  summary: 'List the members of the cluster as this node knows them',
  complexity: 'O(N) where N is the number of members',
  run: ({ connection, reply, server }) => {
    const nodes = server.nodes(connection.db);
    writeData(
      reply,
      nodes.map(node => describeNode(node, server.movesOf(node.name))),
    );
  },
};

function describeNode(node: ServerNode, moves: ServerMoves | undefined): ReplyFields {
  return {
    name: node.name,
    status: node.status,
    myself: yesOrNo(node.isSelf),
    linked: yesOrNo(node.linked),
    refilling: yesOrNo(node.refilling),
    'held-down': yesOrNo(node.heldDown),
    'clock-off': yesOrNo(node.clockOff),
    ring: node.ring,
    client: addressOf(node.client),
    bus: addressOf(node.bus),
    zone: node.zone,
    weight: node.weight,
    'slots-first': node.primarySlots,
    slots: node.replicaSlots,
    ...describeMoves(moves),
    actor: node.actor,
    id: node.clusterNodeId,
  };
}

/** Fields that are there only while the ring changes. */
function describeMoves(moves: ServerMoves | undefined): ReplyFields {
  if (moves === undefined) return {};
  return {
    'slots-to-merge': moves.slotsToMerge,
    'slots-to-merge-of': moves.slotsOfAll,
    'slots-to-hand-over': moves.slotsToHandOver,
    'bytes-moved': moves.bytes,
    'seconds-left': moves.secondsLeft,
  };
}

const RING: Command = {
  ...OF_COTERIE,
  name: 'ring',
  arity: 3,
  keys: SECOND_ARGUMENT,
  keyFlags: ['RO'],
  summary: 'Show where a key is kept: its slot and its replicas in the order of the ring',
  complexity: 'O(N) where N is the number of members',
  run(context) {
    const { args, connection, reply, server } = context;
    const replicas = server.replicasOf(connection.db, slotOf(args[2]!));
    writeData(reply, {
      ...placeOf(context),
      replicas: replicas.map(node => ({
        name: node.name,
        status: node.status,
        refilling: yesOrNo(node.refilling),
        client: addressOf(node.client),
        zone: node.zone,
      })),
    });
  },
};

function placeOf({ args, connection, server }: CommandContext): ReplyFields {
  const keyspace = server.keyspaces().find(({ db }) => db === connection.db);
  return { keyspace: keyspace?.name, slot: slotOf(args[2]!), epoch: server.cluster?.epoch };
}

/** The answer waits for the other replicas, so it takes a place among the replies that are to come. */
const EXPLAIN: Command = {
  ...OF_COTERIE,
  name: 'explain',
  arity: 3,
  keys: SECOND_ARGUMENT,
  keyFlags: ['RO'],
  summary: 'Show what each replica holds of a key',
  complexity: 'O(N) where N is the number of replicas, one round trip',
  run(context) {
    const { args, connection, server } = context;
    const place = placeOf(context);
    const fill = server.deferReply(connection);
    server.explain(connection.db, args[2]!, 'version', versions => {
      fill(reply => writeData(reply, { ...place, replicas: versions.map(describeVersion) }));
    });
  },
};

function describeVersion(version: ReplicaVersion): ReplyFields {
  return {
    node: version.node,
    status: version.status,
    refilling: yesOrNo(version.refilling),
    dot: version.dot,
    'written-ms': version.writtenMs,
    length: version.length,
    'expires-at-ms': version.expiryAtMs,
    vector: version.vector,
    'hints-for': version.hintsFor,
  };
}

const KEYSPACES: Command = {
  ...OF_COTERIE,
  name: 'keyspaces',
  arity: 2,
  summary: 'List the keyspaces, what each promises and what this node holds of it',
  complexity: 'O(N) where N is the number of keyspaces',
  run({ reply, server }) {
    const keyspaces = server.keyspaces().map(each => ({
      db: each.db,
      name: each.name,
      policy: each.policy,
      n: each.replicas,
      r: each.readNeed,
      w: each.writeNeed,
      read: each.read,
      write: each.write,
      sloppy: yesOrNo(each.sloppy),
      'read-repair': each.readRepair,
      durability: each.durability,
      keys: each.keys,
      tombstones: each.tombstones,
      expiring: each.expiring,
      'used-bytes': each.usedBytes,
      'reserved-bytes': each.reservedBytes,
      'max-memory-bytes': each.maxMemoryBytes,
      'refilling-slots': each.refillingSlots,
    }));
    writeData(reply, keyspaces);
  },
};

const HELP = [
  'BACKUP <name>',
  '    Copy what this node has on disk, as of one moment, to a place of that name.',
  'CONFLICTS <key>',
  '    List the versions of <key> that lost against concurrent ones, the latest first.',
  'CONSISTENCY [READ <count>] [WRITE <count>]',
  '    Show, or set for this connection, how many replicas must answer a read and',
  "    acknowledge a write: a number, ONE, QUORUM, ALL, or DEFAULT for the keyspace's own.",
  'CONVERGED [<db>]',
  '    Count the slots of a keyspace that differ between their replicas right now.',
  'EXPLAIN <key>',
  '    Show what each replica holds of <key>, and which nodes it has hints for.',
  'KEYSPACES',
  '    List the keyspaces, what each promises and what this node holds of it.',
  'LINK DOWN|UP <node> <node>',
  '    For drills: cut the link between two nodes, or let it be again.',
  'NODE DOWN|UP <node>',
  '    For drills: let no node contact this one, or all of them again.',
  'NODE FORGET <node>',
  '    Take a node off the ring that is gone for good.',
  'NODE LEAVE [<node>]',
  '    Let a node, this one by default, hand its data on and leave the cluster.',
  'NODES',
  '    List the members of the cluster as this node knows them.',
  'QUARANTINE LIST | CLEAR | DROP <key>',
  '    Show or drop what this node holds back because it was stamped too far ahead.',
  'RING <key>',
  '    Show the slot of <key> and its replicas in the order of the ring.',
  'SYNC [<db>]',
  '    Compare this node with each other replica now, and mend what differs.',
];

/** What Redis has no word for (DESIGN §1). */
export const COTERIE: Command = container(
  { name: 'coterie', summary: 'A container for commands about replication', since: '7.0.0', group: 'coterie' },
  [BACKUP, NODES, RING, EXPLAIN, CONFLICTS, KEYSPACES, CONSISTENCY, CONVERGED, SYNC, QUARANTINE, NODE, LINK],
  HELP,
);
