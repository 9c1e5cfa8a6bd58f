import { assert } from '../lib/assert.ts';
import type { ConfigurationChange, MemberId } from './configuration.ts';
import type { Effects, HardState, Role } from './effects.ts';
import { Election } from './election.ts';
import type { Entry } from './entry.ts';
import { Follower } from './follower.ts';
import { Leader } from './leader.ts';
import { Log } from './log.ts';
import type { Message, MessageBody, MessageOf } from './messages.ts';
import { type Durable, limitsOf, type RaftLimits, type RaftOptions, type RaftPorts } from './options.ts';
import { PendingReads } from './pending-reads.ts';
import { PROPOSAL_WINDOW, Proposals } from './proposals.ts';
import type { Asked, Refusal } from './refusal.ts';
import type { SnapshotMeta } from './snapshot.ts';

/**
 * One member of a Raft group as a pure state machine: messages and ticks in, effects out (`effects.ts` has their order).
 *
 * D. Ongaro, J. Ousterhout, "In Search of an Understandable Consensus Algorithm", 2014 (§ in comments), and D. Ongaro, "Consensus:
 * Bridging Theory and Practice", 2014 (thesis §). `docs/raft.md` is a way in.
 *
 * Nothing is done at once: methods change the state, and `takeEffects` says what follows. Every message may be lost, repeated, late or
 * from somebody unknown.
 */
export class Raft {
  readonly #id: MemberId;
  readonly #actor: string;
  readonly #limits: RaftLimits;
  readonly #ports: RaftPorts;
  readonly #log: Log;
  readonly #election: Election;
  /** While `leader`. */
  #leader: Leader | undefined;
  readonly #follower: Follower;
  readonly #proposals: Proposals;
  readonly #reads = new PendingReads();
  #messages: Message[] = [];
  #persistedHardState: HardState;
  #outstanding: Effects | undefined;

