import type { NodeName } from '../ports/outbox.ts';
import { type ClusterIdentity, MAX_MEMBERS } from './cluster.ts';
import { parseTopology } from './topology-wire.ts';
import { fieldsOf, isActor, isHost, isName, isPort, isText, isUint32, parseList } from './wire.ts';

/** Where a candidate's bus listens, for those who have not met it yet. */
export type CandidateAddress = readonly [name: NodeName, host: string, port: number];

/** A candidate of a proposal: the very process that is to promise, not only its name. */
export type NamedActor = readonly [name: NodeName, actor: string];

/** One proposal of one proposer. An actor's numbers rise, so an old proposal is told from the current one. */
export interface ProposalId {
  readonly actor: string;
  readonly number: number;
}

/** From one process to one other: who gets a message that was not meant for it drops it. */
export interface FoundingEnvelope {
  readonly from: string;
  readonly to: string;
}

/**
 * - `hello`: an unfounded node is here, and knows these others (no list: the same as last time). Of a founded node it
 *   asks for admission, which comes as `welcome`, `wait` or `refused` with the same nonce.
 * - `propose` → `promise` → `welcome`, see `founding.ts`. A `promise` is repeated while it is held, and asks what
 *   became of the proposal: `welcome` or `withdraw`.
 */
export type FoundingBody =
  | {
      readonly type: 'hello';
      readonly nonce: string;
      readonly candidates?: readonly CandidateAddress[];
      /** The member whose place this node is to take. */
      readonly replaces?: NodeName | undefined;
    }
  | { readonly type: 'propose'; readonly number: number; readonly members: readonly NamedActor[] }
  | { readonly type: 'promise'; readonly number: number }
  | { readonly type: 'withdraw'; readonly number: number }
  | {
      readonly type: 'welcome';
      /** The hello's that this answers; empty when it announces the outcome of a proposal. */
      readonly nonce: string;
      readonly cluster: ClusterIdentity;
      /** The proposal that founded the cluster, and the actors that had promised it. */
      readonly proposal: ProposalId;
      readonly founders: readonly NamedActor[];
    }
  | { readonly type: 'wait'; readonly nonce: string }
  | { readonly type: 'refused'; readonly nonce: string; readonly reason: string };

export type FoundingMessage = FoundingEnvelope & FoundingBody;

const MAX_NONCE_LENGTH = 32;
const MAX_REASON_LENGTH = 512;
const CLUSTER_ID = /^[0-9a-f]{32}$/;

/** The message in what a peer sent, or undefined when any of it is not as `FoundingMessage` says. */
export function parseFoundingMessage(value: unknown): FoundingMessage | undefined {
  const fields = fieldsOf(value) as Partial<Record<Field, unknown>> | undefined;
  if (fields === undefined || !isActor(fields.from) || !isActor(fields.to)) return undefined;
  const body = parseBody(fields);
  return body && { from: fields.from, to: fields.to, ...body };
}

type Field =
  | 'from'
  | 'to'
  | 'type'
  | 'nonce'
  | 'candidates'
  | 'replaces'
  | 'number'
  | 'members'
  | 'cluster'
  | 'proposal'
  | 'founders'
  | 'reason';

function parseBody(fields: Partial<Record<Field, unknown>>): FoundingBody | undefined {
  const { type, number, nonce, reason } = fields;
  switch (type) {
    case 'promise':
    case 'withdraw':
      return isUint32(number) ? { type, number } : undefined;
    case 'propose': {
      const members = parseList(fields.members, MAX_MEMBERS, parseNamedActor);
      return isUint32(number) && members !== undefined ? { type, number, members } : undefined;
    }
    case 'hello': {
      const replaces = fields.replaces ?? undefined;
      if (!isText(nonce, MAX_NONCE_LENGTH) || (replaces !== undefined && !isName(replaces))) return undefined;
      if (fields.candidates === undefined) return { type, nonce, replaces };
      const candidates = parseList(fields.candidates, MAX_MEMBERS, parseCandidate);
      return candidates && { type, nonce, candidates, replaces };
    }
    case 'wait':
      return isText(nonce, MAX_NONCE_LENGTH) ? { type, nonce } : undefined;
    case 'refused':
      return isText(nonce, MAX_NONCE_LENGTH) && isText(reason, MAX_REASON_LENGTH) ? { type, nonce, reason } : undefined;
    case 'welcome': {
      const cluster = parseCluster(fields.cluster);
      const proposal = parseProposal(fields.proposal);
      const founders = parseList(fields.founders, MAX_MEMBERS, parseNamedActor);
      if (!isText(nonce, MAX_NONCE_LENGTH) || !cluster || !proposal || !founders) return undefined;
      return { type, nonce, cluster, proposal, founders };
    }
    default:
      return undefined;
  }
}

function parseNamedActor(value: unknown): NamedActor | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [name, actor] = value as readonly unknown[];
  return isName(name) && isActor(actor) ? [name, actor] : undefined;
}

function parseCandidate(value: unknown): CandidateAddress | undefined {
  if (!Array.isArray(value) || value.length !== 3) return undefined;
  const [name, host, port] = value as readonly unknown[];
  return isName(name) && isHost(host) && isPort(port) ? [name, host, port] : undefined;
}

function parseProposal(value: unknown): ProposalId | undefined {
  const fields = fieldsOf(value) as Partial<Record<keyof ProposalId, unknown>> | undefined;
  if (fields === undefined || !isActor(fields.actor) || !isUint32(fields.number)) return undefined;
  return { actor: fields.actor, number: fields.number };
}

/** The cluster identity in what a peer sent, or undefined. */
export function parseCluster(value: unknown): ClusterIdentity | undefined {
  const fields = fieldsOf(value) as Partial<Record<keyof ClusterIdentity, unknown>> | undefined;
  if (fields === undefined) return undefined;
  const { id, hashKey } = fields;
  const topology = parseTopology(fields.topology);
  if (typeof id !== 'string' || !CLUSTER_ID.test(id)) return undefined;
  if (!Array.isArray(hashKey) || hashKey.length !== 2) return undefined;
  const [low, high] = hashKey as readonly unknown[];
  if (!isUint32(low) || !isUint32(high) || topology === undefined) return undefined;
  return { id, hashKey: [low, high], topology };
}
