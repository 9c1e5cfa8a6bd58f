import { REDIS_MODE, REDIS_VERSION } from './redis-version.ts';
import type { Server, ServerKeyspace } from './server.ts';

export type InfoFields = Readonly<Record<string, string | number>>;

/** One section of `INFO`: its heading and its fields, in order. */
export interface InfoSection {
  readonly title: string;
  fields(server: Server): InfoFields;
}

const SECONDS_A_DAY = 86_400;

function server(of: Server): InfoFields {
  const uptimeSeconds = Math.max(0, Math.floor((of.wallMs() - of.startedWallMs) / 1000));
  return {
    redis_version: REDIS_VERSION,
    coterie_version: of.version,
    redis_mode: REDIS_MODE,
    arch_bits: 64,
    process_id: of.processId,
    run_id: of.runId,
    tcp_port: of.port,
    server_time_usec: of.wallMicros(),
    uptime_in_seconds: uptimeSeconds,
    uptime_in_days: Math.floor(uptimeSeconds / SECONDS_A_DAY),
  };
}

function clients(of: Server): InfoFields {
  return {
    connected_clients: Array.from(of.connections()).length,
    cluster_connections: of.nodes(0).filter(({ isSelf, linked }) => linked && !isSelf).length,
    maxclients: of.settings().get('maxclients') ?? 0,
    blocked_clients: 0,
    tracking_clients: 0,
    clients_in_timeout_table: 0,
  };
}

/** `used_memory` is the JavaScript heap and, outside of it, what is reserved for records. */
function memory(of: Server): InfoFields {
  const { residentBytes, heapUsedBytes } = of.memory();
  const reservedBytes = sum(of.keyspaces(), ({ reservedBytes }) => reservedBytes);
  const usedBytes = heapUsedBytes + reservedBytes;
  const maxBytes = sum(of.keyspaces(), ({ maxMemoryBytes }) => maxMemoryBytes);
  return {
    used_memory: usedBytes,
    used_memory_human: humanBytes(usedBytes),
    used_memory_rss: residentBytes,
    used_memory_rss_human: humanBytes(residentBytes),
    used_memory_dataset: sum(of.keyspaces(), ({ usedBytes }) => usedBytes),
    maxmemory: maxBytes,
    maxmemory_human: humanBytes(maxBytes),
    maxmemory_policy: 'noeviction',
    mem_fragmentation_ratio: (residentBytes / Math.max(1, usedBytes)).toFixed(2),
  };
}

/**
 * A node is loading until it has read its disk and its cluster has been founded: client libraries that look here wait so long. Its disk is
 * what an append-only file is to Redis. Changes are counted on their way to the disk: where there is none, and in a keyspace that is in memory only,
 * none are.
 */
function persistence(of: Server): InfoFields {
  const { disk } = of;
  const loading = of.isLoading || of.cluster === undefined;
  return {
    loading: loading ? 1 : 0,
    async_loading: 0,
    ...(loading ? { loading_eta_seconds: 1 } : {}),
    ...(disk === undefined ? {} : { rdb_changes_since_last_save: disk.pendingChanges }),
    rdb_bgsave_in_progress: disk?.isSaving ? 1 : 0,
    rdb_last_save_time: Math.floor((disk?.lastFlushWallMs ?? of.startedWallMs) / 1000),
    rdb_last_bgsave_status: disk?.lastSave ?? 'ok',
    aof_enabled: disk === undefined ? 0 : 1,
    aof_rewrite_in_progress: 0,
    aof_rewrite_scheduled: 0,
    aof_last_bgrewrite_status: 'ok',
    aof_last_write_status: disk?.refusal === undefined ? 'ok' : 'err',
  };
}

/** Redis's counters that monitoring reads, in Redis's order; those that are not counted here are 0. */
const REDIS_COUNTERS = [
  'total_connections_received',
  'total_commands_processed',
  'instantaneous_ops_per_sec',
  'total_net_input_bytes',
  'total_net_output_bytes',
  'rejected_connections',
  'expired_keys',
  'evicted_keys',
  'keyspace_hits',
  'keyspace_misses',
  'pubsub_channels',
  'pubsub_patterns',
  'latest_fork_usec',
  'total_error_replies',
] as const;

function stats(of: Server): InfoFields {
  const counted = statistics(of);
  return Object.fromEntries(REDIS_COUNTERS.filter(name => name in counted).map(name => [name, counted[name]!]));
}

function replication(of: Server): InfoFields {
  return {
    role: 'master',
    connected_slaves: 0,
    master_failover_state: 'no-failover',
    master_replid: of.runId,
    master_repl_offset: 0,
  };
}

const CPU_FIELDS = ['used_cpu_sys', 'used_cpu_user'] as const;

function cpu(of: Server): InfoFields {
  const counted = statistics(of);
  return Object.fromEntries(
    CPU_FIELDS.filter(name => name in counted).map(name => [name, Number(counted[name]).toFixed(6)]),
  );
}

function keyspace(of: Server): InfoFields {
  const filled = of.keyspaces().filter(({ keys }) => keys > 0);
  return Object.fromEntries(
    filled.map(({ db, keys, expiring }) => [`db${db}`, `keys=${keys},expires=${expiring},avg_ttl=0`]),
  );
}

/** What Redis has no field for. */
function coterie(of: Server): InfoFields {
  const nodes = of.nodes(0);
  const { self, cluster } = of;
  const redisNames: readonly string[] = [...REDIS_COUNTERS, ...CPU_FIELDS];
  return {
    node_name: self.name,
    actor: self.actor,
    zone: self.zone,
    cluster_id: cluster?.id ?? '',
    ring_epoch: cluster?.epoch ?? 0,
    founded: cluster === undefined ? of.unfoundedReason : 'yes',
    nodes: nodes.length,
    nodes_alive: nodes.filter(({ status }) => status === 'alive').length,
    nodes_refilling: nodes.filter(({ refilling }) => refilling).length,
    ...Object.fromEntries(of.keyspaces().map(each => [`keyspace_${each.db}`, describe(each)])),
    ...Object.fromEntries(Object.entries(statistics(of)).filter(([name]) => !redisNames.includes(name))),
  };
}

function describe(keyspace: ServerKeyspace): string {
  const { name, policy, replicas, readNeed, writeNeed, durability, tombstones, usedBytes, refillingSlots } = keyspace;
  return `name=${name},policy=${policy},n=${replicas},r=${readNeed},w=${writeNeed},durability=${durability},tombstones=${tombstones},used_bytes=${usedBytes},refilling_slots=${refillingSlots}`;
}

/** The node's counters under names in Redis's style. */
function statistics(of: Server): InfoFields {
  const named = Object.entries(of.statistics()).map(([name, value]) => [snakeCase(name), value] as const);
  return Object.fromEntries(named);
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/** As Redis writes bytes for people (server.c, `bytesToHuman`): `967.73K`. */
function humanBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`;
  const power = Math.min(4, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(2)}${'BKMGT'[power]}`;
}

export const INFO_SECTIONS: readonly InfoSection[] = [
  { title: 'Server', fields: server },
  { title: 'Clients', fields: clients },
  { title: 'Memory', fields: memory },
  { title: 'Persistence', fields: persistence },
  { title: 'Stats', fields: stats },
  { title: 'Replication', fields: replication },
  { title: 'CPU', fields: cpu },
  { title: 'Modules', fields: () => ({}) },
  { title: 'Errorstats', fields: () => ({}) },
  { title: 'Cluster', fields: () => ({ cluster_enabled: 1 }) },
  { title: 'Coterie', fields: coterie },
  { title: 'Keyspace', fields: keyspace },
];
