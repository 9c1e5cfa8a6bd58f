import type { Config } from '../config/config.ts';

/** The configuration as `CONFIG GET` shows it: under Redis's name where Redis has the setting, and without secrets. */
export function settingsShown(config: Config, port: number): ReadonlyMap<string, string> {
  const databases = Math.max(...config.keyspaces.map(keyspace => keyspace.db)) + 1;
  return new Map(
    Object.entries({
      port,
      bind: config.bind,
      databases,
      maxclients: config.maxClients,
      maxmemory: config.maxMemoryBytes,
      'maxmemory-policy': 'noeviction',
      'proto-max-bulk-len': config.protoMaxBulkLenBytes,
      'shutdown-timeout': Math.ceil(config.shutdownTimeoutMs / 1000),
      timeout: 0,
      'tcp-keepalive': 300,
      'cluster-enabled': 'yes',
      appendonly: config.dataDir === undefined ? 'no' : 'yes',
      save: '',
      requirepass: '',
      name: config.name,
      zone: config.zone,
      weight: config.weight,
      'bus-bind': config.busBind,
      'bus-port': config.busPort,
      'announce-host': config.announceHost,
      'expect-nodes': config.expectNodes,
      'request-timeout': config.requestTimeoutMs,
      'default-keyspace': config.defaultKeyspace,
      routing: config.routing,
      'output-buffer-limit': config.outputBufferLimitBytes,
      'pending-limit': config.pendingLimit,
    }).map(([name, value]) => [name, String(value)]),
  );
}
