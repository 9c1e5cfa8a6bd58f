import { afterEach, describe, expect, it, vi } from 'vitest';
import { wallMsOf } from '../../src/clock/hybrid-clock.ts';
import { slotOf } from '../../src/lib/slots.ts';
import { ClockGuard } from '../../src/replication/clock-guard.ts';
import { client, type Nodes, three } from './test-nodes.ts';

const HOUR_MS = 3_600_000;

/** Three nodes that know each other's clocks. */
function judged(): Nodes {
  const nodes = three();
  nodes.advance(5_000);
  return nodes;
}

function run(nodes: Nodes, name: string, ...lines: string[]): string {
  const redis = client(nodes.nodes.get(name)!);
  for (const line of lines) {
    redis.execute(line);
    nodes.settle();
  }
  return redis.output();
}

/** When the key's version at a node says that it was written, by a clock that is right; undefined without one. */
function writtenMs(nodes: Nodes, name: string, key: string, db = 1): number | undefined {
  const { store } = nodes.nodes.get(name)!.cluster!.keyspaces.get(db)!;
  const bytes = Buffer.from(key);
  const ref = store.find(slotOf(bytes), store.hashOf(bytes), bytes);
  return ref === 0 ? undefined : wallMsOf(store.stampOf(ref)) - 1_800_000_000_000;
}

