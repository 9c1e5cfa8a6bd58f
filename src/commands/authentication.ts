import type { CommandContext } from './context.ts';

/** The user that a password alone is for. */
export const DEFAULT_USER = 'default';

export const WRONG_PASSWORD = 'WRONGPASS invalid username-password pair or user is disabled.';

/** Logs the connection in when user and password are right; as in Redis any password is while none is set. */
export function authenticate(context: CommandContext, user: string, password: Buffer): boolean {
  const answer = context.server.checkPassword(user, password);
  const isRight = answer === 'ok' || (answer === 'no password is set' && user === DEFAULT_USER);
  if (isRight) context.connection.authenticated = true;
  return isRight;
}

/** No user has a longer name. */
const MAX_USER_BYTES = 256;

/** A user's name as an argument gives it; of one that is longer than any, the beginning, which is nobody's name. */
export function userName(argument: Buffer): string {
  return argument.toString('latin1', 0, MAX_USER_BYTES + 1);
}
