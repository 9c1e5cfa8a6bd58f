import type { Drives } from './drives.ts';
import type { MessageFaults } from './message-faults.ts';
import type { SimProcess } from './sim-process.ts';
import type { SkewedClock, VirtualTime } from './virtual-clock.ts';
import type { VirtualNetwork } from './virtual-network.ts';

/** How a process ends; all but the first only where it has a disk. */
export type Ending = 'crash' | 'restart' | 'torn-batch' | 'lost-tail' | 'damage';

/** What faults are done to. */
export interface Victims {
  readonly time: VirtualTime;
  readonly network: VirtualNetwork;
  readonly messages: MessageFaults;
  readonly drives: Drives | undefined;
  /** How many machines there are, the places of those whose nodes are to be members, and the processes that run. */
  readonly nodes: number;
  wanted(): readonly number[];
  running(): readonly SimProcess[];
  readonly clocks: readonly SkewedClock[];
  /** Whether every node runs and has all its data. */
  mayLoseOne(): boolean;
  end(index: number, ending: Ending, silently: boolean): void;
  /** All that run end at once. */
  powerIsCut(): void;
  start(index: number): void;
  /** Begins a change of the ring; false when none can be begun now. */
  churn(): boolean;
  say(line: string): void;
}
