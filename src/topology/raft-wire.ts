import { fieldsOf, isActor, isBelow, parseList } from '../membership/wire.ts';
import { Configuration, MAX_MEMBERS } from '../raft/configuration.ts';
import type { Entry, ProposalId } from '../raft/entry.ts';
import type { ForwardedCommand, Message, MessageBody } from '../raft/messages.ts';
import type { ProposalRefusal } from '../raft/refusal.ts';
import type { SnapshotChunk, SnapshotMeta } from '../raft/snapshot.ts';

/** What one message may carry: entries, commands. */
const MAX_LIST = 65_536;
const MAX_NUMBER = Number.MAX_SAFE_INTEGER;
const REFUSALS: readonly ProposalRefusal[] = ['too-large', 'backlog-full', 'transferring', 'too-many-origins'];

type Fields = Readonly<Record<string, unknown>>;

/** The message in what a peer sent, or undefined when any of it is not as `raft/messages.ts` says. */
export function parseRaftMessage(value: unknown): Message | undefined {
  const fields = fieldsOf(value);
  if (fields === undefined) return undefined;
  const { from, to, term } = fields as { from?: unknown; to?: unknown; term?: unknown };
  if (!isActor(from) || !isActor(to) || !isNumber(term)) return undefined;
  const body = parseBody(fields);
  return body && { ...body, from, to, term };
}

function parseBody(fields: Fields): MessageBody | undefined {
  const { type, lastIndex, lastTerm, granted, isTransfer, index, round } = fields as Partial<Record<string, unknown>>;
  switch (type) {
    case 'pre-vote':
      return isNumber(lastIndex) && isNumber(lastTerm) ? { type, lastIndex, lastTerm } : undefined;
    case 'vote': {
      if (!isNumber(lastIndex) || !isNumber(lastTerm) || !isBoolean(isTransfer)) return undefined;
      return { type, lastIndex, lastTerm, isTransfer };
    }
    case 'pre-vote-reply':
    case 'vote-reply':
      return isBoolean(granted) ? { type, granted } : undefined;
    case 'append-reply':
      return isNumber(index) ? { type, index } : undefined;
    case 'heartbeat-reply':
      return isNumber(round) ? { type, round } : undefined;
    case 'timeout-now':
    case 'stale-term':
      return { type };
    default:
      return parseLonger(fields);
  }
}

function parseLonger(fields: Fields): MessageBody | undefined {
  const { type, index, commit, round, origin, number, offset } = fields as Partial<Record<string, unknown>>;
  switch (type) {
    case 'append':
      return parseAppend(fields);
    case 'append-refused': {
      const { hintIndex, hintTerm } = fields as Partial<Record<string, unknown>>;
      return isNumber(index) && isNumber(hintIndex) && isNumber(hintTerm)
        ? { type, index, hintIndex, hintTerm }
        : undefined;
    }
    case 'heartbeat':
      return isNumber(commit) && isNumber(round) ? { type, commit, round } : undefined;
    case 'snapshot': {
      const chunk = parseChunk((fields as { chunk?: unknown }).chunk);
      return chunk && { type, chunk };
    }
    case 'snapshot-reply':
      return isNumber(index) && isNumber(offset) ? { type, index, offset } : undefined;
    case 'forward':
      return parseForward(fields);
    case 'forward-refused': {
      const refusal = REFUSALS.find(each => each === (fields as { refusal?: unknown }).refusal);
      return isActor(origin) && isNumber(number) && refusal !== undefined
        ? { type, origin, number, refusal }
        : undefined;
    }
    case 'read':
      return isActor(origin) && isNumber(number) ? { type, origin, number } : undefined;
    case 'read-reply':
      return isActor(origin) && isNumber(number) && isNumber(index) ? { type, origin, number, index } : undefined;
    default:
      return undefined;
  }
}

function parseAppend(fields: Fields): MessageBody | undefined {
  const { prevIndex, prevTerm, commit } = fields as Partial<Record<string, unknown>>;
  const entries = parseList((fields as { entries?: unknown }).entries, MAX_LIST, parseEntry);
  if (!isNumber(prevIndex) || !isNumber(prevTerm) || !isNumber(commit) || entries === undefined) return undefined;
  return entries.every((entry, i) => entry.index === prevIndex + 1 + i)
    ? { type: 'append', prevIndex, prevTerm, commit, entries }
    : undefined;
}

function parseForward(fields: Fields): MessageBody | undefined {
  const { origin, floor } = fields as Partial<Record<string, unknown>>;
  const commands = parseList((fields as { commands?: unknown }).commands, MAX_LIST, parseCommand);
  return isActor(origin) && isNumber(floor) && commands !== undefined
    ? { type: 'forward', origin, floor, commands }
    : undefined;
}

function parseCommand(value: unknown): ForwardedCommand | undefined {
  const { number, data } = (fieldsOf(value) ?? {}) as Partial<Record<string, unknown>>;
  return isNumber(number) && data instanceof Uint8Array ? { number, data } : undefined;
}

export function parseEntry(value: unknown): Entry | undefined {
  const fields = fieldsOf(value) as Partial<Record<string, unknown>> | undefined;
  if (fields === undefined) return undefined;
  const { index, term, kind, data } = fields;
  if (!isNumber(index) || !isNumber(term)) return undefined;
  if (kind === 'empty') return { index, term, kind };
  const proposal = parseProposal(fields['proposal']);
  if (proposal === undefined) return undefined;
  if (kind === 'command') return data instanceof Uint8Array ? { index, term, kind, proposal, data } : undefined;
  const configuration = parseConfiguration(fields['configuration']);
  return kind === 'configuration' && configuration ? { index, term, kind, proposal, configuration } : undefined;
}

function parseProposal(value: unknown): ProposalId | undefined {
  const { origin, number } = (fieldsOf(value) ?? {}) as Partial<Record<string, unknown>>;
  return isActor(origin) && isNumber(number) ? { origin, number } : undefined;
}

function parseConfiguration(value: unknown): Configuration | undefined {
  const { voters, learners } = (fieldsOf(value) ?? {}) as Partial<Record<string, unknown>>;
  const parsedVoters = parseList(voters, MAX_MEMBERS, parseId);
  const parsedLearners = parseList(learners, MAX_MEMBERS, parseId);
  return parsedVoters && parsedLearners && new Configuration(parsedVoters, parsedLearners);
}

function parseChunk(value: unknown): SnapshotChunk | undefined {
  const fields = fieldsOf(value) as Partial<Record<string, unknown>> | undefined;
  if (fields === undefined) return undefined;
  const { offset, data, isLast } = fields;
  const snapshot = parseSnapshotMeta(fields['snapshot']);
  if (snapshot === undefined || !isNumber(offset) || !(data instanceof Uint8Array) || !isBoolean(isLast))
    return undefined;
  return { snapshot, offset, data, isLast };
}

export function parseSnapshotMeta(value: unknown): SnapshotMeta | undefined {
  const fields = fieldsOf(value) as Partial<Record<string, unknown>> | undefined;
  if (fields === undefined) return undefined;
  const { index, term } = fields;
  const configuration = parseConfiguration(fields['configuration']);
  return isNumber(index) && isNumber(term) && configuration !== undefined ? { index, term, configuration } : undefined;
}

function parseId(value: unknown): string | undefined {
  return isActor(value) ? value : undefined;
}

function isNumber(value: unknown): value is number {
  return isBelow(value, MAX_NUMBER);
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}
