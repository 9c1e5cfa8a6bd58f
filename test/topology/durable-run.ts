import { drawBelow, drawChance, drawFraction } from '../../src/lib/draw.ts';
import { foundingTopology, type Topology } from '../../src/membership/topology.ts';
import type { MemberId } from '../../src/raft/configuration.ts';
import type { Effects } from '../../src/raft/effects.ts';
import type { Message } from '../../src/raft/messages.ts';
import { Raft } from '../../src/raft/raft.ts';
import { applyCommand, decodeCommand, type TopologyCommand } from '../../src/topology/commands.ts';
import { SILENT, type WatchedPeer } from '../raft/group.ts';
import { Properties, PropertyViolated, type Watched } from '../raft/properties.ts';
import { GroupNetwork, member, type Sent, type TestAgent } from './group-network.ts';

const TICK_MS = 100;
const CHECK_MS = 500;
const PEACE_MS = 60_000;

/** How often things happened, in the run and on its drives. */
export type RunCounts = Record<
  | 'crashes'
  | 'outages'
  | 'lostLogs'
  | 'full'
  | 'requests'
  | 'snapshots'
  | 'compactions'
  | 'torn'
  | 'slow'
  | 'leaders'
  | 'committed'
  | 'dropped',
  number
>;

export class TwoVotes extends Error {}
export class TwoRings extends Error {}
/** A log is found to be void that nobody has damaged. */
export class LostForNothing extends Error {}
export class NoPeace extends Error {}

/**
 * A durable placement group under everything that it must bear: messages lost, repeated and late; processes, or all of them, killed at any moment, in
 * the middle of a flush and right after a vote, and started again at once or later with an old idea of the ring; disks that are slow or full; and
 * logs that are lost or damaged, one at a time. After it peace, in which the group must be whole again.
 */
export class DurableRun implements Watched {
  observer = SILENT;
  readonly #names: readonly string[];
  readonly #founding: Topology;
  readonly #network: GroupNetwork;
  readonly #properties: Properties;
  readonly #votes = new Map<string, MemberId>();
  readonly #leaders = new Map<number, MemberId>();
  readonly #epochs = new Map<number, string>();
  /** What the entries come to, by index, worked out beside the members. */
  readonly #states = new Map<number, string>();
  #reference: Topology;
  #referenceIndex = 1;
  /** Nodes whose disk says that something is lost: it says so once. */
  readonly #fragile = new Set<string>();
  /** Everybody wants to lead, and crashes as soon as it has voted. */
  #isContested = false;
  #isPeace = false;
  readonly #counts = { crashes: 0, outages: 0, lostLogs: 0, full: 0, requests: 0, snapshots: 0, compactions: 0 };

  constructor(seed: number) {
    this.#names = seed % 2 === 0 ? ['n1', 'n2', 'n3'] : ['n1', 'n2', 'n3', 'n4', 'n5'];
    this.#founding = foundingTopology(this.#names.map(member));
    this.#reference = this.#founding;
    this.#network = new GroupNetwork(this.#names, { seed, disks: { 'torn-batch': 0.5, 'slow-flush': 0.01 } });
    this.#network.transit = (sent, deliver) => this.#transit(sent, deliver);
    this.#properties = new Properties(this);
  }