/** From now on the node trusts its own clock, whatever the others' show. */
function blind(nodes: Nodes, name: string): void {
  const { guard } = nodes.nodes.get(name)!.cluster!.context;
  const ownMs = () => 1_800_000_000_000 + nodes.nowMs + (nodes.wallOffsetsMs.get(name) ?? 0);
  vi.spyOn(guard, 'wallMs').mockImplementation(ownMs);
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('A node whose clock is off', () => {
  it('knows it, says so, and tells the others, until it is right again', () => {
    const nodes = judged();
    for (const node of nodes.nodes.values()) expect(node.clockVerdict.state).toBe('ok');
    nodes.wallOffsetsMs.set('n2', HOUR_MS);
    nodes.advance(5_000);
    const n2 = nodes.nodes.get('n2')!;
    expect(n2.clockVerdict.state).toBe('off');
    expect(Math.abs(n2.clockVerdict.offsetMs - HOUR_MS)).toBeLessThan(500);
    expect(nodes.said).toContain('n2: the clock of this node is off');
    expect(nodes.nodes.get('n1')!.memberOf('n2')!.clockOff).toBe(true);
    expect(nodes.nodes.get('n1')!.clockVerdict.state).toBe('ok');
    expect(run(nodes, 'n2', 'INFO')).toContain('clock_state:off');
    nodes.wallOffsetsMs.set('n2', 0);
    nodes.advance(5_000);
    expect(n2.clockVerdict.state).toBe('ok');
    expect(nodes.said).toContain('n2: the clock of this node is no longer off');
    expect(nodes.nodes.get('n1')!.memberOf('n2')!.clockOff).toBe(false);
  });

  it.each([HOUR_MS, -HOUR_MS])('by %i ms lets others stamp the writes of its clients, and answers reads', offsetMs => {
    const nodes = judged();
    nodes.wallOffsetsMs.set('n2', offsetMs);
    nodes.advance(1_000);
    const lines = Array.from({ length: 20 }, (_, i) => `SET key${i} v`);
    expect(run(nodes, 'n2', 'SELECT 1', ...lines, 'SELECT 0', 'SET here v')).toBe('+OK\r\n'.repeat(23));
    for (let i = 0; i < 20; i++) {
      for (const name of nodes.nodes.keys())
        expect(Math.abs(writtenMs(nodes, name, `key${i}`)! - nodes.nowMs)).toBeLessThan(2_000);
    }
    expect(run(nodes, 'n2', 'SELECT 1', 'GET key1', 'GET none')).toBe('+OK\r\n$1\r\nv\r\n$-1\r\n');
  });

  it.each([HOUR_MS, -HOUR_MS])(
    'by %i ms does no harm before the next judgement: nothing is stamped by it',
    offsetMs => {
      const nodes = judged();
      nodes.wallOffsetsMs.set('n2', offsetMs);
      expect(run(nodes, 'n2', 'SET a v', 'SELECT 1', 'SET b v')).toBe('+OK\r\n+OK\r\n+OK\r\n');
      for (const name of nodes.nodes.keys()) {
        for (const [db, key] of ['a', 'b'].entries()) {
          expect(Math.abs(writtenMs(nodes, name, key, db)! - nodes.nowMs)).toBeLessThan(2_000);
        }
      }
    },
  );

  it.each([HOUR_MS, -HOUR_MS])(
    'by %i ms lets keys expire when they should, and gives them no wrong expiry',
    offsetMs => {
      const nodes = judged();
      expect(run(nodes, 'n1', 'SET before v PX 60000')).toBe('+OK\r\n');
      nodes.wallOffsetsMs.set('n2', offsetMs);
      nodes.advance(1_000);
      expect(run(nodes, 'n2', 'GET before', 'SET after v PX 60000')).toBe('$1\r\nv\r\n+OK\r\n');
      for (const name of nodes.nodes.keys()) {
        for (const key of ['before', 'after']) expect(run(nodes, name, `TTL ${key}`)).toMatch(/^:(59|60)\r\n$/);
      }
      nodes.advance(60_000);
      for (const name of nodes.nodes.keys()) expect(run(nodes, name, 'GET before', 'GET after')).toBe('$-1\r\n$-1\r\n');
    },
  );

  it('refuses to stamp when there is nobody else, and says why', () => {
    const nodes = judged();
    nodes.wallOffsetsMs.set('n2', HOUR_MS);
    nodes.advance(200);
    for (const other of ['n1', 'n3']) nodes.nodes.get('n2')!.linkDown(other);
    expect(run(nodes, 'n2', 'SET k v')).toMatch(/^-UNAVAILABLE the clock of n2 is off by 3600\d{3} ms\r\n$/);
  });

  it('does not stamp while what it has stamped is still ahead, though its clock was set right', () => {
    const nodes = judged();
    blind(nodes, 'n2');
    nodes.wallOffsetsMs.set('n2', HOUR_MS);
    expect(run(nodes, 'n2', 'SET k ahead')).toBe('+OK\r\n');
    nodes.wallOffsetsMs.set('n2', 0);
    vi.restoreAllMocks();
    nodes.advance(1_000);
    expect(run(nodes, 'n2', 'SELECT 1', 'SET q v')).toBe('+OK\r\n+OK\r\n');
    for (const name of nodes.nodes.keys())
      expect(Math.abs(writtenMs(nodes, name, 'q')! - nodes.nowMs)).toBeLessThan(2_000);
  });
});

describe('A node that starts with a clock that is an hour off', () => {
  /** n3, started again with such a clock, in a cluster of three; it has joined, and nothing else. */
  function restarted(offsetMs: number): Nodes {
    const nodes = judged();
    nodes.wallOffsetsMs.set('n3', offsetMs);
    for (const other of ['n1', 'n2']) nodes.nodes.get(other)!.linkDown('n3');
    const n3 = nodes.add('n3');
    for (const other of ['n1', 'n2']) nodes.link(other, 'n3');
    while (n3.cluster === undefined) nodes.advance(20);
    return nodes;
  }

  it.each([HOUR_MS, -HOUR_MS])('by %i ms stamps nothing by it', offsetMs => {
    const nodes = restarted(offsetMs);
    for (let i = 0; i < 100; i++) {
      run(nodes, 'n3', `SET key${i} v`, 'SELECT 1', `SET key${i} v`);
      for (const db of [0, 1]) {
        const atMs = writtenMs(nodes, 'n3', `key${i}`, db);
        if (atMs !== undefined) expect(Math.abs(atMs - nodes.nowMs)).toBeLessThan(2_000);
      }
      nodes.advance(20);
    }
    expect(nodes.nodes.get('n3')!.clockVerdict.state).toBe('off');
  });
});

describe('A node of three that starts while another is down', () => {
  function pair(offsetMs: number): Nodes {
    const nodes = judged();
    for (const name of ['n1', 'n3']) nodes.nodes.get('n2')!.linkDown(name);
    for (const name of ['n1', 'n3']) nodes.nodes.get(name)!.linkDown('n2');
    nodes.lost = ({ from, to }) => [from, to].includes('n2');
    nodes.nodes.get('n1')!.linkDown('n3');
    nodes.wallOffsetsMs.set('n3', offsetMs);
    nodes.add('n3');
    nodes.link('n1', 'n3');
    nodes.advance(5_000);
    return nodes;
  }

  it('stamps when the other clock agrees with its own', () => {
    const nodes = pair(500);
    nodes.nodes.get('n3')!.linkDown('n1');
    expect(run(nodes, 'n3', 'SET k v')).toBe('+OK\r\n');
  });

  it('leaves it to the other when that does not, and says why when it cannot', () => {
    const nodes = pair(HOUR_MS);
    expect(run(nodes, 'n3', 'SET k v')).toBe('+OK\r\n');
    expect(Math.abs(writtenMs(nodes, 'n1', 'k', 0)! - nodes.nowMs)).toBeLessThan(2_000);
    expect(run(nodes, 'n3', 'INFO')).toContain('clock_state:doubtful');
    expect(run(nodes, 'n3', 'COTERIE NODES')).toMatch(/\r\nn3\r\n[\s\S]*?clock-off\r\n\$3\r\nyes/);
    nodes.wallOffsetsMs.set('n3', 0);
    nodes.advance(2_000);
    expect(run(nodes, 'n3', 'COTERIE NODES')).not.toContain('clock-off\r\n$3\r\nyes');
    nodes.wallOffsetsMs.set('n3', HOUR_MS);
    nodes.advance(200);
    nodes.nodes.get('n3')!.linkDown('n1');
    expect(run(nodes, 'n3', 'SET k v')).toMatch(
      /^-UNAVAILABLE the clock of n3 differs by 3600\d{3} ms from another, and too few are seen to tell which is right\r\n$/,
    );
  });

  it('lets nothing expire before its time, though its own clock is an hour ahead', () => {
    const nodes = pair(HOUR_MS);
    expect(run(nodes, 'n1', 'SET k v PX 60000')).toBe('+OK\r\n');
    expect(run(nodes, 'n3', 'TTL k')).toMatch(/^:(59|60)\r\n$/);
  });
});

describe('Clocks that are all set back together', () => {
  it.each([[['n1', 'n2', 'n3']], [['n1', 'n2']]])('go on to stamp from where they were: %j', names => {
    const nodes = judged();
    expect(run(nodes, 'n1', 'SELECT 1', 'SET k before')).toBe('+OK\r\n+OK\r\n');
    const beforeMs = writtenMs(nodes, 'n1', 'k')!;
    for (const name of names) nodes.wallOffsetsMs.set(name, -HOUR_MS);
    nodes.advance(5_000);
    for (const name of ['n1', 'n2', 'n3']) expect(run(nodes, name, 'SELECT 1', `SET k ${name}`)).toBe('+OK\r\n+OK\r\n');
    expect(run(nodes, 'n1', 'SELECT 1', 'GET k')).toBe('+OK\r\n$2\r\nn3\r\n');
    expect(writtenMs(nodes, 'n1', 'k')! - beforeMs).toBeLessThan(10);
  });

  it('hold nothing back of a node that is started again: it gets all that there is', () => {
    const nodes = judged();
    run(nodes, 'n1', 'SELECT 1', 'SET k before');
    for (const name of ['n1', 'n2', 'n3']) nodes.wallOffsetsMs.set(name, -HOUR_MS);
    nodes.advance(5_000);
    for (const other of ['n1', 'n2']) nodes.nodes.get(other)!.linkDown('n3');
    const n3 = nodes.add('n3');
    for (const other of ['n1', 'n2']) nodes.link(other, 'n3');
    nodes.advance(15_000);
    expect(n3.clockVerdict.state).toBe('ok');
    expect(writtenMs(nodes, 'n3', 'k')).toBeDefined();
    run(nodes, 'n1', 'SELECT 1', 'SET k after');
    expect(n3.cluster!.context.quarantine.size).toBe(0);
    expect(run(nodes, 'n3', 'SELECT 1', 'GET k')).toBe('+OK\r\n$5\r\nafter\r\n');
  });
});

describe('How far a clock may be off', () => {
  it.each([
    [500, 'off'],
    [2_000, 'ok'],
  ])('is a setting: by a second with a limit of %i ms it is %s', (maxClockDriftMs, state) => {
    const nodes = three({ maxClockDriftMs });
    nodes.advance(5_000);
    nodes.wallOffsetsMs.set('n2', 1_000);
    nodes.advance(5_000);
    expect(nodes.nodes.get('n2')!.clockVerdict.state).toBe(state);
  });
});

describe('What a node stamped an hour ahead before it knew', () => {
  function ahead(): Nodes {
    const nodes = judged();
    blind(nodes, 'n2');
    nodes.wallOffsetsMs.set('n2', HOUR_MS);
    run(nodes, 'n2', 'SET k ahead');
    return nodes;
  }

  it('is neither served nor acknowledged by the others, and does not win over what is written later', () => {
    const nodes = ahead();
    for (const name of ['n1', 'n3']) expect(writtenMs(nodes, name, 'k', 0)).toBeUndefined();
    expect(run(nodes, 'n1', 'GET k')).toBe('$-1\r\n');
    expect(run(nodes, 'n1', 'SET k good')).toBe('+OK\r\n');
    nodes.advance(1_000);
    expect(run(nodes, 'n3', 'GET k')).toBe('$4\r\ngood\r\n');
    const last = nodes.nodes.get('n1')!.cluster!.context.stamps.last;
    expect(wallMsOf(last) - 1_800_000_000_000 - nodes.nowMs).toBeLessThan(2_000);
  });

  it('is listed, and can be dropped', () => {
    const nodes = ahead();
    const listed = run(nodes, 'n1', 'COTERIE QUARANTINE LIST');
    expect(listed).toMatch(/\$3\r\nkey\r\n\$1\r\nk\r\n[\s\S]*ahead-ms\r\n:36\d{5}\r\n\$4\r\nfrom\r\n\$2\r\nn2\r\n/);
    expect(run(nodes, 'n1', 'INFO')).toContain('quarantined:1\r\n');
    expect(run(nodes, 'n1', 'COTERIE QUARANTINE DROP k', 'COTERIE QUARANTINE LIST')).toBe(':1\r\n*0\r\n');
  });

  it('in a quorum keyspace is not acknowledged at all', () => {
    const nodes = judged();
    blind(nodes, 'n2');
    nodes.wallOffsetsMs.set('n2', HOUR_MS);
    const redis = client(nodes.nodes.get('n2')!);
    redis.execute('SELECT 1');
    redis.execute('SET k ahead');
    nodes.settle();
    expect(redis.output()).toBe('+OK\r\n');
    nodes.advance(600);
    expect(redis.output()).toMatch(/^-UNAVAILABLE 1 of 2 replicas acknowledged/);
  });

  it('would own the future if nothing held it back: these tests can see it', () => {
    vi.spyOn(ClockGuard.prototype, 'isTooFarAhead').mockReturnValue(false);
    const nodes = ahead();
    expect(run(nodes, 'n1', 'GET k', 'SET k good')).toBe('$5\r\nahead\r\n+OK\r\n');
    expect(writtenMs(nodes, 'n1', 'k', 0)! - nodes.nowMs).toBeGreaterThan(HOUR_MS / 2);
  });
});
