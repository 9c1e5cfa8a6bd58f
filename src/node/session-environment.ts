import { createCommandTable } from '../commands/all-commands.ts';
import type { Server } from '../commands/server.ts';
import type { Clock } from '../ports/clock.ts';
import { BlockPool } from '../resp/block-pool.ts';
import type { Node } from './node.ts';
import type { NodeOptions } from './node-options.ts';
import type { SessionEnvironment } from './session.ts';

/** 16 MiB at most of blocks for replies: where many connections are answered in one turn each needs one at once. */
const OUTPUT_BLOCKS = 256;

/** 8 MiB at most of blocks for replies that wait for others before them. */
const SIDE_BLOCKS = 1024;
const SIDE_BLOCK_BYTES = 8192;

/** What the sessions of a node share. */
export function makeEnvironment(node: Node, server: Server, clock: Clock, options: NodeOptions): SessionEnvironment {
  return {
    clock,
    table: createCommandTable(),
    server,
    keyspaces: {
      has: db => options.keyspaces.some(policy => policy.db === db),
      get: db => node.cluster?.keyspaces.get(db),
    },
    runner: node,
    counters: node.clientCounters,
    pool: new BlockPool(OUTPUT_BLOCKS),
    sidePool: new BlockPool(SIDE_BLOCKS, SIDE_BLOCK_BYTES),
    initial: { db: options.defaultKeyspace, authenticated: options.password === '' },
    maxPendingReplies: options.maxPendingReplies,
  };
}
