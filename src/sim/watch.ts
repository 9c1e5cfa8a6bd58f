import { AvailabilityCheck } from './checkers/availability.ts';
import { Convergence } from './checkers/convergence.ts';
import { Deletions } from './checkers/deletions.ts';
import { Dots } from './checkers/dots.ts';
import { Epochs } from './checkers/epochs.ts';
import { LostWrites } from './checkers/lost-writes.ts';
import { QuorumOrder } from './checkers/quorum-order.ts';
import { History, type OperationObserver } from './history.ts';
import type { Machines } from './machines.ts';
import { keyId, type Operation, type OperationOutcome, valueIdOf, writesValues } from './operation.ts';
import { SIMULATED_KEYSPACES } from './options.ts';
import type { SimProcess } from './sim-process.ts';
import { heldByReplicas, type SimKey, toSimKey } from './stored-key.ts';
import type { Report, Violation } from './violation.ts';

/** All checks, and what they need to be asked: it sees every operation, and looks into the stores. */
export class Watch implements OperationObserver {
  readonly history: History;
  readonly order: QuorumOrder;
  readonly lostWrites: LostWrites;
  readonly dots: Dots;
  readonly deletions: Deletions;
  readonly convergence: Convergence;
  readonly epochs: Epochs;
  readonly availability = new AvailabilityCheck();
  readonly operations: Record<OperationOutcome, number> = { ok: 0, unavailable: 0, refused: 0, lost: 0 };
  /** Acknowledged writes, by keyspace. */
  readonly acknowledged = new Map<number, number>();
  readonly #machines: Machines;
  readonly #keys: readonly SimKey[];
  readonly #keysById: ReadonlyMap<string, SimKey>;
  #violation: Violation | undefined;

  constructor(machines: Machines, dbs: readonly number[], keyNames: readonly string[]) {
    this.#machines = machines;
    this.#keys = dbs.flatMap(db => keyNames.map(name => toSimKey(db, name)));
    this.#keysById = new Map(this.#keys.map(key => [key.id, key]));
    const strict = SIMULATED_KEYSPACES.filter(({ policy, sloppy }) => policy === 'quorum' && !sloppy).map(
      ({ db }) => db,
    );
    const repairing = SIMULATED_KEYSPACES.filter(({ readRepair }) => readRepair === 'blocking').map(({ db }) => db);
    this.order = new QuorumOrder(new Set(strict), new Set(repairing), this.report);
    const others = dbs.filter(db => !strict.includes(db));
    const isSync = new Set(SIMULATED_KEYSPACES.filter(each => each.durability === 'sync').map(({ db }) => db));
    const promises = new Map(others.map(db => [db, isSync.has(db) ? 'durable' : 'in memory'] as const));
    this.lostWrites = new LostWrites(promises, () => machines.running(), this.#keysById, this.report);
    this.dots = new Dots(this.report);
    this.deletions = new Deletions(this.report);
    this.convergence = new Convergence(this.#keys);
    this.epochs = new Epochs(this.report);
    this.history = new History([this.order, this.lostWrites, this.availability, this]);
  }

  /** The first thing that was found to be wrong. */
  get violation(): Violation | undefined {
    return this.#violation;
  }

  readonly report: Report = violation => {
    this.#violation ??= violation;
  };

  /**
   * The process is no more. One that has left has handed over what it held.
   *
   * @param diskLost whether what was durable is lost as well.
   */
  ceased({ node }: SimProcess, diskLost: boolean): void {
    if (!node.hasLeft) this.lostWrites.lost(diskLost);
  }

  began(): void {}

  ended(operation: Operation): void {
    const { outcome, db, keys } = operation;
    this.operations[outcome!]++;
    if (outcome === 'ok' && writesValues(operation) && operation.applied) {
      this.acknowledged.set(db, (this.acknowledged.get(db) ?? 0) + 1);
    }
    for (const name of keys) this.#look(this.#keysById.get(keyId(db, name))!);
  }

  /** Looks at every key at every replica. */
  lookAround(): void {
    for (const key of this.#keys) this.#look(key);
  }

  /** Checks everything that replicas agree on, as if it were read. */
  checkAgreed(): void {
    const processes = this.#machines.running();
    this.convergence.checkPlaces(processes, this.report);
    this.lookAround();
    const wallMs = this.#machines.fastestWallMs();
    for (const key of this.#keys) {
      const agreed = this.convergence.agreed(processes, key, wallMs);
      this.order.checkFinal(key.db, key.name, agreed?.value && valueIdOf(agreed.value));
      this.lostWrites.checkFinal(key, agreed);
    }
  }

  #look(key: SimKey): void {
    const { held, newestElsewhere, replicas } = heldByReplicas(this.#machines.running(), key);
    this.dots.look(key, held);
    this.deletions.look(key, held, replicas, newestElsewhere);
  }
}
