import type { Random } from '../ports/random.ts';
import type { FaultRates } from './faults.ts';
import { NO_DISK_FAULTS, SimulatedDrive } from './simulated-drive.ts';
import type { VirtualTime } from './virtual-clock.ts';

/** The store that a machine's node keeps its data in. */
export const STORE = 'data';

/** The machines' drives, which outlive the processes on them. */
export class Drives {
  readonly #random: Random & { fork(): Random };
  readonly #time: VirtualTime;
  readonly #slowFlush: number;
  readonly #drives: SimulatedDrive[];
  /** Of drives that were given away. */
  #slowFlushes = 0;
  #isStormy = false;

  constructor(
    count: number,
    time: VirtualTime,
    random: Random & { fork(): Random },
    faults: Pick<FaultRates, 'slow-flush'>,
  ) {
    this.#random = random;
    this.#time = time;
    this.#slowFlush = faults['slow-flush'];
    this.#drives = Array.from({ length: count }, () => this.#make());
  }

  at(index: number): SimulatedDrive {
    return this.#drives[index]!;
  }

  /** The machine gets an empty drive, as an operator gives one to a node that is to begin anew. */
  renew(index: number): void {
    this.#slowFlushes += this.at(index).counts['slow-flush'];
    this.#drives[index] = this.#make();
  }

  /** How many flushes were slow by chance. */
  get slowFlushes(): number {
    return this.#drives.reduce((sum, { counts }) => sum + counts['slow-flush'], this.#slowFlushes);
  }

  /** A storm begins. */
  begin(): void {
    this.#setStormy(true);
  }

  /** From now on nothing goes wrong by chance. */
  calm(): void {
    this.#setStormy(false);
  }

  #setStormy(isStormy: boolean): void {
    this.#isStormy = isStormy;
    for (const drive of this.#drives) drive.rates = this.#rates;
  }

  #make(): SimulatedDrive {
    return new SimulatedDrive(this.#random.fork(), this.#time, this.#rates);
  }

  get #rates(): SimulatedDrive['rates'] {
    return { ...NO_DISK_FAULTS, 'slow-flush': this.#isStormy ? this.#slowFlush : 0 };
  }
}
