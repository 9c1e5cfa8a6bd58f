import type { ReadReply, ReadsReply, WriteReply, WritesReply } from './context.ts';

/** What several commands make of an outcome. They capture nothing, so that using one allocates nothing. */

export const replyValue: ReadReply = (reply, found) => {
  if (found === undefined) reply.nullBulk();
  else found.writeValue(reply);
};

export const replyValues: ReadsReply = (reply, found) => {
  reply.array(found.length);
  for (const each of found) replyValue(reply, each);
};

export const replyHowManyFound: ReadsReply = (reply, found) => {
  reply.integer(found.reduce((count, each) => count + (each === undefined ? 0 : 1), 0));
};

export const replyWhetherApplied: WriteReply = (reply, { applied }) => reply.integer(applied ? 1 : 0);

export const replyHowManyApplied: WritesReply = (reply, outcomes) => {
  reply.integer(outcomes.reduce((count, { applied }) => count + (applied ? 1 : 0), 0));
};

export const replyOkIfApplied: WriteReply = (reply, { applied }) => {
  if (applied) reply.ok();
  else reply.nullBulk();
};

export const replyValueBefore: WriteReply = (reply, { before }) => replyValue(reply, before);

export const replyOk: WritesReply = reply => reply.ok();
