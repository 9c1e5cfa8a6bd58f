import { drawBelow } from '../../src/lib/draw.ts';
import type { ConfigurationChange, MemberId } from '../../src/raft/configuration.ts';
import type { Message } from '../../src/raft/messages.ts';
import { Group, type Peer, TIGHT_LIMITS } from './group.ts';
import { Properties } from './properties.ts';

const FOUNDERS = ['a', 'b', 'c'];
const MAX_MEMBERS = 7;
const WIRE_BOUND = 2_000;

export interface RunReport {
  readonly counts: Properties['counts'];
  readonly crashes: number;
  readonly lostLogs: number;
  readonly changes: number;
  readonly applied: number;
}

/**
 * A group under everything that Raft must bear: messages that are lost, repeated, late and out of order, partitions, crashes in the middle
 * of persisting, logs lost with their machine, members that come and go, snapshots and transfers; all properties after every step. Then
 * peace, in which it must come to agree again.
 */
export class RandomRun {
  readonly group: Group;
  readonly #properties: Properties;
  /** Everybody wants to lead, and crashes. */
  #isContested = false;
  /** Links over which nothing comes: `from>to`. */
  #cut = new Set<string>();
  #crashes = 0;
  #lostLogs = 0;
  #changes = 0;
  #joined = 0;
  #proposed = 0;
  /** Whose logs are gone. */
  readonly #gone = new Set<MemberId>();

  constructor(seed: number) {
    // With one entry in a message an older one comes without that of the new term (figure 8).
    this.group = new Group(FOUNDERS, { seed, limits: { ...TIGHT_LIMITS, maxBatchBytes: seed % 2 === 0 ? 200 : 1 } });
    this.#properties = new Properties(this.group);
  }

  run(steps: number): RunReport {
    for (let step = 0; step < steps; step++) {
      this.#step();
      this.#properties.check();
    }
    this.#makePeace();
    const applied = Math.max(...this.group.running().map(({ machine }) => machine.applied));
    const { counts } = this.#properties;
    return { counts, crashes: this.#crashes, lostLogs: this.#lostLogs, changes: this.#changes, applied };
  }

  #step(): void {
    const { group } = this;
    const peer = group.pick([...group.peers.values()]);
    if (group.chance(this.#isContested ? 0.02 : 0.004)) this.#isContested = !this.#isContested;
    if (this.#isContested && group.chance(0.2)) return group.chance(0.6) ? this.#campaign(peer) : this.#restart(peer);
    const draw = drawBelow(group.random, 1_000);
    if (draw < 600) this.#deliver();
    else if (draw < 810) group.tick(peer);
    else if (draw < 880) this.#propose(peer);
    else if (draw < 930) this.#read(peer);
    else if (draw < 934) this.#crash(peer);
    else if (draw < 960) this.#startAgain();
    else if (draw < 970) this.#partition();
    else if (draw < 975) this.#cut.clear();
    else if (draw < 985) this.#compact(peer);
    else if (draw < 990) this.#transfer();
    else if (draw < 995) this.#change();
    else if (draw < 996) this.#loseLog();
    else this.#calm();
  }

  /** For a while clocks run evenly, and nothing is lost that is not cut off. */
  #calm(): void {
    const { group } = this;
    for (let ticks = drawBelow(group.random, 30); ticks > 0; ticks--) {
      group.run(1, message => this.#isCut(message));
      this.#propose(group.pick(group.running()));
      this.#read(group.pick(group.running()));
      this.#properties.check();
    }
  }

  /** Takes a message from anywhere near the front. */
  #deliver(): void {
    const { group } = this;
    if (group.wire.length > WIRE_BOUND) group.wire.splice(0, WIRE_BOUND / 2);
    const at = drawBelow(group.random, Math.min(group.wire.length, group.chance(0.1) ? 50 : 5) || 1);
    const message = group.wire[at];
    if (message === undefined) return;
    if (!group.chance(0.05)) group.wire.splice(at, 1);
    if (!group.chance(0.05) && !this.#isCut(message)) this.#receive(message);
  }

  #isCut({ from, to }: Message): boolean {
    return this.#cut.has(`${from}>${to}`);
  }

  #receive(message: Message): void {
    const { group } = this;
    const peer = group.peers.get(message.to);
    if (peer?.raft === undefined) return;
    peer.raft.receive(message);
    // Now and then more comes before the effects of this are taken.
    if (group.chance(0.9)) this.#work(peer);
    if (this.#isContested && message.type === 'vote' && group.chance(0.3)) this.#restart(peer);
  }

  #work(peer: Peer): void {
    this.group.work(peer, () => {
      const crashes = this.group.chance(0.001);
      if (crashes) this.#crashes++;
      return crashes;
    });
  }

  #propose(peer: Peer | undefined): void {
    if (peer?.raft === undefined) return;
    peer.raft.propose(Buffer.from(`c${++this.#proposed}`));
    if (this.group.chance(0.7)) this.#work(peer);
  }

