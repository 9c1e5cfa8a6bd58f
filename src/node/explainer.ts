import { wallMsOf } from '../clock/hybrid-clock.ts';
import type { ExplainWhat, ReplicaConflict, ReplicaVersion } from '../commands/server.ts';
import { slotOf } from '../lib/slots.ts';
import type { NodeName } from '../ports/outbox.ts';
import { DeadlineQueue } from '../replication/deadline-queue.ts';
import type { Hints } from '../replication/hints.ts';
import type { Keyspace } from '../replication/keyspace.ts';
import type { Peer } from '../replication/peer.ts';
import { firstOperationId, type ReplicationContext } from '../replication/replication-context.ts';
import { NEVER } from '../store/record.ts';
import type { ExplainMessage } from './explain-messages.ts';

/** Bytes of values put aside that one replica tells of. */
const MOST_CONFLICT_BYTES = 1 << 20;

interface Explanation {
  readonly startedMs: number;
  readonly replicas: readonly Peer[];
  readonly versions: Map<Peer, ReplicaVersion>;
  readonly done: (versions: readonly ReplicaVersion[]) => void;
}

/** Collects what every replica holds of a key, for `COTERIE EXPLAIN`: it looks, and changes nothing. */
export class Explainer {
  readonly #context: ReplicationContext;
  readonly #hints: Hints;
  readonly #send: (to: NodeName, message: ExplainMessage) => boolean;
  readonly #pending: DeadlineQueue<Explanation>;

  constructor(context: ReplicationContext, hints: Hints, send: (to: NodeName, message: ExplainMessage) => boolean) {
    this.#context = context;
    this.#pending = new DeadlineQueue(firstOperationId(context));
    this.#hints = hints;
    this.#send = send;
  }

  explain(
    keyspace: Keyspace,
    key: Buffer,
    what: ExplainWhat,
    done: (versions: readonly ReplicaVersion[]) => void,
  ): void {
    const slot = slotOf(key);
    const replicas = keyspace.placement.replicasOf(slot);
    const explanation: Explanation = {
      startedMs: this.#context.clock.monotonicMs(),
      replicas,
      versions: new Map(),
      done,
    };
    const id = this.#pending.add(explanation);
    for (const peer of replicas) {
      if (peer.isSelf) explanation.versions.set(peer, this.#versionHere(keyspace, slot, key, peer.name, what));
      else this.#send(peer.name, { type: 'ask', id, db: keyspace.db, key, what });
    }
    this.#settle(id, explanation);
  }

  receive(from: Peer, self: NodeName, message: ExplainMessage): void {
    if (message.type === 'ask') {
      const keyspace = this.#context.keyspaces.get(message.db);
      if (keyspace === undefined) return;
      const version = this.#versionHere(keyspace, slotOf(message.key), message.key, self, message.what);
      this.#send(from.name, { type: 'answer', id: message.id, version });
      return;
    }
    const explanation = this.#pending.get(message.id);
    if (explanation === undefined) return;
    explanation.versions.set(from, message.version);
    this.#settle(message.id, explanation);
  }

  tick(): void {
    const { clock, limits } = this.#context;
    this.#pending.forEachOlderThan(clock.monotonicMs(), limits.requestTimeoutMs, (explanation, id) => {
      this.#finish(id, explanation);
    });
  }

  #settle(id: number, explanation: Explanation): void {
    const { replicas, versions } = explanation;
    if (replicas.every(peer => versions.has(peer) || !peer.linked)) this.#finish(id, explanation);
  }

  #finish(id: number, { replicas, versions, done }: Explanation): void {
    this.#pending.remove(id);
    done(replicas.map(peer => versions.get(peer) ?? { node: peer.name, status: 'no answer', refilling: false }));
  }

  #versionHere(keyspace: Keyspace, slot: number, key: Uint8Array, node: NodeName, what: ExplainWhat): ReplicaVersion {
    const { store } = keyspace;
    const refilling = keyspace.refill.isPending(slot);
    const hash = store.hashOf(key);
    const ref = store.find(slot, hash, key);
    const owed = this.#hints.peersOwed(keyspace, slot, hash);
    const rest = {
      ...(owed.length > 0 && { hintsFor: owed }),
      ...(what === 'conflicts' && { conflicts: this.#conflictsHere(keyspace, key) }),
    };
    if (ref === 0) return { node, status: 'absent', refilling, ...rest };
    const { dot, vector } = store.read(ref);
    const { actors, clock } = this.#context;
    const expiryAtMs = store.expiryAtMs(ref);
    return {
      node,
      status: store.isLive(ref, clock.wallMs()) ? 'value' : 'tombstone',
      refilling,
      dot: actors.dotText(dot),
      writtenMs: wallMsOf(dot.stamp),
      length: store.valueLength(ref),
      vector: [...vector].map(([actor, stamp]) => actors.dotText({ actor, stamp })),
      ...(expiryAtMs !== NEVER && { expiryAtMs }),
      ...rest,
    };
  }

  #conflictsHere({ conflicts }: Keyspace, key: Uint8Array): readonly ReplicaConflict[] {
    const { actors } = this.#context;
    let bytes = 0;
    return conflicts.of(key).map(({ dot, value }) => {
      bytes += value?.length ?? 0;
      return {
        dot: actors.dotText(dot),
        writtenMs: wallMsOf(dot.stamp),
        ...(value !== undefined && { length: value.length }),
        ...(value !== undefined && bytes <= MOST_CONFLICT_BYTES && { value }),
      };
    });
  }
}
