import { ReplyWriter } from '../resp/reply-writer.ts';
import type { ServerNode, ServerSlotRange } from './server.ts';

/**
 * The slot map for `CLUSTER SLOTS` and `CLUSTER SHARDS`. It is exact: what a client reads there is the preference list
 * that the ring has for the slot, live replicas only, the first of them as the "master". A fair ring has thousands of
 * ranges, so a node is encoded once and its bytes are copied.
 */

/** A run of slots with the nodes that a client may ask for them. */
export interface ServedRange {
  readonly first: number;
  readonly last: number;
  /** At least one; the first is the one to go to. */
  readonly nodes: readonly ServerNode[];
}

/** Live replicas only, and where none lives the first of the list; neighbours that then say the same are one range. */
export function servedRanges(ranges: readonly ServerSlotRange[]): ServedRange[] {
  const served: { first: number; last: number; nodes: readonly ServerNode[] }[] = [];
  for (const { first, last, nodes } of ranges) {
    if (nodes.length === 0) continue;
    const live = nodes.filter(isLive);
    const asked = live.length > 0 ? live : nodes.slice(0, 1);
    const before = served.at(-1);
    if (before?.last === first - 1 && isSameList(before.nodes, asked)) before.last = last;
    else served.push({ first, last, nodes: asked });
  }
  return served;
}

export function isLive({ status }: ServerNode): boolean {
  return status === 'alive' || status === 'suspect';
}

/** For each range: first slot, last slot, and each node's host, port, id and nothing more (cluster.c, 7.0). */
export function writeSlots(reply: ReplyWriter, ranges: readonly ServedRange[]): void {
  const encoded = new EncodedNodes(reply.protocol, writeSlotNode);
  reply.array(ranges.length);
  for (const { first, last, nodes } of ranges) {
    reply.array(2 + nodes.length);
    reply.integer(first);
    reply.integer(last);
    for (const node of nodes) reply.raw(encoded.of(node));
  }
}

function writeSlotNode(reply: ReplyWriter, node: ServerNode): void {
  reply.array(4);
  reply.bulkString(node.client.host);
  reply.integer(node.client.port);
  reply.bulkString(node.clusterNodeId);
  reply.map(0);
}

/** A shard is what has one list of nodes: all the slots with that list, and the nodes, master first. */
export function writeShards(reply: ReplyWriter, ranges: readonly ServedRange[]): void {
  const shards = new Map<string, ServedRange[]>();
  for (const range of ranges) {
    const list = range.nodes.map(({ clusterNodeId }) => clusterNodeId).join();
    const shard = shards.get(list);
    if (shard === undefined) shards.set(list, [range]);
    else shard.push(range);
  }
  reply.array(shards.size);
  for (const shard of shards.values()) {
    reply.map(2);
    reply.bulkString('slots');
    reply.array(shard.length * 2);
    for (const { first, last } of shard) {
      reply.integer(first);
      reply.integer(last);
    }
    reply.bulkString('nodes');
    const { nodes } = shard[0]!;
    reply.array(nodes.length);
    for (const [rank, node] of nodes.entries()) writeShardNode(reply, node, rank === 0 ? 'master' : 'replica');
  }
}

function writeShardNode(reply: ReplyWriter, node: ServerNode, role: 'master' | 'replica'): void {
  const texts = { ip: node.client.host, endpoint: node.client.host, role };
  reply.map(7);
  reply.bulkString('id');
  reply.bulkString(node.clusterNodeId);
  reply.bulkString('port');
  reply.integer(node.client.port);
  for (const [name, text] of Object.entries(texts)) {
    reply.bulkString(name);
    reply.bulkString(text);
  }
  reply.bulkString('replication-offset');
  reply.integer(0);
  reply.bulkString('health');
  reply.bulkString(healthOf(node));
}

function healthOf(node: ServerNode): string {
  if (!isLive(node)) return 'fail';
  return node.refilling ? 'loading' : 'online';
}

/** Each node's bytes, made when first asked for. */
class EncodedNodes {
  readonly #writer = new ReplyWriter();
  readonly #write: (reply: ReplyWriter, node: ServerNode) => void;
  readonly #bytes = new Map<string, Buffer>();

  constructor(protocol: 2 | 3, write: (reply: ReplyWriter, node: ServerNode) => void) {
    this.#writer.protocol = protocol;
    this.#write = write;
  }

  of(node: ServerNode): Buffer {
    let bytes = this.#bytes.get(node.clusterNodeId);
    if (bytes === undefined) {
      this.#write(this.#writer, node);
      bytes = Buffer.concat(this.#writer.takeSegments());
      this.#bytes.set(node.clusterNodeId, bytes);
    }
    return bytes;
  }
}

function isSameList(a: readonly ServerNode[], b: readonly ServerNode[]): boolean {
  return a.length === b.length && a.every((node, i) => node.clusterNodeId === b[i]!.clusterNodeId);
}
