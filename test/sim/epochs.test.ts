import { describe, expect, it } from 'vitest';
import type { Topology } from '../../src/membership/topology.ts';
import { Epochs } from '../../src/sim/checkers/epochs.ts';
import type { SimProcess } from '../../src/sim/sim-process.ts';
import type { Violation } from '../../src/sim/violation.ts';

const [N1, N2] = ['n1', 'n2'].map(name => ({ name }) as SimProcess) as [SimProcess, SimProcess];

/** What is said of processes that come to know these epochs, each told by its number and by who is departing. */
function checked(...adoptions: (readonly [SimProcess, number, string?])[]): readonly Violation[] {
  const violations: Violation[] = [];
  const epochs = new Epochs(violation => violations.push(violation));
  for (const [process, epoch, departing = ''] of adoptions) {
    epochs.adopted(process, { epoch, members: [], departing: [departing] } as unknown as Topology);
  }
  return violations;
}

describe('The check of epochs', () => {
  it('bears processes that come to know the same, in whatever steps', () => {
    expect(checked([N1, 1], [N2, 1], [N1, 2, 'n3'], [N1, 3], [N2, 3])).toEqual([]);
  });

  it('reports an epoch that is two different things, also when a process was there for no time', () => {
    const [violation] = checked([N1, 1], [N1, 2, 'n3'], [N1, 3], [N2, 1], [N2, 2, 'n4'], [N2, 3]);
    expect(violation).toMatchObject({ kind: 'two-rings' });
    expect(violation!.what).toContain('to n2, and was');
  });

  it('reports a process that goes back', () => {
    expect(checked([N1, 1], [N1, 3], [N1, 2])).toMatchObject([
      { kind: 'two-rings', what: 'n1 went from epoch 3 to 2' },
    ]);
  });

  it('knows how many owners the ring has had', () => {
    const epochs = new Epochs(() => {});
    expect(epochs.owners).toEqual({ least: 0, most: 0 });
    for (const [i, count] of [5, 7, 3, 4].entries()) {
      epochs.adopted(N1, { epoch: i + 1, members: new Array(count).fill(N2) } as unknown as Topology);
    }
    expect(epochs.owners).toEqual({ least: 3, most: 7 });
  });
});
