import { Packr } from 'msgpackr';
import { ByteWriter } from '../lib/byte-writer.ts';
import { type FoundingMessage, parseFoundingMessage } from '../membership/founding-messages.ts';
import { parseSwimMessage, type SwimMessage } from '../membership/swim-messages.ts';
import { type Encoded, MessageType } from '../replication/message-type.ts';
import { parseTopologyMessage, type TopologyMessage } from '../topology/messages.ts';
import { type DrillMessage, parseDrillMessage } from './drill-messages.ts';
import { type ExplainMessage, parseExplainMessage } from './explain-messages.ts';

/** What nodes say to each other apart from data: rare and small, so a general encoding (MessagePack) carries it. */
export type ControlMessage =
  | { readonly kind: 'swim'; readonly message: SwimMessage }
  | { readonly kind: 'founding'; readonly message: FoundingMessage }
  | { readonly kind: 'explain'; readonly message: ExplainMessage }
  | { readonly kind: 'drill'; readonly message: DrillMessage }
  | { readonly kind: 'topology'; readonly message: TopologyMessage };

const packr = new Packr({ useRecords: false, mapsAsObjects: true });
const out = new ByteWriter();

/** `[kind, message]` behind the type byte. */
export function encodeControl({ kind, message }: ControlMessage): Encoded {
  out.reset();
  out.u8(MessageType.control);
  out.raw(packr.pack([kind, message]));
  return { head: out.view(), body: undefined };
}

/** Undefined for anything that no node would say. */
export function decodeControl(bytes: Buffer): ControlMessage | undefined {
  let value: unknown;
  try {
    value = packr.unpack(bytes.subarray(1));
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  const [kind, body] = value as unknown[];
  switch (kind) {
    case 'swim':
      return wrap(kind, parseSwimMessage(body));
    case 'founding':
      return wrap(kind, parseFoundingMessage(body));
    case 'explain':
      return wrap(kind, parseExplainMessage(body));
    case 'drill':
      return wrap(kind, parseDrillMessage(body));
    case 'topology':
      return wrap(kind, parseTopologyMessage(body));
    default:
      return undefined;
  }
}

function wrap<K extends string, M>(kind: K, message: M | undefined): { kind: K; message: M } | undefined {
  return message && { kind, message };
}