  /** @throws what was violated. */
  run(ms: number): RunCounts {
    const { done } = Raft.prototype;
    const run = this;
    Raft.prototype.done = function (this: Raft, effects: Effects): void {
      done.call(this, effects);
      run.#carriedOut(this, effects);
    };
    try {
      while (this.#network.nowMs < ms) {
        this.#strike();
        this.#network.pass(TICK_MS);
        if (this.#network.nowMs % CHECK_MS < TICK_MS) this.#check();
      }
      this.#makePeace();
    } finally {
      Raft.prototype.done = done;
    }
    const counts = [...this.#network.drives.values()].map(drive => drive.counts);
    const torn = counts.reduce((sum, each) => sum + each['torn-batch'], 0);
    const slow = counts.reduce((sum, each) => sum + each['slow-flush'], 0);
    const { leaders, committed, dropped } = this.#properties.counts;
    return { ...this.#counts, torn, slow, leaders, committed, dropped };
  }

  running(): WatchedPeer[] {
    return this.#up().map(node => this.#peerOf(node));
  }

  #peerOf({ actor, agent }: TestAgent): WatchedPeer {
    const { id, raft } = agent.group;
    const starts = Number(actor.slice(actor.lastIndexOf('.') + 1));
    return { id, actor, starts, machine: { applied: 0, commands: [] }, raft };
  }

  #up(): TestAgent[] {
    return [...this.#network.nodes.values()].filter(({ isUp, agent }) => isUp && agent.group.raft !== undefined);
  }

  #chance(probability: number): boolean {
    return drawChance(this.#network.random, probability);
  }

  #pick<T>(from: readonly T[]): T {
    return from[drawBelow(this.#network.random, from.length)]!;
  }

  #within(ms: number): number {
    return ms * drawFraction(this.#network.random);
  }

  // Faults

  #strike(): void {
    const { time } = this.#network;
    if (this.#chance(this.#isContested ? 0.05 : 0.02)) this.#isContested = !this.#isContested;
    if (this.#chance(this.#isContested ? 0.2 : 0.03)) {
      const name = this.#pick(this.#names);
      time.in(this.#within(TICK_MS), () => this.#crash(name, this.#within(this.#chance(0.5) ? 50 : 4_000)));
    }
    if (this.#isContested && this.#chance(0.5)) this.#campaign();
    if (this.#chance(0.005)) time.in(this.#within(TICK_MS), () => this.#outage());
    if (this.#chance(0.01)) this.#fill(this.#pick(this.#names));
    if (this.#chance(0.02)) this.#loseLog();
    if (this.#chance(0.1)) this.#request();
    if (this.#chance(0.1)) this.#chatter();
  }

  #crash(name: string, downMs: number): void {
    const node = this.#network.nodes.get(name)!;
    if (this.#isPeace || this.#fragile.has(name) || !node.isUp) return;
    this.#counts.crashes++;
    this.#network.stop(name);
    this.#network.time.in(downMs, () => this.#start(name));
  }

  /** What the node had noted of the ring may be old. */
  #start(name: string): void {
    if (this.#network.nodes.get(name)!.isUp) return;
    const { topology } = this.#network.nodes.get(name)!.agent;
    this.#network.start(name, this.#chance(0.3) ? this.#founding : topology);
  }

  #outage(): void {
    this.#counts.outages++;
    for (const name of this.#names) this.#crash(name, this.#within(2_000));
  }

  #campaign(): void {
    const up = this.#up();
    if (up.length > 0) (this.#pick(up).agent.group.raft as Raft).campaign();
  }

  #fill(name: string): void {
    const drive = this.#network.drives.get(name)!;
    if (this.#fragile.has(name)) return;
    this.#counts.full++;
    drive.isFull = true;
    this.#network.time.in(this.#within(4_000), () => {
      drive.isFull = false;
    });
  }

  /** Only where the group bears it: all voters are there as the members that they are, and agree on who votes. */
  #loseLog(): void {
    const up = this.#up();
    const leader = up.find(({ agent }) => agent.group.leads);
    const voters = leader?.agent.group.configuration?.voters ?? [];
    const whole = up.filter(({ agent: { group } }) => {
      return voters.includes(group.id) && group.configuration?.voters.join() === voters.join();
    });
    if (voters.length < 3 || whole.length < voters.length) return;
    const { name } = this.#pick(whole);
    if (this.#network.drives.get(name)!.isFull || this.#fragile.has(name)) return;
    this.#counts.lostLogs++;
    this.#network.stop(name);
    this.#fragile.add(name);
    if (this.#chance(0.5)) this.#network.store(name).loseTail(1 + drawBelow(this.#network.random, 3));
    else this.#network.drives.get(name)!.damageOne('node');
    this.#start(name);
    this.#network.time.in(20, () => this.#fragile.delete(name));
  }

  #request(): void {
    const up = this.#up();
    if (up.length === 0) return;
    const { agent } = this.#pick(up);
    const name = `x${drawBelow(this.#network.random, 4)}`;
    const { epoch } = agent.topology;
    const command: TopologyCommand = this.#chance(0.5)
      ? { type: 'join', member: member(name), replaces: undefined, epoch }
      : { type: 'leave', name, epoch };
    agent.request(command, () => {
      this.#counts.requests++;
    });
  }

  /** Commands that change nothing, for a log that grows. */
  #chatter(): void {
    const leader = this.#up().find(({ agent }) => agent.group.leads);
    for (let left = drawBelow(this.#network.random, 60); left > 0; left--)
      leader?.agent.group.propose({ type: 'advance', epoch: 0 }, () => {});
  }

  #transit(sent: Sent, deliver: () => void): void {
    const { time } = this.#network;
    if (sent.message.type === 'raft') this.#watch(sent, sent.message.message);
    if (this.#isPeace) return time.in(1, deliver);
    if (this.#chance(0.03)) return;
    time.in(this.#within(this.#chance(0.02) ? 2_000 : 20), deliver);
    if (this.#chance(0.03)) time.in(this.#within(1_000), deliver);
  }

  // What must hold

  #watch({ from }: Sent, message: Message): void {
    switch (message.type) {
      case 'vote':
        return this.#voted(message.from, message.term, message.from);
      case 'vote-reply':
        if (!message.granted) return;
        this.#voted(message.from, message.term, message.to);
        if (this.#isContested && this.#chance(0.5))
          this.#network.time.in(this.#within(1), () => this.#crash(from, this.#within(20)));
        return;
      case 'append':
      case 'heartbeat':
      case 'snapshot': {
        const known = this.#leaders.get(message.term) ?? message.from;
        this.#leaders.set(message.term, known);
        if (known !== message.from)
          throw new PropertyViolated('election-safety', `${known} and ${message.from} lead in term ${message.term}`);
      }
    }
  }

  #voted(voter: MemberId, term: number, candidate: MemberId): void {
    const key = `${voter} ${term}`;
    const known = this.#votes.get(key) ?? candidate;
    this.#votes.set(key, known);
    if (known !== candidate) throw new TwoVotes(`${voter} votes for ${known} and ${candidate} in term ${term}`);
  }

  /** A member has done with its effects. */
  #carriedOut(raft: Raft, effects: Effects): void {
    const node = this.#up().find(({ agent }) => agent.group.raft === raft);
    if (node === undefined) return;
    const peer = this.#peerOf(node);
    for (const entry of effects.committed) {
      this.#properties.applied(peer, entry);
      if (entry.index !== this.#referenceIndex + 1) continue;
      this.#referenceIndex++;
      const command = entry.kind === 'command' ? decodeCommand(entry.data) : undefined;
      if (command !== undefined) this.#reference = applyCommand(this.#reference, command).topology;
      this.#states.set(entry.index, JSON.stringify(this.#reference));
    }
    for (const decision of effects.decisions) this.#properties.decided(peer, decision);
    const snapshot = effects.snapshotChunks.findLast(({ isLast }) => isLast)?.snapshot.index;
    if (snapshot !== undefined) this.#counts.snapshots++;
    const at = effects.committed.at(-1)?.index ?? snapshot;
    if (at === undefined) return;
    const state = JSON.stringify(node.agent.group.topology);
    if (at > 1 && state !== this.#states.get(at))
      throw new TwoRings(`${node.agent.group.id} has at ${at} ${state}, not ${this.#states.get(at)}`);
  }

  #check(): void {
    this.#properties.check();
    const { voids } = this.#network;
    if (voids.length > this.#counts.lostLogs) throw new LostForNothing(voids.at(-1));
    for (const { name, agent } of this.#network.nodes.values()) {
      const text = JSON.stringify(agent.latest);
      const known = this.#epochs.get(agent.latest.epoch) ?? text;
      this.#epochs.set(agent.latest.epoch, known);
      if (known !== text) throw new TwoRings(`${name} has at epoch ${agent.latest.epoch} ${text}, not ${known}`);
      const { first, snapshot } = agent.group.raft?.log ?? { first: 0, snapshot: { index: 0 } };
      if (snapshot.index >= first) this.#counts.compactions++;
    }
  }

  #makePeace(): void {
    this.#isPeace = true;
    const network = this.#network;
    for (const drive of network.drives.values()) drive.isFull = false;
    network.pass(100);
    for (const name of this.#names) this.#start(name);
    network.pass(5_000);
    let isDone = false;
    const { agent } = network.node('n1');
    const command = { type: 'join', member: member('peace'), replaces: undefined } as const;
    const isOver = network.until(() => {
      this.#check();
      if (!isDone && network.nowMs % 1_000 < TICK_MS)
        agent.request({ ...command, epoch: agent.topology.epoch }, error => {
          isDone ||= error === undefined;
        });
      return isDone && this.#isWhole();
    }, PEACE_MS);
    if (!isOver) throw new NoPeace(`no agreement ${PEACE_MS} ms after peace: ${this.#describe()}`);
  }

  #isWhole(): boolean {
    const up = this.#up();
    const leader = up.find(({ agent }) => agent.group.leads)?.agent.group;
    const ids = up.map(({ agent }) => agent.group.id);
    const members = leader?.configuration?.members() ?? [];
    const wanted = this.#names.length === 3 ? 3 : 5;
    return (
      leader?.configuration?.voters.length === wanted &&
      members.every(id => ids.includes(id)) &&
      up.every(
        ({ agent: { group } }) => !members.includes(group.id) || group.raft!.log.applied === leader.raft!.log.last,
      )
    );
  }

  #describe(): string {
    return this.#up()
      .map(({ actor, agent: { group, topology } }) => {
        const { role, term, log } = group.raft!;
        const { voters, learners } = log.configurations.latest;
        return `${actor} is ${group.id}, ${role} term ${term} log ${log.first}-${log.last} applied ${log.applied} of ${voters}/${learners}, epoch ${topology.epoch}`;
      })
      .join('; ');
  }
}
