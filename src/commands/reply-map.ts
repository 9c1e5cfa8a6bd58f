import type { ReplyWriter } from '../resp/reply-writer.ts';

/** A value in a reply for people and programs: a map of these, a list of these, or a text, bytes or an integer. */
export type ReplyData = string | number | Uint8Array | readonly ReplyData[] | ReplyFields;

export interface ReplyFields {
  readonly [field: string]: ReplyData | undefined;
}

/** Writes data as it nests. Fields that are undefined are left out, and a fraction is a text, as in Redis's replies. */
export function writeData(reply: ReplyWriter, data: ReplyData): void {
  if (Number.isSafeInteger(data)) reply.integer(data as number);
  else if (typeof data === 'string' || typeof data === 'number') reply.bulkString(String(data));
  else if (data instanceof Uint8Array) reply.bulk(data);
  else if (isList(data)) {
    reply.array(data.length);
    for (const each of data) writeData(reply, each);
  } else {
    const entries = Object.entries(data).filter((entry): entry is [string, ReplyData] => entry[1] !== undefined);
    reply.map(entries.length);
    for (const [field, value] of entries) {
      reply.bulkString(field);
      writeData(reply, value);
    }
  }
}

function isList(data: ReplyData): data is readonly ReplyData[] {
  return Array.isArray(data);
}
