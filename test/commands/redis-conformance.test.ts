import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { splitInlineArguments } from '../../src/resp/inline-arguments.ts';
import { FakeSession } from './fake-session.ts';
import { GROUPS, LONG } from './redis-lines.ts';
import { hasRedis, RedisProcess } from './redis-process.ts';

const SETTINGS = { maxmemory: '0', maxclients: '100', save: '', appendonly: 'no' };

function argumentsOf(line: string): Buffer[] {
  const whole = line.replaceAll(/%\d+/g, name => LONG[name] ?? name);
  return splitInlineArguments(Buffer.from(whole)) as Buffer[];
}

/** One session of ours, in step with the connection to Redis. */
function sessionLike(redisId: number): FakeSession {
  const session = new FakeSession();
  session.connection.id = redisId;
  session.server.wallMs = () => Date.now();
  session.server.settingsShown = new Map(Object.entries(SETTINGS));
  return session;
}

describe.runIf(hasRedis())('beside a real Redis', () => {
  let redis: RedisProcess;
  let redisId: number;

  beforeAll(async () => {
    redis = await RedisProcess.start('--maxclients', SETTINGS.maxclients);
    redisId = Number((await redis.run(argumentsOf('CLIENT ID'))).slice(1));
  });

  afterAll(() => redis.stop());

  for (const protocol of ['2', '3']) {
    it.each(Object.entries(GROUPS))(`in RESP${protocol} %s`, async (_, lines) => {
      const ours = sessionLike(redisId);
      for (const line of ['RESET', 'FLUSHALL', `HELLO ${protocol}`]) await redis.run(argumentsOf(line));
      ours.run('HELLO', protocol);
      for (const line of lines) {
        const args = argumentsOf(line);
        const theirs = await redis.run(args);
        expect(`${line} -> ${ours.run(...args)}`).toBe(`${line} -> ${theirs}`);
      }
    });
  }
});
