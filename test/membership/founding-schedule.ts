import { drawBelow, drawChance, drawHex, drawOne } from '../../src/lib/draw.ts';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { Founding } from '../../src/membership/founding.ts';
import type { FoundingMessage } from '../../src/membership/founding-messages.ts';
import type { PeerIdentity } from '../../src/ports/outbox.ts';

export interface ScheduleOptions {
  readonly size: number;
  readonly expectNodes: number;
  readonly seed: number;
  readonly steps: number;
  /** Whether this process may be restarted now. */
  mayRestart(process: Process): boolean;
}

export interface Process {
  readonly name: string;
  readonly core: Founding;
  readonly identity: PeerIdentity;
  nowMs: number;
  /** Has ever proposed or promised. */
  committed: boolean;
}

interface Underway {
  readonly from: string;
  readonly to: string;
  readonly message: FoundingMessage;
}

export interface Outcome {
  readonly processes: readonly Process[];
  /** What happened, one line a step, for a failure's report. */
  readonly trace: readonly string[];
  readonly foundings: number;
  readonly restarts: number;
}

/** Messages that may be under way at once; beyond it one of them is lost. */
const MAX_UNDERWAY = 40;

/**
 * A demon instead of a network: each step it does any one thing that could happen, in any order and at any speed. It
 * delivers one of the messages under way, or does so again, or never; lets one process's clock run on; makes or breaks
 * a link; kills and restarts a process.
 *
 * @throws when two clusters live at once.
 */
export function runSchedule(options: ScheduleOptions): Outcome {
  const random = new SeededRandom(options.seed);
  const names = Array.from({ length: options.size }, (_, i) => 'abcdefgh'[i]!);
  const underway: Underway[] = [];
  const trace: string[] = [];
  let foundings = 0;
  let restarts = 0;
  const restartChance = drawOne(random, [0, 0.01, 0.03])!;
  const dyingChance = drawOne(random, [0, 0.1, 0.4])!;
  const relinkChance = drawOne(random, [0.01, 0.05])!;
  const noticeChance = drawOne(random, [0.2, 0.5, 0.9])!;
  /** Messages of this kind take long, so that much happens while they are under way. */
  const slow = drawOne(random, ['', 'promise', 'welcome', 'withdraw']);
  /** Otherwise those that carry lists of candidates are always the ones that are lost. */
  const passesLists = drawChance(random, 0.5);

  const start = (name: string): Process => {
    const at = { host: 'h', port: 1 };
    const actor = `${name}.${drawHex(random, 2)}`;
    const identity = { name, actor, clusterId: '', bus: at, client: at, zone: 'z', weight: 1 };
    const core = new Founding(
      { self: identity, expectNodes: options.expectNodes, alone: false, replaces: undefined },
      {
        random,
        send: (to, message) => {
          if (message.type === 'promise' || message.type === 'propose') process.committed = true;
          put({ from: name, to, message: message.type === 'hello' && !passesLists ? withoutList(message) : message });
          return true;
        },
        dial: () => {},
        join: () => 'the ring stands still',
        event: event => {
          if (event.type === 'founded') foundings++;
          trace.push(`  ${actor} ${event.type} ${'cluster' in event ? event.cluster.id.slice(0, 4) : event.by}`);
        },
      },
    );
    const process: Process = { name, core, identity, nowMs: 0, committed: false };
    return process;
  };
  const put = (one: Underway) => {
    if (one.message.type === 'hello') {
      const older = underway.findIndex(({ from, to, message }) => {
        return message.type === 'hello' && from === one.from && to === one.to;
      });
      if (older >= 0) underway.splice(older, 1);
    }
    if (underway.length >= MAX_UNDERWAY) underway.splice(drawBelow(random, underway.length), 1);
    underway.push(one);
  };
  const processes = new Map(names.map(name => [name, start(name)]));
  const link = (from: string, to: string) => {
    const [a, b] = [processes.get(from)!, processes.get(to)!];
    const clusterOf = ({ core }: Process) => ({ clusterId: core.cluster?.id ?? '' });
    b.core.heard({ ...a.identity, ...clusterOf(a) });
    a.core.linkUp({ ...b.identity, ...clusterOf(b) });
  };
  const deliver = () => {
    if (underway.length === 0) return;
    const index = drawBelow(random, underway.length);
    const { from, to, message } = underway[index]!;
    if (message.type === slow && drawChance(random, 0.95)) return;
    if (!drawChance(random, 0.1)) underway.splice(index, 1);
    if (message.type !== 'hello') trace.push(`${message.from} > ${message.to} ${message.type}`);
    const process = processes.get(to)!;
    process.core.receive(from, message, process.nowMs);
    if (message.type === 'propose' && drawChance(random, 0.1)) process.core.linkDown(from);
    // Most is decided around these: a good time to die.
    if (message.type !== 'hello' && drawChance(random, dyingChance)) restart(drawChance(random, 0.5) ? from : to);
  };
  const tick = () => {
    const process = processes.get(drawOne(random, names)!)!;
    process.nowMs += 100 + drawBelow(random, drawChance(random, 0.05) ? 3_000 : 300);
    process.core.tick(process.nowMs);
  };
  const relink = () => {
    const [from, to] = [drawOne(random, names)!, drawOne(random, names)!];
    if (from === to) return;
    if (drawChance(random, 0.7)) {
      link(from, to);
      if (drawChance(random, 0.7)) link(to, from);
    } else processes.get(from)!.core.linkDown(to);
  };
  const restart = (victim: string) => {
    const former = processes.get(victim)!;
    if (!options.mayRestart(former)) return;
    restarts++;
    trace.push(`${former.identity.actor} restarts`);
    processes.set(former.name, start(former.name));
    // Some notice at once.
    for (const name of names)
      if (name !== former.name && drawChance(random, noticeChance)) {
        if (drawChance(random, 0.7)) link(name, former.name);
        if (drawChance(random, 0.7)) link(former.name, name);
      }
  };

  const linkChance = drawOne(random, [0.3, 0.6, 1])!;
  /** Who meets whom at which step: views differ for a while. */
  const meetings = names.flatMap(from =>
    names.flatMap(to => {
      const atStep = drawChance(random, linkChance) ? 0 : drawBelow(random, 200);
      return from < to ? [{ from, to, atStep }] : [];
    }),
  );
  for (let step = 0; step < options.steps; step++) {
    for (const { from, to, atStep } of meetings)
      if (atStep === step) {
        link(from, to);
        link(to, from);
      }
    if (drawChance(random, restartChance)) restart(drawOne(random, names)!);
    else if (drawChance(random, relinkChance)) relink();
    else if (drawChance(random, 0.3)) tick();
    else deliver();
    const ids = new Set([...processes.values()].map(({ core }) => core.cluster?.id));
    ids.delete(undefined);
    if (ids.size > 1)
      throw new Error(`Two clusters live at step ${step} of seed ${options.seed}:\n${trace.slice(-60).join('\n')}`);
  }
  return { processes: [...processes.values()], trace, foundings, restarts };
}

function withoutList(message: FoundingMessage & { type: 'hello' }): FoundingMessage {
  const { from, to, type, nonce } = message;
  return { from, to, type, nonce };
}