  /** Begins as a follower with what is on disk. A group is founded with `foundingSnapshot`, one that joins has `EMPTY_SNAPSHOT`. */
  constructor(options: RaftOptions, ports: RaftPorts, durable: Durable) {
    const { hardState, snapshot, entries, applied } = durable;
    this.#id = options.id;
    this.#actor = options.actor;
    this.#limits = limitsOf(options);
    this.#ports = ports;
    this.#log = new Log(snapshot, behind(snapshot, entries), applied);
    this.#election = new Election(this.#id, this.#log, hardState, this.#limits.electionTicks, {
      random: ports.random,
      send: (to, body, term) => this.#send(to, body, term),
      won: () => this.#lead(),
      following: leader => this.#following(leader),
    });
    this.#persistedHardState = hardState;
    this.#follower = new Follower(this.#log, (to, body) => this.#send(to, body));
    this.#proposals = new Proposals(options.actor);
  }

  get id(): MemberId {
    return this.#id;
  }

  get term(): number {
    return this.#election.term;
  }

  get vote(): MemberId | undefined {
    return this.#election.vote;
  }

  get role(): Role {
    return this.#election.role;
  }

  /** The leader of this term, as far as is known. */
  get leaderId(): MemberId | undefined {
    return this.#election.leaderId;
  }

  /** For reading only. */
  get log(): Omit<
    Log,
    'append' | 'accept' | 'commitTo' | 'takeCommitted' | 'takeUnpersisted' | 'persisted' | 'compact' | 'restore'
  > {
    return this.#log;
  }

  /** To whom this leader hands over. */
  get transferTarget(): MemberId | undefined {
    return this.#leader?.transferTarget;
  }

  // What the shell asks for

  /** Replicates a command, through the leader if this is not it. The outcome comes as a decision. `data` must never change again. */
  propose(data: Uint8Array): Asked {
    if (this.#proposals.isFull) return { refusal: { reason: 'too-many-pending', max: PROPOSAL_WINDOW } };
    if (this.#leader !== undefined) {
      const number = this.#proposals.nextNumber;
      const refusal = this.#leader.propose({ origin: this.#actor, number }, data);
      return refusal === undefined ? { number: this.#proposals.begin(this.term) } : { refusal };
    }
    if (this.leaderId === undefined) return { refusal: { reason: 'no-leader' } };
    const bytes = this.#proposals.forwardedBytes;
    const maxBytes = this.#limits.maxUncommittedBytes;
    if (data.length > maxBytes) return { refusal: { reason: 'too-large', bytes: data.length, maxBytes } };
    if (bytes + data.length > maxBytes) return { refusal: { reason: 'backlog-full', bytes, maxBytes } };
    return { number: this.#proposals.begin(this.term, data) };
  }

  /** A linearizable read: its number comes among `reads` when the state machine has all that it must show. */
  read(): Asked {
    const max = this.#limits.maxPendingReads;
    if (this.leaderId === undefined) return { refusal: { reason: 'no-leader' } };
    if (this.#reads.size >= max) return { refusal: { reason: 'too-many-pending', max } };
    return { number: this.#reads.begin() };
  }

  /** Changes the members by one step. Leader only; the outcome comes as a decision. */
  changeConfiguration(change: ConfigurationChange): Asked {
    if (this.#leader === undefined) return { refusal: { reason: 'not-leader', leader: this.leaderId } };
    if (this.#proposals.isFull) return { refusal: { reason: 'too-many-pending', max: PROPOSAL_WINDOW } };
    const proposal = { origin: this.#actor, number: this.#proposals.nextNumber };
    const refusal = this.#leader.changeConfiguration(proposal, change);
    return refusal === undefined ? { number: this.#proposals.begin(this.term) } : { refusal };
  }

  /** Hands leadership to another voter, if it can take it within an election timeout. Leader only. */
  transferLeadership(target: MemberId): Refusal | undefined {
    if (this.#leader === undefined) return { reason: 'not-leader', leader: this.leaderId };
    return this.#leader.transferTo(target);
  }

  /** Campaigns now instead of when the timeout is over. */
  campaign(): void {
    this.#election.campaign();
  }

  /** What a snapshot of the state as applied up to `index` has to say of itself. */
  snapshotMeta(index = this.#log.applied): SnapshotMeta {
    return this.#log.snapshotMeta(index);
  }

  /** This snapshot is durable and `SnapshotReader` has it: drops the entries in it, but for the last `retained` for followers that lag. */
  compact(snapshot: SnapshotMeta, retained = 0): void {
    this.#log.compact(snapshot, retained);
  }

  // Effects

  /** What is to be done now, or undefined when that is nothing. Not before the last effects are `done`. */
  takeEffects(): Effects | undefined {
    assert(this.#outstanding === undefined, 'Cannot take effects: the last ones are not done');
    this.#flush();
    const snapshotChunks = this.#follower.incoming.takeChunks();
    const entries = this.#log.takeUnpersisted();
    const committed = this.#log.takeCommitted(this.#limits.maxBatchBytes);
    this.#proposals.committed(committed);
    const effects: Effects = {
      hardState: this.#takeHardState(),
      snapshotChunks,
      entries,
      messages: this.#messages,
      committed,
      decisions: this.#proposals.takeDecisions(),
      reads: this.#reads.takeReady(this.#log.applied),
    };
    if (isEmpty(effects)) return undefined;
    this.#messages = [];
    this.#outstanding = effects;
    return effects;
  }

  /** The effects were persisted, sent, applied and answered. */
  done(effects: Effects): void {
    assert(effects === this.#outstanding, 'Cannot be done with effects: others are outstanding');
    this.#outstanding = undefined;
    this.#log.persisted();
    this.#settle();
  }

  #takeHardState(): HardState | undefined {
    const { term, vote } = this.#persistedHardState;
    if (term === this.term && vote === this.vote) return undefined;
    this.#persistedHardState = { term: this.term, vote: this.vote };
    return this.#persistedHardState;
  }

  /** Turns what has changed into messages. */
  #flush(): void {
    if (this.#leader !== undefined) {
      const number = this.#reads.takeDue();
      if (number !== undefined) this.#leader.read({ member: this.#id, origin: this.#actor, number });
      this.#leader.flush();
      this.#settle();
    } else if (this.leaderId !== undefined) this.#askLeader(this.leaderId);
  }

  #askLeader(leader: MemberId): void {
    const { electionTicks, maxBatchBytes } = this.#limits;
    const origin = this.#actor;
    const number = this.#reads.takeDue();
    if (number !== undefined) this.#send(leader, { type: 'read', origin, number });
    for (;;) {
      const commands = this.#proposals.takeDue(this.term, electionTicks, maxBatchBytes);
      if (commands.length === 0) return;
      this.#send(leader, { type: 'forward', origin, floor: this.#proposals.floor, commands });
    }
  }

  /** A leader's conclusions: what is committed, which reads are confirmed, and whether it leads on. */
  #settle(): void {
    const leader = this.#leader;
    if (leader === undefined) return;
    leader.advanceCommit();
    for (const { number, index } of leader.answerReads()) this.#reads.confirm(number, index);
    if (!leader.isRemoved) return;
    // The others learn from it that the removal is committed.
    leader.flush();
    this.#election.follow(this.term, undefined);
  }

  // Ticks

  tick(): void {
    this.#proposals.tick();
    this.#reads.tick(this.#limits.heartbeatTicks);
    if (this.#leader === undefined) this.#election.tick();
    else if (!this.#leader.tick()) this.#election.follow(this.term, undefined);
  }

  // Messages

  /** A message from another member, well-formed. */
  receive(message: Message): void {
    const { from, to, term } = message;
    if (to !== this.#id || from === this.#id) return;
    if (term < this.term) return this.#answerStale(message);
    if (term > this.term && !this.#election.riseTo(message)) return;
    if (message.type === 'pre-vote') this.#election.onPreVote(message);
    else if (message.type === 'vote') this.#election.onVote(message);
    else if (this.#leader === undefined) this.#stepFollower(message);
    else this.#stepLeader(this.#leader, message);
    this.#settle();
  }

  /** §5.1: who is behind is told. Answers need no answer. */
  #answerStale({ type, from }: Message): void {
    switch (type) {
      case 'pre-vote':
      case 'vote':
      case 'append':
      case 'heartbeat':
      case 'snapshot':
        this.#send(from, { type: 'stale-term' });
    }
  }

  #stepLeader(leader: Leader, message: Message): void {
    switch (message.type) {
      case 'append-reply':
        leader.replication.onAppendReply(message);
        return leader.continueTransfer();
      case 'append-refused':
        return leader.replication.onAppendRefused(message);
      case 'heartbeat-reply':
        return leader.onHeartbeatReply(message);
      case 'snapshot-reply':
        return leader.replication.onSnapshotReply(message);
      case 'forward':
        return leader.onForward(message);
      case 'read':
        return leader.onRead(message);
    }
  }

  /** What a follower does, or a candidate: who speaks as this term's leader has won it (§5.2). */
  #stepFollower(message: Message): void {
    switch (message.type) {
      case 'pre-vote-reply':
        return this.#election.onPreVoteReply(message);
      case 'vote-reply':
        return this.#election.onVoteReply(message);
      case 'append':
        this.#election.hear(message.from);
        return this.#follower.onAppend(message);
      case 'heartbeat':
        this.#election.hear(message.from);
        return this.#follower.onHeartbeat(message);
      case 'snapshot':
        this.#election.hear(message.from);
        if (this.#follower.onSnapshot(message)) this.#proposals.skipped(message.chunk.snapshot.term);
        return;
      case 'timeout-now':
        if (message.from === this.leaderId) this.#election.takeOver();
        return;
      case 'read-reply':
        return this.#onReadReply(message);
      case 'forward-refused':
        return this.#onForwardRefused(message);
    }
  }

  #onReadReply({ origin, number, index }: MessageOf<'read-reply'>): void {
    if (origin === this.#actor) this.#reads.confirm(number, index);
  }

  #onForwardRefused({ origin, number, term, refusal }: MessageOf<'forward-refused'>): void {
    if (origin === this.#actor) this.#proposals.refused(number, term, refusal);
  }

  // A leadership

  #lead(): void {
    this.#leader = new Leader({
      id: this.#id,
      term: this.term,
      log: this.#log,
      limits: this.#limits,
      snapshots: this.#ports.snapshots,
      send: (to, body) => this.#send(to, body),
    });
    this.#reads.askAgain();
  }

  #following(leader: MemberId | undefined): void {
    this.#leader = undefined;
    if (leader !== undefined) this.#reads.askAgain();
  }

  #send(to: MemberId, body: MessageBody, term = this.term): void {
    if (this.#messages.length >= this.#limits.maxWaitingMessages) return;
    this.#messages.push({ ...body, from: this.#id, to, term });
  }
}

/** What is behind the snapshot. Entries that contradict it were written before it came, and are void. */
function behind(snapshot: SnapshotMeta, entries: readonly Entry[]): readonly Entry[] {
  const known = entries.find(({ index }) => index === snapshot.index);
  if (known !== undefined && known.term !== snapshot.term) return [];
  return entries.filter(({ index }) => index > snapshot.index);
}

function isEmpty(effects: Effects): boolean {
  const { hardState, snapshotChunks, entries, messages, committed, decisions, reads } = effects;
  const lists: readonly (readonly unknown[])[] = [snapshotChunks, entries, messages, committed, decisions, reads];
  return hardState === undefined && lists.every(list => list.length === 0);
}
