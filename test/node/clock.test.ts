import { expect, it } from 'vitest';
import { client, three } from './test-nodes.ts';

it('a node whose clock is off among three knows it, and the others are told', () => {
  const nodes = three();
  nodes.advance(10_000);
  for (const node of nodes.nodes.values()) expect(node.clockVerdict.state).toBe('ok');
  nodes.wallOffsetsMs.set('n2', 3_600_000);
  nodes.advance(10_000);
  const n2 = nodes.nodes.get('n2')!;
  expect(n2.clockVerdict.state).toBe('off');
  expect(Math.abs(n2.clockVerdict.offsetMs - 3_600_000)).toBeLessThan(500);
  expect(nodes.said).toContain('n2: the clock of this node is off');
  expect(nodes.nodes.get('n1')!.memberOf('n2')!.clockOff).toBe(true);
  expect(nodes.nodes.get('n1')!.clockVerdict.state).toBe('ok');
  const redis = client(n2);
  redis.execute('INFO');
  expect(redis.output()).toContain('clock_state:off');
  nodes.wallOffsetsMs.set('n2', 0);
  nodes.advance(10_000);
  expect(n2.clockVerdict.state).toBe('ok');
  expect(nodes.said).toContain('n2: the clock of this node is no longer off');
  expect(nodes.nodes.get('n1')!.memberOf('n2')!.clockOff).toBe(false);
});
