import { z } from 'zod';
import { MAX_WEIGHT } from '../ring/tokens.ts';
import { keyspaceSchema, MAX_DB } from './keyspace.ts';
import {
  addresses,
  choice,
  count,
  duration,
  host,
  identifier,
  path,
  port,
  ratio,
  secret,
  size,
  toggle,
} from './kinds.ts';
import { derived, hidden, setting } from './setting.ts';

/** The keyspaces there are when none are configured. */
export const DEFAULT_KEYSPACES = [
  { db: '0', name: 'eventual', policy: 'eventual', replicas: '3', read: 'one', write: 'one' },
  { db: '1', name: 'quorum', policy: 'quorum', replicas: '3', read: 'quorum', write: 'quorum' },
];

/** Every setting there is: names, kinds, defaults and help. Flags, environment, file and documentation follow from it. */
export const configSchema = z.strictObject({
  name: derived(
    identifier(),
    "the machine's host name",
    'The name of this node; it keeps it for life. Places on the ring follow from it.',
  ),
  zone: setting(
    identifier(),
    'default',
    'Where the node stands. Replicas of a key are kept in different zones while there are any left.',
  ),
  weight: setting(ratio(0.1, MAX_WEIGHT), '1', 'How much of the data the node takes beside others.'),

  bind: setting(host(), '127.0.0.1', 'The address clients are listened to on; 0.0.0.0 or :: for all of them.'),
  port: setting(port(), '6379', 'The port for clients; 0 for any that is free.'),
  'bus-bind': derived(host(), 'bind', 'The address other nodes are listened to on.'),
  'bus-port': derived(port(), 'port + 10000', 'The port for other nodes.'),
  'announce-host': derived(
    host(),
    "bind, or the machine's first address if bind is all of them",
    'The host that clients are told to find this node at.',
  ),
  'announce-port': derived(port(), 'port', 'The port that clients are told.'),
  'announce-bus-host': derived(
    host(),
    "announce-host if set, else bus-bind or the machine's first address",
    'The host that other nodes are told to find this node at.',
  ),
  'announce-bus-port': derived(port(), 'bus-port', 'The port that other nodes are told.'),

  join: derived(
    addresses(),
    'none: the node founds a cluster alone',
    'Where to find the other nodes: bus addresses, or one DNS name that stands for all of them.',
  ),
  'expect-nodes': derived(
    count(1, 1000),
    'the addresses in join, this node included',
    'How many nodes found the cluster together. Required with a DNS name.',
  ),
  replace: derived(
    identifier(),
    'none',
    'The name of a member that is gone for good: a new node takes its place, and gets just the slots that it had.',
  ),
  'leave-on-shutdown': setting(
    toggle(),
    'no',
    'Whether a node that is told to stop first hands its data on and leaves the cluster. Otherwise it is expected back.',
  ),
  'leave-timeout': setting(
    duration('1s', '7d'),
    '10m',
    'How long a node that is told to stop may take to leave; after that it stops all the same.',
  ),
  'cluster-secret': hidden(
    secret(),
    'any node may join',
    'What the nodes of a cluster prove to each other that they know.',
  ),

  password: hidden(secret(), 'none is needed', 'What clients must AUTH with.'),
  maxclients: setting(count(1, 1_000_000), '10000', 'Connections of clients at a time.'),
  'auth-timeout': setting(duration('100ms', '10m'), '10s', 'How long a client may take to AUTH.'),
  'request-timeout': setting(
    duration('10ms', '60s'),
    '500ms',
    'How long a command may wait for replicas before it answers UNAVAILABLE.',
  ),
  'default-keyspace': setting(count(0, MAX_DB), '0', 'The keyspace of a connection that has selected none.'),
  routing: setting(
    choice('any', 'redirect'),
    'any',
    'any: every node answers for every key. redirect (answer MOVED) is not available yet.',
  ),

  'proto-max-bulk-len': setting(size('1mb', '512mb'), '512mb', 'The largest key, value or other argument.'),
  'output-buffer-limit': setting(
    size('64kb', '16gb'),
    '64mb',
    'Unsent replies of a connection above which nothing more is read from it.',
  ),
  'pending-limit': setting(
    count(1, 1_000_000),
    '1024',
    'Commands of a connection that may wait for replicas; above it nothing more is read from it.',
  ),
  maxmemory: setting(
    size('1mb', '1000gb', true),
    '0',
    'Bytes of records that the node may hold of each keyspace that has no maxmemory of its own; 0 is no limit.',
  ),
  'bus-queue-limit': setting(
    size('1mb', '16gb'),
    '64mb',
    'Bytes that may wait to be sent to one other node; above it messages to it fail.',
  ),
  'bus-queue-high-water': setting(
    size('64kb', '16gb'),
    '8mb',
    'Bytes waiting for one other node above which nothing more is read from clients.',
  ),
  'bus-queue-low-water': setting(
    size('0', '16gb'),
    '2mb',
    'Bytes waiting for one other node below which clients are read from again.',
  ),
  'bus-stall-timeout': setting(
    duration('100ms', '10m'),
    '10s',
    'How long a link may send nothing of what waits before it is broken and dialled anew.',
  ),
  'shutdown-timeout': setting(
    duration('0ms', '10m'),
    '10s',
    'How long a node that was told to stop may take to answer what is in flight.',
  ),

  'data-dir': derived(
    path(),
    'everything is in memory only',
    'The directory that the node keeps its data in, and nothing else does. It is made if there is none.',
  ),
  'backup-dir': derived(
    path(),
    'beside data-dir: its path with -backups behind it',
    'The directory that COTERIE BACKUP makes copies in, as <backup>/<node>. It is made if there is none.',
  ),
  'flush-interval': setting(
    duration('10ms', '10m'),
    '1s',
    'How long what was acknowledged may wait for the disk in keyspaces with durability: batched.',
  ),
  'disk-queue-limit': setting(
    size('1mb', '16gb'),
    '64mb',
    'Bytes that may wait for the disk; above it writes to keyspaces that are kept on disk are refused.',
  ),

  'max-clock-drift': setting(
    duration('200ms', '10m'),
    '2s',
    "How far the clock may be from the median of the members' before the node stamps no writes any more.",
  ),
  'hint-max-bytes': setting(
    size('1mb', '16gb'),
    '64mb',
    'Bytes of hints, what others could not be sent, that the node keeps; above it they are left to anti-entropy.',
  ),
  'hint-max-age': setting(
    duration('1m', '30d'),
    '3h',
    'How long a hint waits for its node; after that it is left to anti-entropy.',
  ),
  'hint-replay-rate': setting(
    count(1, 10_000_000),
    '2000',
    'Records a second that the node hands over to those that are back.',
  ),
  'conflict-journal-bytes': setting(
    size('0', '16gb'),
    '16mb',
    'Bytes of values that lost against concurrent ones and are kept of each keyspace, for COTERIE CONFLICTS.',
  ),
  'anti-entropy-interval': setting(
    duration('100ms', '24h'),
    '10s',
    'How often the node compares what it holds with each other replica. It also does when one has come back.',
  ),
  'repair-rate': setting(
    size('64kb', '16gb'),
    '64mb',
    'Bytes of records a second that the node exchanges to become equal to other replicas, or to refill.',
  ),
  'transfer-rate': setting(
    size('64kb', '16gb', true),
    '16mb',
    'Bytes of records a second that the node takes over when it is to own more, or hands on when less; 0 is no limit.',
  ),
  'tombstone-collection-interval': setting(
    duration('1s', '24h'),
    '10s',
    'How often deleted keys are looked through for those that every replica knows to be deleted, and forgotten.',
  ),

  'fault-commands': setting(
    toggle(),
    'no',
    'Whether COTERIE NODE and LINK may cut nodes off, for drills. To be the same on every node.',
  ),

  'log-level': setting(choice('info', 'warn', 'error', 'silent'), 'info', 'The least important lines to log.'),
  'log-format': setting(choice('auto', 'json', 'pretty'), 'auto', 'auto: for people on a terminal, else JSON.'),

  keyspaces: z
    .array(keyspaceSchema)
    .min(1)
    .max(MAX_DB + 1)
    .prefault(DEFAULT_KEYSPACES),
});

