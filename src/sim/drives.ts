import type { Random } from '../ports/random.ts';
import { NO_DISK_FAULTS, SimulatedDrive } from './simulated-drive.ts';
import type { VirtualTime } from './virtual-clock.ts';

/** The store that a machine's node keeps its data in. */
export const STORE = 'data';

/** The machines' drives, which outlive the processes on them. */
export class Drives {
  readonly #random: { fork(): Random };
  readonly #time: VirtualTime;
  readonly #drives: SimulatedDrive[];

  constructor(count: number, time: VirtualTime, random: { fork(): Random }) {
    this.#random = random;
    this.#time = time;
    this.#drives = Array.from({ length: count }, () => this.#make());
  }

  at(index: number): SimulatedDrive {
    return this.#drives[index]!;
  }

  /** The machine gets an empty drive, as an operator gives one to a node that is to begin anew. */
  renew(index: number): void {
    this.#drives[index] = this.#make();
  }

  #make(): SimulatedDrive {
    return new SimulatedDrive(this.#random.fork(), this.#time, NO_DISK_FAULTS);
  }
}
