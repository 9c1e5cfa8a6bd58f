import type {
  Collected,
  Collection,
  CollectionMessages,
  CollectionReply,
  CollectionStep,
} from './collection-messages.ts';
import type { Fence } from './fence.ts';
import type { Keyspace } from './keyspace.ts';
import type { Peer } from './peer.ts';
import { isOfThisEpoch, type ReplicationContext } from './replication-context.ts';
import { collectTombstone, holdsTombstone } from './tombstones.ts';
import { newestStampOf } from './versions.ts';

/** What a replica does in each step of a collection (`tombstone-collector.ts`). It remembers nothing in between. */
export class CollectingReplica {
  readonly #context: ReplicationContext;
  readonly #messages: CollectionMessages;
  readonly #fence: Fence;

  constructor(context: ReplicationContext, messages: CollectionMessages, fence: Fence) {
    this.#context = context;
    this.#messages = messages;
    this.#fence = fence;
  }

  onCollection(from: Peer, request: Collection): void {
    const keyspace = this.#context.keyspaces.get(request.db);
    if (keyspace === undefined || !isOfThisEpoch(this.#context, from, request.epoch)) return;
    this.take(keyspace, request, reply => {
      this.#context.send(from, this.#messages.encodeReply(reply));
    });
  }

  /** A co-replica was sent a tombstone by us that it has collected: the rule was fulfilled for us too. */
  onCollected(from: Peer, { epoch, db, entry }: Collected): void {
    const keyspace = this.#context.keyspaces.get(db);
    if (keyspace === undefined || !isOfThisEpoch(this.#context, from, epoch)) return;
    if (collectTombstone(keyspace, entry)) this.#context.counters.tombstonesCollected++;
  }

  /** Takes one step. `answer` may be called later; not at all when a fence was given up. */
  take(keyspace: Keyspace, request: Collection, answer: (reply: CollectionReply) => void): void {
    const { id, step, entries, floor } = request;
    switch (step) {
      case 'propose': {
        const { guard } = this.#context;
        const wallMs = guard.wallMs();
        // A clock in doubt lets nothing expire for good.
        const upToMs = guard.mayDropExpired ? wallMs : 0;
        const held = Uint8Array.from(entries, entry => (holdsTombstone(keyspace, entry, upToMs) ? 1 : 0));
        // Once others have let go of it, it must not be that the value comes back from this disk.
        return keyspace.durability.whenKept(() => answer(reply(id, step, floor, held)));
      }
      case 'settle':
        return this.#fence.raise(settled => {
          if (settled !== undefined) answer(reply(id, step, settled, NOTHING));
        });
      case 'remove': {
        for (const entry of entries) {
          if (newestStampOf(entry) < floor && collectTombstone(keyspace, entry)) {
            this.#context.counters.tombstonesCollected++;
          }
        }
        return answer(reply(id, step, floor, NOTHING));
      }
    }
  }
}

const NOTHING = new Uint8Array(0);

function reply(id: number, step: CollectionStep, floor: number, held: Uint8Array): CollectionReply {
  return { id, step, floor, held };
}