  #read(peer: Peer | undefined): void {
    if (peer?.raft === undefined) return;
    const asked = peer.raft.read();
    if ('number' in asked) this.#properties.began(peer, asked.number);
    this.#work(peer);
  }

  #campaign(peer: Peer): void {
    peer.raft?.campaign();
    this.#work(peer);
  }

  #crash(peer: Peer): void {
    if (peer.raft === undefined) return;
    this.#crashes++;
    this.group.stop(peer);
  }

  #restart(peer: Peer): void {
    this.#crash(peer);
    if (!this.#gone.has(peer.id)) this.group.start(peer);
  }

  #startAgain(): void {
    for (const peer of this.group.peers.values())
      if (peer.raft === undefined && !this.#gone.has(peer.id)) this.group.start(peer);
  }

  /** Links are cut at random, or those of the leader, while it goes on to think that it leads. */
  #partition(): void {
    const { group } = this;
    const leader = group.chance(0.5) ? group.leader()?.id : undefined;
    for (const a of group.peers.keys()) {
      for (const b of group.peers.keys()) {
        const isCut = leader === undefined ? group.chance(0.25) : a === leader || b === leader;
        if (isCut) this.#cut.add(`${a}>${b}`);
      }
    }
  }

  #compact(peer: Peer): void {
    if (peer.raft !== undefined) this.group.compact(peer, drawBelow(this.group.random, 10));
  }

  #transfer(): void {
    const leader = this.group.leader();
    if (leader === undefined) return;
    leader.raft!.transferLeadership(this.group.pick([...this.group.peers.keys()]));
    this.#work(leader);
  }

  #change(): void {
    const leader = this.group.leader();
    if (leader === undefined) return;
    const asked = leader.raft!.changeConfiguration(this.#nextChange(leader));
    if ('number' in asked) this.#changes++;
    this.#work(leader);
  }

  #nextChange({ raft }: Peer): ConfigurationChange {
    const { group } = this;
    const { latest } = raft!.log.configurations;
    const gone = latest.members().find(member => this.#gone.has(member));
    if (gone !== undefined && group.chance(0.5)) return { type: 'remove', member: gone };
    if (latest.learners.length > 0 && group.chance(0.7))
      return { type: 'promote', member: group.pick(latest.learners) };
    if (gone !== undefined || (latest.members().length < MAX_MEMBERS && group.chance(0.6))) {
      const id = `j${++this.#joined}`;
      group.join(id);
      return { type: 'add-learner', member: id };
    }
    return { type: 'remove', member: group.pick(latest.members()) };
  }

  /**
   * A machine is lost with its disk, a voter of three or more, and only while nobody's log has a removal under way: with the removed one a
   * majority could be gone, and the group would stop for good.
   */
  #loseLog(): void {
    const { group } = this;
    const leader = group.leader();
    if (leader === undefined) return;
    const { latest } = leader.raft!.log.configurations;
    const { voters } = latest;
    const others = [...group.peers.values()].filter(({ id }) => !this.#gone.has(id) && latest.isMember(id));
    const agree = others.every(({ raft }) => raft?.log.configurations.latest.voters.join() === voters.join());
    if (!agree || voters.length < 3 || voters.some(member => this.#gone.has(member))) return;
    const victim = group.pick(voters);
    this.#lostLogs++;
    this.#gone.add(victim);
    group.stop(group.peer(victim));
  }

  /** Everything works; within a bound all members agree on all that was committed, and on one command more. */
  #makePeace(): void {
    const { group } = this;
    this.#cut.clear();
    group.wire = [];
    this.#startAgain();
    for (let i = 0; i < 200; i++) {
      group.run(1);
      this.#properties.check();
      const leader = group.leader();
      if (leader === undefined || !this.#agree(leader)) continue;
      const before = leader.machine.commands.length;
      leader.raft!.propose(Buffer.from('peace'));
      group.work(leader);
      group.run(5);
      if (leader.machine.commands.length === before + 1 && this.#agree(leader)) return;
    }
    throw new Error(`no agreement 200 ticks after peace: ${this.#describe()}`);
  }

  #agree(leader: Peer): boolean {
    const members = leader.raft!.log.configurations.latest.members().filter(member => !this.#gone.has(member));
    return members.every(member => group(this, member).machine.applied === leader.raft!.log.last);
  }

  #describe(): string {
    return this.group
      .running()
      .map(({ id, raft, machine }) => {
        const { log } = raft!;
        const { voters, learners } = log.configurations.latest;
        return `${id} ${raft!.role} term ${raft!.term} log ${log.first}-${log.last} commit ${log.commit} applied ${machine.applied} of ${voters}/${learners}`;
      })
      .join('; ');
  }
}

function group(run: RandomRun, member: MemberId): Peer {
  return run.group.peer(member);
}
