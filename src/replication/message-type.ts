/** First byte of every bus message. `docs/bus.md` describes each with an example. */
export const MessageType = {
  control: 0,
  replicate: 1,
  replicated: 2,
  read: 3,
  readReply: 4,
  forward: 5,
  forwardReply: 6,
  syncOpen: 7,
  syncRoot: 8,
  syncPage: 9,
  syncPageReply: 10,
  coming: 11,
  syncCompare: 12,
  syncDiffering: 13,
  standIn: 20,
  hint: 21,
  hinted: 22,
  fence: 26,
  fenced: 27,
  collection: 28,
  collectionReply: 29,
  collected: 30,
  survey: 34,
  surveyed: 35,
} as const;

/** A message ready for the outbox: `head` is scratch memory, good until the next one is encoded. */
export interface Encoded {
  readonly head: Uint8Array;
  readonly body: Uint8Array | undefined;
}

/** Values at least this long go by reference instead of through the scratch buffer. */
export const BODY_THRESHOLD_BYTES = 16_384;