/** A setting's name as flags and the file write it. */
export type SettingName = keyof typeof configSchema.shape;

/** The settings as the sources gave them, each of its kind, nothing derived yet. */
export type Settings = z.output<typeof configSchema>;

/** The headings that `--help` and the default file group the settings under, in their order. */
export const SECTIONS = [
  { title: 'This node', names: ['name', 'zone', 'weight'] },
  {
    title: 'Addresses',
    names: [
      'bind',
      'port',
      'bus-bind',
      'bus-port',
      'announce-host',
      'announce-port',
      'announce-bus-host',
      'announce-bus-port',
    ],
  },
  {
    title: 'The cluster',
    names: ['join', 'expect-nodes', 'replace', 'leave-on-shutdown', 'leave-timeout', 'cluster-secret'],
  },
  {
    title: 'Clients',
    names: ['password', 'maxclients', 'auth-timeout', 'request-timeout', 'default-keyspace', 'routing'],
  },
  {
    title: 'Limits',
    names: [
      'proto-max-bulk-len',
      'output-buffer-limit',
      'pending-limit',
      'maxmemory',
      'bus-queue-limit',
      'bus-queue-high-water',
      'bus-queue-low-water',
      'bus-stall-timeout',
      'shutdown-timeout',
    ],
  },
  {
    title: 'Healing',
    names: [
      'max-clock-drift',
      'hint-max-bytes',
      'hint-max-age',
      'hint-replay-rate',
      'conflict-journal-bytes',
      'anti-entropy-interval',
      'repair-rate',
      'transfer-rate',
      'tombstone-collection-interval',
    ],
  },
  { title: 'Durability', names: ['data-dir', 'backup-dir', 'flush-interval', 'disk-queue-limit'] },
  { title: 'Drills', names: ['fault-commands'] },
  { title: 'Logging', names: ['log-level', 'log-format'] },
] as const satisfies readonly { readonly title: string; readonly names: readonly SettingName[] }[];
