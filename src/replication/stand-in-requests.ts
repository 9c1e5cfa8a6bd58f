import type { StoredRecord } from '../store/record.ts';
import type { HintMessages } from './hint-messages.ts';
import type { Keyspace } from './keyspace.ts';
import type { Peer } from './peer.ts';
import type { ReplicationContext } from './replication-context.ts';

/** A write, as far as stand-ins are concerned. */
interface WriteToKeep {
  readonly keyspace: Keyspace;
  readonly slot: number;
  readonly key: Uint8Array;
  readonly record: StoredRecord;
  /** Bit i: writer i has acknowledged the version; behind the writers the stand-ins. */
  readonly answered: number;
  /** How many of the nearest that can be reached are asked. */
  readonly standIns: number;
}

/** The coordinator's side of standing in: whom to ask, in the order of the ring, and whose word counts. */
export class StandInRequests {
  readonly #context: ReplicationContext;
  readonly #messages: HintMessages;

  constructor(context: ReplicationContext, messages: HintMessages) {
    this.#context = context;
    this.#messages = messages;
  }

  /** Whether acknowledgements of stand-ins count: hints never count towards a strict W (DESIGN §5). */
  mayStandIn(keyspace: Keyspace): boolean {
    return keyspace.policy.sloppy;
  }

  /** How many stand-ins can be reached, this node included if it is one. */
  reachable(keyspace: Keyspace, slot: number): number {
    if (!this.mayStandIn(keyspace)) return 0;
    return keyspace.placement.standInsOf(slot).filter(peer => peer.reachable).length;
  }

  /** How many must be asked from the start because too few others can be expected to acknowledge. */
  missing(keyspace: Keyspace, slot: number, need: number): number {
    if (!this.mayStandIn(keyspace)) return 0;
    const others = keyspace.placement
      .replicasOf(slot)
      .filter(peer => !peer.isSelf && peer.reachable && !peer.refilling);
    const here = keyspace.refill.isPending(slot) ? 0 : 1;
    return Math.max(0, need - others.length - here);
  }

  /** The bit of a stand-in in `answered`, or -1. */
  indexOf(peer: Peer, keyspace: Keyspace, slot: number): number {
    if (!this.mayStandIn(keyspace)) return -1;
    const { placement } = keyspace;
    const place = placement.standInsOf(slot).indexOf(peer);
    return place < 0 ? -1 : placement.writersOf(slot).length + place;
  }

  /** Asks those that have not answered to keep the version for the replicas that have not acknowledged it. */
  ask(write: WriteToKeep, id: number): void {
    if (write.standIns === 0) return;
    const { keyspace, slot, key, record, answered } = write;
    const { length } = keyspace.placement.writersOf(slot);
    const { epoch, counters } = this.#context;
    const replicas = absentees(keyspace, slot, answered);
    const message = this.#messages.encodeStandIn({ id, epoch, db: keyspace.db, replicas, key, record });
    let left = write.standIns;
    for (const [i, peer] of keyspace.placement.standInsOf(slot).entries()) {
      if (peer.isSelf || !peer.reachable) continue;
      if (left-- === 0) return;
      if ((answered & (1 << (length + i))) !== 0) continue;
      if (this.#context.send(peer, message)) counters.standInsAsked++;
    }
  }
}

/** Bit i: writer i is another node and has not acknowledged. */
export function absentees({ placement }: Keyspace, slot: number, answered: number): number {
  let bits = 0;
  for (const [i, peer] of placement.writersOf(slot).entries()) {
    if (!peer.isSelf && (answered & (1 << i)) === 0) bits |= 1 << i;
  }
  return bits;
}
