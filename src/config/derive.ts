import { IDENTIFIER } from '../lib/identifier.ts';
import type { BusAddress } from '../ports/outbox.ts';
import { formatAddress, isDnsName, isLoopback, isWildcard } from './address.ts';
import type { Config, Machine } from './config.ts';
import { faultOf, type KeyspaceConfig, toKeyspaceConfig } from './keyspace.ts';
import type { Settings } from './schema.ts';

/** Notes that a setting is wrong beside the others: its path and a sentence that ends in "expected …". */
export type Complain = (path: readonly PropertyKey[], sentence: string) => void;

/** What a port for other nodes is more than the port for clients, as in Redis Cluster. */
const BUS_PORT_OFFSET = 10_000;

/** Decides what was left open, and checks what no setting can be checked for alone. */
export function deriveConfig(from: Settings, machine: Machine, complain: Complain): Config {
  const addresses = deriveAddresses(from, machine, complain);
  const dataDir = from['data-dir'];
  const keyspaces = from.keyspaces.map(each => toKeyspaceConfig(each, dataDir !== undefined));
  checkKeyspaces(keyspaces, from['default-keyspace'], dataDir !== undefined, complain);
  checkQueues(from, complain);
  checkBackupDir(from, complain);
  if (from.routing === 'redirect') complain(['routing'], 'redirect is not available yet; expected any');
  return {
    name: deriveName(from, machine, complain),
    zone: from.zone,
    weight: from.weight,
    ...addresses,
    join: from.join ?? [],
    expectNodes: deriveExpectNodes(from, addresses, complain),
    replace: from.replace,
    leaveOnShutdown: from['leave-on-shutdown'],
    leaveTimeoutMs: from['leave-timeout'],
    clusterSecret: from['cluster-secret'] ?? '',
    password: from.password ?? '',
    maxClients: from.maxclients,
    authTimeoutMs: from['auth-timeout'],
    requestTimeoutMs: from['request-timeout'],
    defaultKeyspace: from['default-keyspace'],
    routing: 'any',
    protoMaxBulkLenBytes: from['proto-max-bulk-len'],
    outputBufferLimitBytes: from['output-buffer-limit'],
    pendingLimit: from['pending-limit'],
    maxMemoryBytes: from.maxmemory,
    busQueueLimitBytes: from['bus-queue-limit'],
    busQueueHighWaterBytes: from['bus-queue-high-water'],
    busQueueLowWaterBytes: from['bus-queue-low-water'],
    busStallTimeoutMs: from['bus-stall-timeout'],
    shutdownTimeoutMs: from['shutdown-timeout'],
    dataDir,
    backupDir: from['backup-dir'],
    flushIntervalMs: from['flush-interval'],
    diskQueueLimitBytes: from['disk-queue-limit'],
    hintMaxBytes: from['hint-max-bytes'],
    hintMaxAgeMs: from['hint-max-age'],
    faultCommands: from['fault-commands'],
    maxClockDriftMs: from['max-clock-drift'],
    conflictJournalBytes: from['conflict-journal-bytes'],
    antiEntropyIntervalMs: from['anti-entropy-interval'],
    repairRate: from['repair-rate'],
    transferRate: from['transfer-rate'],
    tombstoneCollectionIntervalMs: from['tombstone-collection-interval'],
    hintReplayRate: from['hint-replay-rate'],
    logLevel: from['log-level'],
    logFormat: from['log-format'],
    keyspaces: keyspaces.sort((a, b) => a.db - b.db),
  };
}

function deriveName(from: Settings, machine: Machine, complain: Complain): string {
  if (from.name !== undefined) return from.name;
  if (!IDENTIFIER.test(machine.hostname)) {
    complain(
      ['name'],
      `the host name ${JSON.stringify(machine.hostname)} cannot be a node's name; expected a name here`,
    );
  }
  return machine.hostname;
}

type Addresses = Pick<
  Config,
  'bind' | 'port' | 'busBind' | 'busPort' | 'announceHost' | 'announcePort' | 'announceBusHost' | 'announceBusPort'
>;

