import {
  DEFAULT_ANTI_ENTROPY,
  DEFAULT_COLLECTION,
  DEFAULT_DISK,
  DEFAULT_HINTS,
  DEFAULT_REPLICATION_LIMITS,
  type NodeOptions,
} from '../src/node/node-options.ts';

/** A node of a test, at an address of its own, with the limits of the default configuration. */
export function nodeOptions(
  name: string,
  { keyspaces, ...changes }: Partial<NodeOptions> & Pick<NodeOptions, 'keyspaces'>,
): NodeOptions {
  const address = { host: name, port: 1 };
  return {
    name,
    zone: name,
    weight: 1,
    bus: address,
    client: address,
    expectNodes: 1,
    alone: false,
    replaces: undefined,
    keyspaces,
    defaultKeyspace: 0,
    password: '',
    maxPendingReplies: 100,
    replication: DEFAULT_REPLICATION_LIMITS,
    antiEntropy: DEFAULT_ANTI_ENTROPY,
    hints: DEFAULT_HINTS,
    collection: DEFAULT_COLLECTION,
    version: '0',
    settings: new Map(),
    maxClockDriftMs: 2_000,
    conflictJournalBytes: 1 << 20,
    disk: DEFAULT_DISK,
    faultCommands: true,
    ...changes,
  };
}
