import { Actors } from '../../src/clock/actors.ts';
import { createCommandTable } from '../../src/commands/all-commands.ts';
import { allAtOnce } from '../../src/lib/steps.ts';
import type { ClientSocket } from '../../src/node/client-connection.ts';
import { ClientCounters } from '../../src/node/client-counters.ts';
import { Session, type SessionEnvironment } from '../../src/node/session.ts';
import type { OperationRunner } from '../../src/node/session-keys.ts';
import { Keyspace } from '../../src/replication/keyspace.ts';
import type { KeyOperation } from '../../src/replication/operation.ts';
import { Placement } from '../../src/replication/placement.ts';
import type { KeyspacePolicy } from '../../src/replication/policy.ts';
import { BlockPool } from '../../src/resp/block-pool.ts';
import { ConflictJournal } from '../../src/store/conflict-journal.ts';
import type { Outcome, OutcomeSink } from '../../src/store/outcome.ts';
import { RecordStore } from '../../src/store/record-store.ts';
import { FakeServer } from '../commands/fake-server.ts';
import { namesTo, TestRings } from '../replication/rings.ts';
import { EVENTUAL, QUORUM } from '../replication/test-network.ts';

const TABLE = createCommandTable();
const PLACEMENT = allAtOnce(Placement.make(new TestRings('n1').settled(namesTo(3)), 3));

/** An operation that a command has begun, for the test to decide. */
export interface Begun {
  readonly db: number;
  readonly operation: KeyOperation;
  complete(outcome: Outcome): void;
}

/** A session whose operations on keys are decided by the test, one by one. */
export class TestSession implements OperationRunner {
  readonly session: Session;
  readonly keyspaces = new Map<number, Keyspace>();
  readonly begun: Begun[] = [];
  progress = 0;
  /** Whether a plain SET at W=1 is done here and at once. */
  setsHere = false;
  readonly socket: ClientSocket = { id: 1, address: 'client:1', localAddress: 'node:2', queuedBytes: 77 };

  constructor(changes: Partial<SessionEnvironment> = {}, isFounded = true) {
    if (isFounded) this.found();
    const environment: SessionEnvironment = {
      clock: { wallMs: () => 1_800_000_000_000, monotonicMs: () => 5000 },
      table: TABLE,
      server: new FakeServer(),
      keyspaces: { has: db => db === 0 || db === 1, get: db => this.keyspaces.get(db) },
      runner: this,
      pool: new BlockPool(),
      sidePool: new BlockPool(),
      counters: new ClientCounters(),
      initial: { db: 0, authenticated: true },
      maxPendingReplies: 100,
      ...changes,
    };
    this.session = new Session(environment, this.socket, () => this.progress++);
  }

  found(): void {
    for (const policy of [EVENTUAL, QUORUM]) this.keyspaces.set(policy.db, keyspaceOf(policy));
  }

  run(keyspace: Keyspace, operation: KeyOperation, sink: OutcomeSink): void {
    this.begun.push({ db: keyspace.db, operation, complete: outcome => sink.complete(outcome) });
  }

  setHere(): boolean {
    return this.setsHere;
  }

  /** Gives a command in words; whether it could run. */
  execute(line: string): boolean {
    return this.session.execute(line.split(' ').map(word => Buffer.from(word)));
  }

  /** What has become ready for the socket. */
  output(): string {
    return Buffer.concat(this.session.output.takeSegments()).toString('latin1');
  }
}

function keyspaceOf(policy: KeyspacePolicy): Keyspace {
  return new Keyspace(
    policy,
    new RecordStore({ actors: new Actors(), hashKey: [1, 2] }),
    PLACEMENT,
    new ConflictJournal(0),
  );
}
