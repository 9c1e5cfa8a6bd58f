import { describe, expect, it } from 'vitest';
import type { SurveyResult } from '../../src/replication/survey.ts';
import { between, EVENTUAL, ofType, TestNetwork } from './test-network.ts';

function survey(network: TestNetwork, name = 'n1', waitMs = 0): SurveyResult[] {
  const results: SurveyResult[] = [];
  network.node(name).cluster.survey.run(network.keyspace(name, 0), result => results.push(result));
  network.advance(waitMs);
  return results;
}

function sync(network: TestNetwork, name: string): (string | undefined)[] {
  const results: (string | undefined)[] = [];
  network.node(name).cluster.antiEntropy.sync(network.keyspace(name, 0), unavailable => results.push(unavailable));
  return results;
}

const fiveNodes = () => new TestNetwork({ nodes: 5, keyspaces: [EVENTUAL] });

describe('CONVERGED', () => {
  it('counts the slots whose replicas differ, also those that the asked node does not hold', () => {
    const network = fiveNodes();
    for (let i = 0; i < 50; i++) network.set('n1', `same ${i}`, 'v', 0);
    network.settle();
    expect(survey(network)).toEqual([{ differing: 0 }]);
    const keys = ['a', 'b', 'c', 'd'];
    for (const key of keys) network.plant(network.replicasOf(key, 0)[1]!, key, 'only here', 0);
    for (const { name } of network.nodes.values()) expect(survey(network, name)).toEqual([{ differing: 4 }]);
  });

  it('counts slots that a replica is refilling: what it does not hold yet is no agreement', () => {
    const network = new TestNetwork({ nodes: 3, keyspaces: [EVENTUAL] });
    network.keyspace('n2', 0).refill.begin(5);
    expect(survey(network)).toEqual([{ differing: 1 }]);
  });

  it('says who did not answer', () => {
    const network = fiveNodes();
    network.drop(message => message.type === 'surveyed' && message.from === 'n4');
    expect(survey(network, 'n1', 5_100)).toEqual([{ unavailable: 'n4 did not answer in 5000 ms' }]);
    network.cut('n1', 'n3');
    expect(survey(network)).toEqual([{ unavailable: 'n3 cannot be reached' }]);
  });

  it('asks again who has not answered', () => {
    const network = fiveNodes();
    let lost = 0;
    network.drop(message => message.type === 'survey' && message.to === 'n4' && lost++ < 2);
    expect(survey(network, 'n1', 1_100)).toEqual([{ differing: 0 }]);
  });

  it('ends when a link breaks meanwhile, and takes each answer once', () => {
    const network = fiveNodes();
    network.hold(ofType('surveyed'));
    const results = survey(network);
    network.cut('n1', 'n5');
    expect(results).toEqual([{ unavailable: 'n5 cannot be reached' }]);
    network.release();
    expect(results).toHaveLength(1);
  });

  it('refuses the ninth at once', () => {
    const network = fiveNodes();
    network.hold(ofType('survey'));
    const all = Array.from({ length: 9 }, () => survey(network));
    expect(all.map(results => results.length)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1]);
    expect(all[8]).toEqual([{ unavailable: 'too many surveys are under way' }]);
    network.release();
    expect(all[0]).toEqual([{ differing: 0 }]);
  });
});

describe('SYNC', () => {
  it('makes a node equal to its co-replicas, and answers then', () => {
    const network = new TestNetwork({ nodes: 3, keyspaces: [EVENTUAL] });
    network.plant('n2', 'k', 'v', 0);
    network.plant('n1', 'q', 'w', 0);
    const results = sync(network, 'n1');
    expect(results).toEqual([]);
    network.advance(60);
    expect(results).toEqual([undefined]);
    expect(['n1', 'n2'].map(name => network.valueAt(name, 'k', 0))).toEqual(['v', 'v']);
    expect(['n1', 'n2', 'n3'].map(name => network.valueAt(name, 'q', 0))).toEqual(['w', 'w', 'w']);
  });

  it('begins another round where one is under way, which may have passed what was written since', () => {
    const network = new TestNetwork({ nodes: 2, keyspaces: [EVENTUAL] });
    network.hold(between('n2', 'n1', 'syncRoot'));
    sync(network, 'n1');
    network.advance(40);
    network.plant('n2', 'late', 'v', 0);
    const results = sync(network, 'n1');
    network.release();
    network.advance(60);
    expect(results).toEqual([undefined]);
    expect(network.valueAt('n1', 'late', 0)).toBe('v');
  });

  it('says which replica did not answer, or cannot be reached', () => {
    const network = new TestNetwork({ nodes: 3, keyspaces: [EVENTUAL] });
    network.drop(between('n2', 'n1', 'syncRoot'));
    const silent = sync(network, 'n1');
    network.advance(3000);
    expect(silent).toEqual(['n2 did not answer']);
    network.cut('n1', 'n3');
    expect(sync(network, 'n1')).toEqual(['n3 cannot be reached']);
  });

  it('says which replica was not compared with, because it is refilling', () => {
    const network = new TestNetwork({ nodes: 3, keyspaces: [EVENTUAL] });
    network.plant('n1', 'k', 'v', 0);
    network.kill('n2');
    network.restartEmpty('n2');
    network.drop(({ from, type }) => from === 'n2' && type !== 'syncRoot');
    const results = sync(network, 'n1');
    network.advance(100);
    expect(results).toEqual(['n2 is refilling']);
  });
});
