import type { Peer } from './peer.ts';
import type { Coming } from './replica-messages.ts';
import type { ReplicationContext } from './replication-context.ts';

/** A link slower than this, 20 MB/s, is too slow for large values. */
const SLOWEST_BYTES_PER_MS = 20_000;

/** No value is larger, whatever a peer says. */
const MAX_BYTES = 2 ** 30;

/** A value from this size on is announced before it is sent, so that whoever asked for it waits for it. */
const ANNOUNCED_BYTES = 1 << 20;

/** How much longer to wait, in ms, because so many bytes have to travel: a bound on silence must not be one on size. */
export function transferMs(bytes: number): number {
  return Math.floor(Math.min(bytes, MAX_BYTES) / SLOWEST_BYTES_PER_MS);
}

/** Tells a peer of a large value that is to follow in answer to its question; of others nothing need be told. */
export function announce(
  context: ReplicationContext,
  to: Peer,
  answers: Coming['answers'],
  id: number,
  bytes: number,
): void {
  if (bytes >= ANNOUNCED_BYTES) context.send(to, context.messages.encodeComing({ answers, id, bytes }));
}
