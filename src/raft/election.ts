import { drawBelow } from '../lib/draw.ts';
import type { Random } from '../ports/random.ts';
import { Ballot } from './ballot.ts';
import type { MemberId } from './configuration.ts';
import type { HardState, Role } from './effects.ts';
import type { Position } from './entry.ts';
import type { Log } from './log.ts';
import type { Message, MessageBody, MessageOf } from './messages.ts';

export interface ElectionPorts {
  readonly random: Random;
  send(to: MemberId, body: MessageBody, term: number): void;
  /** This member leads, from now on. */
  won(): void;
  /** It leads no more, or follows another one than before. */
  following(leader: MemberId | undefined): void;
}

/**
 * Which term it is, whom this member votes for in it, and whom it follows (§5.1, §5.2), with PreVote (thesis §9.6). It reads the log, for
 * who may win, and writes nothing but its own state.
 */
export class Election {
  readonly #id: MemberId;
  readonly #log: Log;
  readonly #electionTicks: number;
  readonly #ports: ElectionPorts;
  #term: number;
  #vote: MemberId | undefined;
  #role: Role = 'follower';
  #leaderId: MemberId | undefined;
  /** While `pre-candidate` or `candidate`. */
  #ballot = new Ballot();
  /** Ticks since a leader was heard of, a vote was given or a campaign was begun. */
  #elapsed = 0;
  #timeout = 0;

  constructor(id: MemberId, log: Log, hardState: HardState, electionTicks: number, ports: ElectionPorts) {
    this.#id = id;
    this.#log = log;
    this.#electionTicks = electionTicks;
    this.#ports = ports;
    this.#term = Math.max(hardState.term, log.lastTerm);
    this.#vote = this.#term === hardState.term ? hardState.vote : undefined;
    this.#resetTimer();
  }

  get term(): number {
    return this.#term;
  }

  get vote(): MemberId | undefined {
    return this.#vote;
  }

  get role(): Role {
    return this.#role;
  }

  /** The leader of this term, as far as is known. */
  get leaderId(): MemberId | undefined {
    return this.#leaderId;
  }

