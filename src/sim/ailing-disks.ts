import { nameOf } from './sim-process.ts';
import type { SimulatedDrive } from './simulated-drive.ts';
import type { Victims } from './victims.ts';

/** Of the flushes of a slow disk so many are. */
const SLOW_FLUSHES = 0.5;

const AILMENTS = {
  'full-disk': (drive: SimulatedDrive, isIll: boolean): void => {
    drive.isFull = isIll;
  },
  'slow-flush': (drive: SimulatedDrive, isIll: boolean): void => {
    drive.rates = { ...drive.rates, 'slow-flush': isIll ? SLOW_FLUSHES : 0 };
  },
} as const;

export type Ailment = keyof typeof AILMENTS;

/** Disks that take no writes, or are slow, for a while. */
export class AilingDisks {
  readonly #victims: Victims;
  readonly #ill = new Set<number>();

  constructor(victims: Victims) {
    this.#victims = victims;
  }

  /** @returns what makes it well again; undefined when something is wrong with that disk already. */
  begin(ailment: Ailment, index: number): (() => void) | undefined {
    if (this.#ill.has(index)) return undefined;
    const { say, drives } = this.#victims;
    const drive = drives!.at(index);
    this.#ill.add(index);
    say(`${ailment} begins at ${nameOf(index)}`);
    AILMENTS[ailment](drive, true);
    return () => {
      this.#ill.delete(index);
      say(`${ailment} ends at ${nameOf(index)}`);
      AILMENTS[ailment](drive, false);
    };
  }
}
