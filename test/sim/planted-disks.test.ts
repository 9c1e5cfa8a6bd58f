import { describe, test } from 'vitest';
import { NodeStorage } from '../../src/node/disk/node-storage.ts';
import { Durability } from '../../src/replication/durability.ts';
import { NO_FAULTS } from '../../src/sim/index.ts';
import { SimulatedStore } from '../../src/sim/simulated-drive.ts';
import { expectCaught, plant } from './planting.ts';

const SYNC = [6];
const BATCHED = [7];
const SYNC_ALONE = [8];

describe('the simulator catches within 50 seeds', { timeout: 300_000 }, () => {
  test('a write that is acknowledged before it is flushed', () => {
    plant(Durability.prototype, 'mayAcknowledge', { get: () => true });
    const faults = { ...NO_FAULTS, 'power-cut': 20, 'torn-batch': 6, 'slow-flush': 20 };
    expectCaught('stale-read', { keyspaces: SYNC, faults });
  });

  test('the same where one acknowledgement is enough', () => {
    plant(Durability.prototype, 'mayAcknowledge', { get: () => true });
    const faults = { ...NO_FAULTS, 'power-cut': 20, 'torn-batch': 6, 'slow-flush': 20 };
    expectCaught('lost-write', { keyspaces: SYNC_ALONE, faults });
  });

  test('a value whose checksum nobody looks at', () => {
    plant(SimulatedStore.prototype, 'damage', { value: damageUnseen });
    const faults = { ...NO_FAULTS, damage: 20 };
    expectCaught(['dot-reused', 'invented-value'], { keyspaces: SYNC, faults });
  });

  test('a store that has lost its tail and is trusted', () => {
    const { loseTail } = SimulatedStore.prototype;
    plant(SimulatedStore.prototype, 'loseTail', {
      value: function (this: SimulatedStore, batches: number): number {
        const count = loseTail.call(this, batches);
        this.lost = undefined;
        return count;
      },
    });
    const faults = { ...NO_FAULTS, 'lost-tail': 20, loss: 0.05, partition: 8 };
    expectCaught('stale-read', { keyspaces: SYNC, faults });
  });

  test('a tombstone that is confirmed before it is flushed', () => {
    plant(Durability.prototype, 'whenKept', { value: (vouch: () => void) => vouch() });
    // The fence before the collection waits for each member's disk, too.
    plant(NodeStorage.prototype, 'whenDurable', { value: (done: () => void) => done() });
    const faults = { ...NO_FAULTS, crash: 20, 'slow-flush': 20 };
    // By the key itself, or by a client that reads it.
    expectCaught(['come-back', 'stale-read'], { keyspaces: BATCHED, workload: 'deletes', faults });
  });
});

/** The identifier of a value becomes another; nothing says so. */
function damageUnseen(this: SimulatedStore, key: string): void {
  const { value } = this.entries.get(key)!;
  const damaged = Uint8Array.from(value);
  const at = Buffer.from(damaged).lastIndexOf('.');
  damaged[at + 1]! ^= 1;
  this.entries.set(key, { value: damaged, isDamaged: false });
}