  /** To be called each tick of a member that does not lead. */
  tick(): void {
    this.#elapsed++;
    if (this.#elapsed >= this.#timeout) this.campaign();
  }

  /** Asks first, before it disturbs anybody: only who could win begins a term. */
  campaign(): void {
    if (!this.#mayCampaign()) return;
    this.#stand('pre-candidate');
    this.#ask({ type: 'pre-vote', ...this.#lastEntry() }, this.#term + 1);
    this.#count();
  }

  /** The leader wants this member to take over (thesis §3.10): no question whether the leader is heard. */
  takeOver(): void {
    if (this.#mayCampaign()) this.#begin(true);
  }

  /** This term's leader speaks. */
  hear(leader: MemberId): void {
    this.#elapsed = 0;
    if (this.#role !== 'follower' || leader !== this.#leaderId) this.follow(this.#term, leader);
  }

  /** Follows in this term, the present or a later one. */
  follow(term: number, leader: MemberId | undefined): void {
    if (term > this.#term) this.#vote = undefined;
    this.#term = term;
    const isNews = this.#role === 'leader' || leader !== this.#leaderId;
    this.#role = 'follower';
    this.#leaderId = leader;
    this.#resetTimer();
    if (isNews) this.#ports.following(leader);
  }

  /** §5.1: a later term makes a follower. @returns whether the message is to be looked at further. */
  riseTo(message: Message): boolean {
    const { type, from, term } = message;
    switch (type) {
      // They ask about a term, and answer for it, that nobody is in yet.
      case 'pre-vote':
        return !this.#hearsLeader();
      case 'pre-vote-reply':
        return true;
      case 'vote':
        if (this.#hearsLeader() && !message.isTransfer) return false;
        break;
      case 'append':
      case 'heartbeat':
      case 'snapshot':
        this.follow(term, from);
        return true;
    }
    this.follow(term, undefined);
    return true;
  }

  /**
   * Would this member vote so? Changes nothing. Who asks about a term that has begun here is told of it, or it would ask about that for
   * ever: the vote there may be given away, and its own log the only one that can win.
   */
  onPreVote({ from, term, lastIndex, lastTerm }: MessageOf<'pre-vote'>): void {
    const granted = !this.#hearsLeader() && this.#mayVoteFor(from, term, { index: lastIndex, term: lastTerm });
    if (!granted && term <= this.#term) this.#ports.send(from, { type: 'stale-term' }, this.#term);
    else this.#ports.send(from, { type: 'pre-vote-reply', granted }, term);
  }

  /** §5.2, §5.4.1. */
  onVote({ from, term, lastIndex, lastTerm }: MessageOf<'vote'>): void {
    const granted = this.#mayVoteFor(from, term, { index: lastIndex, term: lastTerm });
    if (granted) {
      this.#vote = from;
      this.#resetTimer();
    }
    this.#ports.send(from, { type: 'vote-reply', granted }, this.#term);
  }

  onPreVoteReply({ from, term, granted }: MessageOf<'pre-vote-reply'>): void {
    if (this.#role === 'pre-candidate' && term === this.#term + 1) this.#record(from, granted);
  }

  onVoteReply({ from, granted }: MessageOf<'vote-reply'>): void {
    if (this.#role === 'candidate') this.#record(from, granted);
  }

  /** While a leader is heard of nobody is elected, so that one who does not hear it cannot disturb the others (§6, thesis §4.2.3). */
  #hearsLeader(): boolean {
    return this.#role === 'leader' || (this.#leaderId !== undefined && this.#elapsed < this.#electionTicks);
  }

  /** One vote a term, and only for a log that has all that may be committed. */
  #mayVoteFor(candidate: MemberId, term: number, last: Position): boolean {
    const isFree = term > this.#term || this.#vote === candidate || (this.#vote === undefined && !this.#leaderId);
    return isFree && this.#log.isUpToDate(last);
  }

  /**
   * Learners campaign for nothing, nor do those whose removal is committed. Before it is, the removed one may be the only one with a
   * log that can win (thesis §4.2.2).
   */
  #mayCampaign(): boolean {
    if (this.#role === 'leader') return false;
    const { configurations, commit } = this.#log;
    const { latest, previous } = configurations;
    return latest.isVoter(this.#id) || (configurations.hasUncommitted(commit) && previous.isVoter(this.#id));
  }

  #begin(isTransfer: boolean): void {
    this.#term++;
    this.#vote = this.#id;
    this.#stand('candidate');
    this.#ask({ type: 'vote', ...this.#lastEntry(), isTransfer }, this.#term);
    this.#count();
  }

  #stand(role: 'pre-candidate' | 'candidate'): void {
    this.#role = role;
    this.#leaderId = undefined;
    this.#ballot = new Ballot();
    this.#ballot.record(this.#id, true);
    this.#resetTimer();
  }

  #lastEntry(): { readonly lastIndex: number; readonly lastTerm: number } {
    return { lastIndex: this.#log.last, lastTerm: this.#log.lastTerm };
  }

  #ask(body: MessageBody, term: number): void {
    const { voters } = this.#log.configurations.latest;
    for (const voter of voters) if (voter !== this.#id) this.#ports.send(voter, body, term);
  }

  #record(voter: MemberId, granted: boolean): void {
    this.#ballot.record(voter, granted);
    this.#count();
  }

  #count(): void {
    const outcome = this.#ballot.outcome(this.#log.configurations.latest);
    if (outcome === 'lost') this.follow(this.#term, undefined);
    if (outcome !== 'won') return;
    if (this.#role === 'pre-candidate') return this.#begin(false);
    this.#role = 'leader';
    this.#leaderId = this.#id;
    this.#ports.won();
  }

  #resetTimer(): void {
    this.#elapsed = 0;
    this.#timeout = this.#electionTicks + drawBelow(this.#ports.random, this.#electionTicks);
  }
}
