import type { Topology } from '../membership/topology.ts';
import { parseTopology } from '../membership/topology-wire.ts';
import { fieldsOf, isActor, isBelow, isName, isText, isUint32, parseList } from '../membership/wire.ts';
import type { NodeName } from '../ports/outbox.ts';
import type { Message } from '../raft/messages.ts';
import { parseCommand, type TopologyCommand } from './commands.ts';
import type { Participant } from './participants.ts';
import { parseRaftMessage } from './raft-wire.ts';

/** How far a member is with what an epoch asks of it. */
export interface Progress {
  readonly name: NodeName;
  /** Slots that it is to own and has not merged, and how many there were to merge. */
  readonly left: number;
  readonly all: number;
  /** Slots of which it still holds something, and does not own. */
  readonly leftovers: number;
  readonly bytes: number;
}

/** What a process says of itself when it is polled. */
export interface Report extends Participant {
  readonly epoch: number;
  readonly progress: Progress;
}

/**
 * What nodes say to each other about the ring.
 * - `raft`: within the placement group.
 * - `epoch`: the latest that the sender knows. Who knows a later one answers with `news`, who knows only an earlier one with its `epoch`.
 * - `news`: an epoch.
 * - `ready` → `turn`: a member is ready for an epoch, as it tells the leader of the placement group; all are, and go by it from now on.
 * - `poll` → `report`: the leader of the placement group asks how far everyone is, and tells how far everyone was. Who answers also tells as whom it
 *   takes part in the group.
 * - `request` → `outcome`: a node asks the leader for a step. Repeated until it is answered; asking twice is asking once.
 */
export type TopologyMessage =
  | { readonly type: 'raft'; readonly message: Message }
  | { readonly type: 'epoch'; readonly epoch: number }
  | { readonly type: 'news'; readonly topology: Topology }
  | { readonly type: 'ready' | 'turn'; readonly epoch: number }
  | { readonly type: 'poll'; readonly term: number; readonly epoch: number; readonly progress: readonly Progress[] }
  | ({ readonly type: 'report' } & Report)
  | { readonly type: 'request'; readonly id: number; readonly command: TopologyCommand }
  | { readonly type: 'outcome'; readonly id: number; readonly error: string | undefined };

const MAX_EPOCH = 2 ** 32;
const MAX_PROGRESS = 1_024;
const MAX_ERROR_LENGTH = 512;

/** The message in what a peer sent, or undefined when any of it is not as `TopologyMessage` says. */
export function parseTopologyMessage(value: unknown): TopologyMessage | undefined {
  const fields = fieldsOf(value) as Partial<Record<string, unknown>> | undefined;
  if (fields === undefined) return undefined;
  const { type, epoch, term, actor, id } = fields;
  switch (type) {
    case 'raft': {
      const message = parseRaftMessage(fields['message']);
      return message && { type, message };
    }
    case 'epoch':
    case 'ready':
    case 'turn':
      return isBelow(epoch, MAX_EPOCH) ? { type, epoch } : undefined;
    case 'news': {
      const topology = parseTopology(fields['topology']);
      return topology && { type, topology };
    }
    case 'poll': {
      const progress = parseList(fields['progress'], MAX_PROGRESS, parseProgress);
      if (!isBelow(term, Number.MAX_SAFE_INTEGER) || !isBelow(epoch, MAX_EPOCH) || progress === undefined)
        return undefined;
      return { type, term, epoch, progress };
    }
    case 'report': {
      const { member, keepsLog } = fields;
      const progress = parseProgress(fields['progress']);
      if (!isBelow(epoch, MAX_EPOCH) || !isActor(actor) || !isActor(member) || typeof keepsLog !== 'boolean')
        return undefined;
      return progress && { type, epoch, actor, member, keepsLog, progress };
    }
    case 'request': {
      const command = parseCommand(fields['command']);
      return isUint32(id) && command ? { type, id, command } : undefined;
    }
    case 'outcome': {
      const error = fields['error'] ?? undefined;
      return isUint32(id) && (error === undefined || isText(error, MAX_ERROR_LENGTH)) ? { type, id, error } : undefined;
    }
    default:
      return undefined;
  }
}

function parseProgress(value: unknown): Progress | undefined {
  const fields = fieldsOf(value) as Partial<Record<keyof Progress, unknown>> | undefined;
  if (fields === undefined) return undefined;
  const { name, left, all, leftovers, bytes } = fields;
  if (!isName(name) || !isCount(left) || !isCount(all) || !isCount(leftovers) || !isCount(bytes)) return undefined;
  return { name, left, all, leftovers, bytes };
}

function isCount(value: unknown): value is number {
  return isBelow(value, Number.MAX_SAFE_INTEGER);
}
