import type { ConfigurationChange } from '../../src/raft/configuration.ts';
import type { Entry } from '../../src/raft/entry.ts';
import type { Message } from '../../src/raft/messages.ts';
import type { Asked, Refusal } from '../../src/raft/refusal.ts';
import { Group, type Peer } from './group.ts';

/**
 * Plays a scenario: a text with commands (`> …`), each followed by what came of it. In the manner of etcd-io/raft's interaction tests.
 *
 *     > group a b c            who begins
 *     > join d                 one more, with nothing
 *     > tick a 3               three ticks of a
 *     > campaign a
 *     > deliver [a>b] [append] delivers what is on the wire now, or only that of a link or of a kind; what follows from it stays on the wire
 *     > drop [a>b] [append]    the same, but it is lost
 *     > settle                 delivers until nothing is left
 *     > propose a x            and read a, change a promote d, transfer a b, compact a, stop a, start a
 *     > state                  all members
 *
 * @returns the text with what comes of each command now.
 */
export function play(text: string): string {
  const scenario = new Scenario();
  return text
    .split('\n')
    .filter(line => line === '' || line.startsWith('#') || line.startsWith('> '))
    .flatMap(line => (line.startsWith('> ') ? [line, ...scenario.run(line.slice(2).split(' '))] : [line]))
    .join('\n');
}

class Scenario {
  #group = new Group([]);
  #trace: string[] = [];
  #sent = 0;
  readonly #states = new Map<string, string>();

  /** @returns what has changed: members, then messages sent, as `from>to …`. */
  run([command, ...words]: readonly string[]): readonly string[] {
    this.#trace = [];
    this.#sent = this.#group.wire.length;
    this.#do(command!, words);
    if (command !== 'state') for (const peer of this.#group.peers.values()) this.#tellChange(peer);
    for (const message of this.#group.wire.slice(this.#sent)) this.#trace.push(`  ${messageText(message)}`);
    return this.#trace;
  }

  #do(command: string, words: readonly string[]): void {
    const [first = '', second = '', third = ''] = words;
    const peer = this.#group.peers.get(first);
    switch (command) {
      case 'group':
        return this.#found(words);
      case 'join':
        return void this.#group.join(first);
      case 'deliver':
        return this.#take(words, message => this.#group.deliver(message));
      case 'drop':
        return this.#take(words, () => {});
      case 'settle':
        this.#sent = 0;
        return this.#group.settle();
      case 'state':
        for (const each of this.#group.peers.values()) this.#trace.push(`  ${each.id}: ${stateText(each)}`);
        return;
    }
    if (peer === undefined) throw new Error(`no such command or member: ${command} ${first}`);
    this.#doTo(peer, command, second, third);
    this.#group.work(peer);
  }

  #doTo(peer: Peer, command: string, second: string, third: string): void {
    switch (command) {
      case 'tick':
        for (let i = 0; i < Number(second || 1); i++) this.#group.tick(peer);
        return;
      case 'campaign':
        return peer.raft!.campaign();
      case 'propose':
        return this.#tell(peer.raft!.propose(Buffer.from(second)));
      case 'read':
        return this.#tell(peer.raft!.read());
      case 'change':
        return this.#tell(
          peer.raft!.changeConfiguration({ type: second as ConfigurationChange['type'], member: third }),
        );
      case 'transfer':
        return this.#tellRefusal(peer.raft!.transferLeadership(second));
      case 'compact':
        return this.#group.compact(peer);
      case 'stop':
        return this.#group.stop(peer);
      case 'start':
        return this.#group.start(peer);
      default:
        throw new Error(`no such command: ${command}`);
    }
  }

  #found(voters: readonly string[]): void {
    this.#group = new Group(voters);
    this.#group.observer = {
      applied: ({ id }, entry) => void this.#trace.push(`  ${id} applies ${entryText(entry)}`),
      restored: ({ id }, { index, term }) => void this.#trace.push(`  ${id} restores ${index}/${term}`),
      decided: ({ id }, { number, outcome }) => void this.#trace.push(`  ${id} proposal ${number} ${outcome}`),
      answered: ({ id, machine }, read) => void this.#trace.push(`  ${id} read ${read} answered at ${machine.applied}`),
    };
  }

  /** Takes from the wire what these words name. */
  #take(words: readonly string[], use: (message: Message) => void): void {
    const matches = ({ from, to, type }: Message) =>
      words.every(word => word === '' || word === `${from}>${to}` || word === type);
    const taken = this.#group.wire.filter(matches);
    this.#group.wire = this.#group.wire.filter(message => !matches(message));
    this.#sent = this.#group.wire.length;
    for (const message of taken) use(message);
  }

  #tell(asked: Asked): void {
    if ('refusal' in asked) this.#tellRefusal(asked.refusal);
  }

  #tellRefusal(refusal: Refusal | undefined): void {
    if (refusal !== undefined) this.#trace.push(`  refused: ${refusal.reason}`);
  }

  #tellChange(peer: Peer): void {
    const state = stateText(peer);
    if (this.#states.get(peer.id) === state) return;
    this.#states.set(peer.id, state);
    this.#trace.push(`  ${peer.id}: ${state}`);
  }
}

function stateText({ raft }: Peer): string {
  if (raft === undefined) return 'stopped';
  const { log, role, term, vote, leaderId } = raft;
  const { voters, learners } = log.configurations.latest;
  const members = learners.length === 0 ? voters.join(' ') : `${voters.join(' ')} and learners ${learners.join(' ')}`;
  const parts = [
    `${role} in term ${term}`,
    `log ${log.first}..${log.last} committed ${log.commit}`,
    `voters ${members}`,
  ];
  if (vote !== undefined) parts.push(`voted for ${vote}`);
  if (leaderId !== undefined) parts.push(`follows ${leaderId}`);
  return parts.join(', ');
}

function entryText(entry: Entry): string {
  const place = `${entry.index}/${entry.term}`;
  if (entry.kind === 'command') return `${place} ${Buffer.from(entry.data).toString()}`;
  return entry.kind === 'empty' ? `${place} empty` : `${place} voters ${entry.configuration.voters.join(' ')}`;
}

/** The message with its entries in short, and without what is only bytes. */
function messageText({ from, to, term, ...body }: Message): string {
  const fields = Object.entries(body).flatMap(([name, value]) => {
    if (name === 'type') return [];
    if (name === 'entries') return [`[${(value as readonly Entry[]).map(entryText).join(', ')}]`];
    if (name === 'chunk') return [chunkText(value as never)];
    if (name === 'commands')
      return [
        `[${(value as readonly { data: Uint8Array }[]).map(({ data }) => Buffer.from(data).toString()).join(', ')}]`,
      ];
    return [`${name} ${String(value)}`];
  });
  return [`${from}>${to} ${body.type} term ${term}`, ...fields].join(', ');
}

function chunkText({
  snapshot,
  offset,
  isLast,
}: {
  snapshot: { index: number; term: number };
  offset: number;
  isLast: boolean;
}): string {
  return `snapshot ${snapshot.index}/${snapshot.term} from byte ${offset}${isLast ? ', the last' : ''}`;
}
