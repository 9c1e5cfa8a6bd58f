import type { ExpireCondition } from '../store/mutation.ts';
import { NEVER } from '../store/record.ts';
import { isWord, parseInteger } from './arguments.ts';
import { type Command, FIRST_ARGUMENT } from './command.ts';
import type { CommandContext } from './context.ts';
import { echo, NOT_AN_INTEGER, writeErrorBytes } from './errors.ts';
import { expiryAtMs, invalidExpireTime, OUT_OF_RANGE } from './expiry-time.ts';
import { replyWhetherApplied } from './replies.ts';

/** What TTL and PTTL say of a key that is not there, and of one that never expires. */
const NO_KEY = -2;
const NO_EXPIRY = -1;

const TTL: Command = {
  name: 'ttl',
  arity: 2,
  flags: ['readonly', 'fast'],
  keys: FIRST_ARGUMENT,
  keyFlags: ['RO', 'access'],
  categories: ['keyspace'],
  tips: ['nondeterministic_output'],
  summary: 'Get the time to live for a key in seconds',
  since: '1.0.0',
  group: 'generic',
  complexity: 'O(1)',
  run: context => replyTimeToLive(context, leftMs => Math.floor((leftMs + 500) / 1000)),
};

const PTTL: Command = {
  name: 'pttl',
  arity: 2,
  flags: ['readonly', 'fast'],
  keys: FIRST_ARGUMENT,
  keyFlags: ['RO', 'access'],
  categories: ['keyspace'],
  tips: ['nondeterministic_output'],
  summary: 'Get the time to live for a key in milliseconds',
  since: '2.6.0',
  group: 'generic',
  complexity: 'O(1)',
  run: context => replyTimeToLive(context, leftMs => leftMs),
};

function replyTimeToLive({ args, keys, server }: CommandContext, inUnit: (leftMs: number) => number): void {
  keys.read(args[1]!, false, (reply, found) => {
    if (found === undefined) reply.integer(NO_KEY);
    else if (found.expiryAtMs === NEVER) reply.integer(NO_EXPIRY);
    else reply.integer(inUnit(Math.max(0, Math.floor(found.expiryAtMs - server.wallMs()))));
  });
}

const EXPIRE: Command = {
  name: 'expire',
  arity: -3,
  flags: ['write', 'fast'],
  keys: FIRST_ARGUMENT,
  keyFlags: ['RW', 'update'],
  categories: ['keyspace'],
  summary: "Set a key's time to live in seconds",
  since: '1.0.0',
  group: 'generic',
  complexity: 'O(1)',
  run: context => expire(context, 'expire', 1000),
};

const PEXPIRE: Command = {
  name: 'pexpire',
  arity: -3,
  flags: ['write', 'fast'],
  keys: FIRST_ARGUMENT,
  keyFlags: ['RW', 'update'],
  categories: ['keyspace'],
  summary: "Set a key's time to live in milliseconds",
  since: '2.6.0',
  group: 'generic',
  complexity: 'O(1)',
  run: context => expire(context, 'pexpire', 1),
};

/**
 * A time that has passed is an expiry as any other: an expired record is a tombstone, so the key is gone at once, and
 * the reply is 1 as Redis has it.
 */
function expire({ args, keys, reply, server }: CommandContext, name: string, unitMs: 1 | 1000): void {
  const condition = parseExpireCondition(args);
  if (typeof condition === 'object') {
    writeErrorBytes(reply, condition.error);
    return;
  }
  const amount = parseInteger(args[2]!);
  if (amount === undefined) {
    reply.error(NOT_AN_INTEGER);
    return;
  }
  const atMs = expiryAtMs(amount, unitMs, server.wallMs());
  if (atMs === OUT_OF_RANGE) reply.error(invalidExpireTime(name));
  else keys.write(args[1]!, { kind: 'expire', atMs, condition }, replyWhetherApplied);
}

/** Reads the options of `EXPIRE key time …` (expire.c, `parseExtendedExpireArgumentsOrReply`). The error is latin1. */
function parseExpireCondition(args: readonly Buffer[]): ExpireCondition | { readonly error: string } {
  const given = { nx: false, xx: false, gt: false, lt: false };
  for (let i = 3; i < args.length; i++) {
    const option = args[i]!;
    if (isWord(option, 'nx')) given.nx = true;
    else if (isWord(option, 'xx')) given.xx = true;
    else if (isWord(option, 'gt')) given.gt = true;
    else if (isWord(option, 'lt')) given.lt = true;
    else return { error: `ERR Unsupported option ${echo(option)}` };
  }
  const { nx, xx, gt, lt } = given;
  if (nx && (xx || gt || lt)) {
    return { error: 'ERR NX and XX, GT or LT options at the same time are not compatible' };
  }
  if (gt && lt) return { error: 'ERR GT and LT options at the same time are not compatible' };
  if (xx && lt) return 'expiring-sooner';
  if (gt) return 'later';
  if (lt) return 'sooner';
  if (nx) return 'not-expiring';
  return xx ? 'expiring' : 'always';
}

const PERSIST: Command = {
  name: 'persist',
  arity: 2,
  flags: ['write', 'fast'],
  keys: FIRST_ARGUMENT,
  keyFlags: ['RW', 'update'],
  categories: ['keyspace'],
  summary: 'Remove the expiration from a key',
  since: '2.2.0',
  group: 'generic',
  complexity: 'O(1)',
  run: ({ args, keys }) =>
    keys.write(args[1]!, { kind: 'expire', atMs: NEVER, condition: 'expiring' }, replyWhetherApplied),
};

export const EXPIRY_COMMANDS: readonly Command[] = [TTL, PTTL, EXPIRE, PEXPIRE, PERSIST];