function deriveAddresses(from: Settings, machine: Machine, complain: Complain): Addresses {
  const { bind, port } = from;
  const busBind = from['bus-bind'] ?? bind;
  const busPort = from['bus-port'] ?? (port === 0 ? 0 : port + BUS_PORT_OFFSET);
  if (busPort > 65_535) {
    complain(['bus-port'], `port + 10000 is ${busPort}; expected a bus-port up to 65535, or a port up to 55535`);
  }
  if (busPort === port && port !== 0) complain(['bus-port'], `${busPort} is the port for clients; expected another`);

  const reachable = (host: string) => (isWildcard(host) ? (machine.address ?? '127.0.0.1') : host);
  for (const key of ['announce-host', 'announce-bus-host'] as const) {
    const host = from[key];
    if (host !== undefined && isWildcard(host)) {
      complain([key], `${host} is no address to connect to; expected one that others reach this node at`);
    }
  }
  return {
    bind,
    port,
    busBind,
    busPort,
    announceHost: from['announce-host'] ?? reachable(bind),
    announcePort: from['announce-port'] ?? port,
    announceBusHost: from['announce-bus-host'] ?? from['announce-host'] ?? reachable(busBind),
    announceBusPort: from['announce-bus-port'] ?? busPort,
  };
}

/**
 * How many nodes found the cluster. More than half of those that `join` names must, or two halves of one discovery
 * set could found a cluster each.
 */
function deriveExpectNodes(from: Settings, addresses: Addresses, complain: Complain): number {
  const asked = from['expect-nodes'];
  const join = from.join ?? [];
  if (join.length === 0) {
    if (asked !== undefined && asked > 1)
      complain(['expect-nodes'], `${asked} nodes cannot meet without join; expected 1`);
    return 1;
  }
  const dnsName = join.find(({ host }) => isDnsName(host));
  if (asked === undefined && dnsName !== undefined) {
    complain(
      ['expect-nodes'],
      `is missing, and ${dnsName.host} in join may stand for any number of nodes; expected how many found the cluster`,
    );
    return 1;
  }
  const others = new Set(join.filter(address => !isSelf(address, addresses)).map(formatAddress));
  const named = others.size + 1;
  if (asked !== undefined && dnsName === undefined && asked * 2 <= named) {
    complain(
      ['expect-nodes'],
      `${asked} of the ${named} nodes in join could found a cluster beside the others; expected more than half of them`,
    );
  }
  return asked ?? named;
}

function isSelf({ host, port }: BusAddress, own: Addresses): boolean {
  if (port === own.announceBusPort && host === own.announceBusHost) return true;
  if (port !== own.busPort) return false;
  return host === own.busBind || (isLoopback(host) && (isLoopback(own.busBind) || isWildcard(own.busBind)));
}

function checkKeyspaces(
  keyspaces: readonly KeyspaceConfig[],
  defaultKeyspace: number,
  hasDisk: boolean,
  complain: Complain,
): void {
  const dbs = new Set<number>();
  const names = new Set<string>();
  for (const [index, keyspace] of keyspaces.entries()) {
    const path = ['keyspaces', index];
    const fault = faultOf(keyspace, hasDisk);
    if (fault !== undefined) complain([...path, fault.key], fault.reason);
    if (dbs.has(keyspace.db)) complain([...path, 'db'], `${keyspace.db} is taken; expected a db once`);
    if (names.has(keyspace.name)) complain([...path, 'name'], `"${keyspace.name}" is taken; expected a name once`);
    dbs.add(keyspace.db);
    names.add(keyspace.name);
  }
  if (!dbs.has(defaultKeyspace)) {
    complain(['default-keyspace'], `there is no keyspace ${defaultKeyspace}; expected one of ${[...dbs].join(', ')}`);
  }
}

function checkQueues(from: Settings, complain: Complain): void {
  const high = from['bus-queue-high-water'];
  if (from['bus-queue-low-water'] >= high) {
    complain(['bus-queue-low-water'], `is not below bus-queue-high-water; expected less than ${high} bytes`);
  }
  if (high > from['bus-queue-limit']) {
    complain(['bus-queue-high-water'], `is above bus-queue-limit; expected at most ${from['bus-queue-limit']} bytes`);
  }
}

/** As far as the texts tell; where they are relative, or links, nothing is known here. */
function checkBackupDir(from: Settings, complain: Complain): void {
  const [data, backups] = [from['data-dir'], from['backup-dir']].map(path => path?.replace(/\/+$/, ''));
  if (backups === undefined) return;
  if (data === undefined) complain(['backup-dir'], 'there is nothing on disk to back up; expected a data-dir, too');
  else if (backups === data || backups.startsWith(`${data}/`)) {
    complain(['backup-dir'], 'is in data-dir, which is for the data alone; expected another directory');
  }
}
